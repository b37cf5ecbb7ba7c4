package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSlowLinksDelayWhatTheirNodesSendAndGet(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 4)
	held, i := m.observe(t, Slow(), Step{Delay: day}, "n2") // so nothing arrives before it heals
	want := arrows("n1>n2 n2>n1 n2>n3 n2>n4 n3>n2 n4>n2")
	if !slices.Equal(held, want) || i.Hits() != len(want) {
		t.Errorf("got %v, %d hits", held, i.Hits())
	}
	m.heal(t, i)
	if got := i.Detail(); got != "by 86400000 to 129600000 ms; delayed 6 segments of 6 connections" {
		t.Errorf("got %q", got)
	}
	if i.Targets != nil {
		t.Errorf("got %v", i.Targets)
	}
}

func TestWithoutADelayOfItsOwnTheSeedDrawsIt(t *testing.T) {
	t.Parallel()
	seen := make(map[time.Duration]bool)
	for seed := range uint64(300) {
		d := Step{Seed: seed}.slowness()
		if d < 40*time.Millisecond || d > 150*time.Millisecond || d != (Step{Seed: seed}).slowness() {
			t.Fatalf("got %s", d)
		}
		seen[d.Truncate(10*time.Millisecond)] = true
	}
	if len(seen) < 11 {
		t.Errorf("got %v", seen)
	}
}

func TestLossyLinksLoseWhatTheirNodesSendAndGet(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 3)
	i, err := Lossy().Inject(t.Context(), &m.env, Step{Seed: 1}, m.env.Nodes[1:2])
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		m.sendOn(t, arrows("n1>n3 n3>n1")...)
		m.awaitAll(t) // or they would be one segment
	}
	if i.Hits() > 0 {
		t.Errorf("%d hits on links of others", i.Hits())
	}
	links := arrows("n1>n2 n2>n1 n2>n3 n3>n2")
	for k := 0; i.Hits() == 0; k++ {
		if k == 1000 {
			t.Fatal("nothing is lost")
		}
		m.sendOn(t, links[k%4])
		eventually(t, "it arrives or is lost", func() bool { return i.Hits() > 0 || len(m.missing()) == 0 })
	}
	m.heal(t, i)
	want := fmt.Sprintf("%d %%; lost %s of ", Step{Seed: 1}.lossPercent(), counted(i.Hits(), "segment"))
	if got := i.Detail(); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := make(map[int]bool)
	for seed := range uint64(1000) {
		seen[Step{Seed: seed}.lossPercent()] = true
	}
	if len(seen) != 21 || !seen[5] || !seen[25] {
		t.Errorf("draws %v", seen)
	}
}

// awaitReset waits until a connection is reset.
func awaitReset(t testing.TB, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

func TestResetBreaksTheConnectionsOfItsTargetsAgainAndAgain(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 3)
	stop := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- Inject(t.Context(), &m.env, Step{Fault: Reset(), Target: Target{Node: "n2"}, Hold: day}, &m.recorder, nobody, stop)
	}()
	links := arrows("n1>n2 n2>n1 n2>n3 n3>n2")
	for _, pair := range links {
		awaitReset(t, m.conns[pair])
	}
	awaitReset(t, m.dial(t, arrow("n1>n2"))) // made while it is held
	close(stop)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	e := m.recorder.events
	if len(e) != 1 || e[0].Fault != "reset" || e[0].Hits != 5 || !strings.HasPrefix(e[0].Detail, "reset ") || !slices.Equal(e[0].Targets, []string{"n2"}) {
		t.Errorf("got %+v", e)
	}
	// Those of the others live, and so do new ones.
	m.conns[links[0]] = m.dial(t, links[0])
	m.sendOn(t, arrow("n1>n3"), arrow("n3>n1"), links[0])
	m.awaitAll(t)
}

func TestOneResetIsEnoughWithoutAHold(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 3)
	if err := Inject(t.Context(), &m.env, Step{Fault: Reset(), Target: Target{Role: All}}, &m.recorder, nobody, nil); err != nil {
		t.Fatal(err)
	}
	for _, conn := range m.conns {
		awaitReset(t, conn)
	}
	if e := m.recorder.events; len(e) != 1 || e[0].Hits != 6 || e[0].Detail != "reset 1 time" {
		t.Errorf("got %+v", e)
	}
}

func TestNetworkFaultsNeedLinks(t *testing.T) {
	t.Parallel()
	for _, f := range Catalog() {
		if f.MinNodes == 1 {
			continue
		}
		w := newWorld(5)
		err := Inject(t.Context(), &w.env, Step{Fault: f}, &w.recorder, nobody, nil)
		if err == nil || err.Error() != "fault "+f.Name+": the nodes have no links" {
			t.Errorf("got %v", err)
		}
	}
}

func TestNetworkFaultsAreRecordedAndHealHoweverTheyEnd(t *testing.T) {
	t.Parallel()
	for _, fault := range Catalog() {
		if fault.MinNodes == 1 || fault.Name == "reset" {
			continue
		}
		for _, how := range []string{"stopped", "cancelled"} {
			t.Run(fault.Name+" "+how, func(t *testing.T) {
				t.Parallel()
				m := newMesh(t, 4)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				injected := make(chan Injection, 1)
				watched := fault
				watched.Inject = func(ctx context.Context, env *Env, s Step, targets []Node) (Injection, error) {
					i, err := fault.Inject(ctx, env, s, targets)
					injected <- i
					return i, err
				}
				done := make(chan error, 1)
				go func() {
					step := Step{Fault: watched, Seed: 3, Hold: day, Delay: day}
					done <- Inject(ctx, &m.env, step, &m.recorder, nobody, stop)
				}()
				i := <-injected
				eventually(t, "something is hit", func() bool {
					if len(m.missing()) == 0 {
						m.send(t)
					}
					return i.Hits() > 0
				})
				var want error
				if how == "stopped" {
					close(stop)
				} else {
					cancel()
					want = context.Canceled
				}
				if err := <-done; !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("got %v", err)
				}
				m.awaitAll(t)
				e := m.recorder.events
				if len(e) != 1 || e[0].Fault != fault.family() || e[0].Hits == 0 || e[0].Detail == "" || len(e[0].Targets) == 0 || e[0].Start >= e[0].End {
					t.Errorf("got %+v", e)
				}
			})
		}
	}
}

func TestTwoTracksAtOnceLeaveTheNetworkHealed(t *testing.T) {
	t.Parallel()
	m := newMesh(t, 5)
	m.env.Leader = led("n3")
	short := Range{Max: 5 * time.Millisecond}
	var processes, network Track
	for _, f := range Catalog() {
		spec := Spec{Fault: f, Weight: 1, Gap: short, Hold: short, Delay: short, Target: Target{Role: Follower}}
		switch {
		case f.MinNodes == 1:
			processes = append(processes, spec)
		case f.Name != "reset": // connections live, so that all bytes must arrive
			network = append(network, spec)
		}
	}
	stop := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		plan := NewPlan(5, []Track{processes, network}, identities(m.env.Nodes))
		done <- Run(t.Context(), &m.env, plan, &m.recorder, nobody, stop)
	}()
	eventually(t, "enough faults of both", func() bool {
		m.send(t)
		seen := make(map[string]int)
		for _, e := range m.recorder.recorded() {
			seen[e.Fault]++
		}
		return seen["cut"] > 20 && seen["lossy"] > 0 && seen["kill"] > 3 && seen["pause"] > 3
	})
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	m.awaitAll(t)
	m.send(t) // nothing holds it any more
	m.awaitAll(t)
	if m.network.Open(m.pairs()...) != len(m.pairs()) {
		t.Error("connections are gone")
	}
}
