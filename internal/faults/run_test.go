package faults

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFaultThatIsHeldWhenTheRunStopsIsHealed(t *testing.T) {
	t.Parallel()
	for _, fault := range Catalog() {
		if fault.MinNodes > 1 {
			continue // those of the network have tests of their own
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(1)
			stop := make(chan struct{})
			var once sync.Once
			active := func(string, bool) { once.Do(func() { close(stop) }) }
			// Without obeying stop this would last for a day.
			if err := Run(t.Context(), &w.env, w.only(Spec{Fault: fault, Hold: Range{Min: day}}), &w.recorder, active, stop); err != nil {
				t.Fatal(err)
			}
			calls := w.all()
			if last := calls[len(calls)-1]; last != "n1 ready" && last != "n1 resume" && last != "n1 slow ends" {
				t.Errorf("got %v", calls)
			}
			if e := w.recorder.events; len(e) != 1 || e[0].Hits != 7 && e[0].Hits != diskHits {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestCancellingEndsAFaultWhereverItIs(t *testing.T) {
	t.Parallel()
	long := Range{Min: day}
	tests := []struct {
		name   string
		spec   Spec
		at     string // the call at which ctx is cancelled; empty for the gap
		hangs  string
		events int
	}{
		{"before the fault", Spec{Fault: Kill(), Gap: long}, "", "", 0},
		{"during the hold", Spec{Fault: Kill(), Hold: long}, "kill", "", 1},
		{"during a pause", Spec{Fault: Pause(), Hold: long}, "pause", "", 1},
		{"between two kills", Spec{Fault: KillRecovering(), Delay: long}, "spawn", "", 1},
		{"while it stops", Spec{Fault: Stop()}, "stop", "stop", 1},
		{"while it heals", Spec{Fault: Stop()}, "ready", "ready", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := newWorld(1)
			w.nodes[0].hangs = tt.hangs
			w.nodes[0].reached = func(call string) {
				if call == tt.at {
					cancel()
				}
			}
			if tt.at == "" {
				cancel()
			}
			// Without obeying ctx this would last for a day.
			err := Run(ctx, &w.env, w.only(tt.spec), &w.recorder, nobody, nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if len(w.recorder.events) != tt.events {
				t.Errorf("got %+v", w.recorder.events)
			}
		})
	}
}

// probe is a fault that counts how often it is injected and healed.
type probe struct{ injected, healed atomic.Int64 }

var errProbe = errors.New("the probe fails")

func (p *probe) fault(name string, injecting, healing error) Fault {
	return Fault{Name: name, Inject: func(context.Context, *Env, Step, []Node) (Injection, error) {
		p.injected.Add(1)
		return Injection{
			Targets: []string{"elsewhere"},
			Detail:  func() string { return counted(p.healed.Load(), "time") + " healed" },
			Hits:    func() int { return 100 + int(p.healed.Load()) },
			Heal: func(context.Context) error {
				p.healed.Add(1)
				return healing
			},
		}, injecting
	}}
}

func TestAFaultIsHealedExactlyOnceHoweverItEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name               string
		hold, held         time.Duration
		injecting, healing error
		stop, cancel       bool
		want               error
	}{
		{name: "its time is over", hold: time.Minute, held: time.Minute},
		{name: "it has no time"},
		{name: "the run stops", hold: day, stop: true},
		{name: "ctx is cancelled", hold: day, cancel: true, want: context.Canceled},
		{name: "injecting fails", hold: day, injecting: errProbe, want: errProbe},
		{name: "injecting fails and ctx is cancelled", hold: day, injecting: errProbe, cancel: true, want: errProbe},
		{name: "healing fails", hold: time.Minute, held: time.Minute, healing: errProbe, want: errProbe},
		{name: "healing fails and the run stops", hold: day, healing: errProbe, stop: true, want: errProbe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stop := make(chan struct{})
				began := time.Now()
				active := func(_ string, begun bool) {
					switch {
					case !begun:
					case tt.stop:
						close(stop)
					case tt.cancel:
						cancel()
					}
				}
				w := newWorld(1)
				var p probe
				err := Inject(ctx, &w.env, Step{Fault: p.fault("probe", tt.injecting, tt.healing), Hold: tt.hold}, &w.recorder, active, stop)
				if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
					t.Errorf("got %v", err)
				}
				if p.injected.Load() != 1 || p.healed.Load() != 1 {
					t.Errorf("injected %d times, healed %d times", p.injected.Load(), p.healed.Load())
				}
				if held := time.Since(began); held != tt.held {
					t.Errorf("held for %s, want %s", held, tt.held)
				}
				// What it hit is asked after healing.
				e := w.recorder.recorded()
				if len(e) != 1 || e[0].Hits != 101 || e[0].Detail != "1 time healed" || !slices.Equal(e[0].Targets, []string{"elsewhere"}) || e[0].Start >= e[0].End {
					t.Errorf("got %+v", e)
				}
			})
		})
	}
}

func TestAnInjectionMayLeaveEverythingOut(t *testing.T) {
	t.Parallel()
	w := newWorld(2)
	nothing := Fault{Name: "nothing", Family: "void", Inject: func(context.Context, *Env, Step, []Node) (Injection, error) { return Injection{}, nil }}
	if err := Inject(t.Context(), &w.env, Step{Fault: nothing, Target: Target{Node: "n2"}}, &w.recorder, nobody, nil); err != nil {
		t.Fatal(err)
	}
	if e := w.recorder.events; len(e) != 1 || e[0].Fault != "void" || !slices.Equal(e[0].Targets, []string{"n2"}) || e[0].Hits != 0 || e[0].Detail != "" {
		t.Errorf("got %+v", e)
	}
}

func TestAStopDuringTheGapInjectsNothing(t *testing.T) {
	t.Parallel()
	for name, gap := range map[string]Range{"a long gap": {Min: day}, "no gap": {}} {
		for range 50 {
			w := newWorld(1)
			stop := make(chan struct{})
			close(stop)
			if err := Run(t.Context(), &w.env, w.only(Spec{Fault: Kill(), Gap: gap}), &w.recorder, nobody, stop); err != nil {
				t.Fatal(err)
			}
			if err := Inject(t.Context(), &w.env, Step{Fault: Kill()}, &w.recorder, nobody, stop); err != nil {
				t.Fatal(err)
			}
			if len(w.all()) > 0 || len(w.recorder.events) > 0 {
				t.Fatalf("%s: got %v", name, w.all())
			}
		}
	}
}

func TestWithoutFaultsNothingIsInjected(t *testing.T) {
	t.Parallel()
	for _, tracks := range [][]Track{nil, {nil, nil}, {{{Fault: Kill(), Weight: 0}, {Fault: Kill(), Weight: -1}}}, {{{Fault: Isolate(), Weight: 1}}}} {
		w := newWorld(1)
		if err := Run(t.Context(), &w.env, NewPlan(1, tracks, named(1)), &w.recorder, nobody, nil); err != nil {
			t.Fatal(err)
		}
		if len(w.all()) > 0 || len(w.recorder.events) > 0 {
			t.Errorf("got %v", w.recorder.events)
		}
	}
}

func TestTracksRunSideBySideAndTheStepsOfOneFollowEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		var p, q probe
		hour := Range{Min: time.Hour}
		tracks := []Track{
			{{Fault: p.fault("p", nil, nil), Weight: 1, Gap: hour, Hold: hour}},
			{{Fault: q.fault("q", nil, nil), Weight: 1, Gap: Range{Min: 90 * time.Minute}, Hold: hour}},
		}
		began := time.Now()
		var log trace
		active := func(fault string, begun bool) {
			what := " ends"
			if begun {
				what = " begins"
			}
			log.add(time.Since(began).String() + " " + fault + what)
		}
		stop := make(chan struct{})
		time.AfterFunc(4*time.Hour+time.Minute, func() { close(stop) })
		if err := Run(t.Context(), &w.env, NewPlan(1, tracks, named(1)), &w.recorder, active, stop); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"1h0m0s p begins", "1h30m0s q begins", "2h0m0s p ends", "2h30m0s q ends",
			"3h0m0s p begins", "4h0m0s p ends", "4h0m0s q begins", "4h1m0s q ends",
		}
		got := log.all()
		if len(got) == len(want) && strings.HasPrefix(got[5], "4h0m0s q") {
			got[5], got[6] = got[6], got[5] // at the same time
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhenATrackFailsTheOthersStopWaitingAndHeal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		other Spec
		calls []string
	}{
		{"a hold", Spec{Fault: Pause(), Hold: Range{Min: day}}, []string{"n1 pause", "n1 resume"}},
		{"a gap", Spec{Fault: Pause(), Gap: Range{Min: day}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				var p probe
				tt.other.Weight = 1
				tracks := []Track{
					{tt.other},
					{{Fault: p.fault("probe", errProbe, nil), Weight: 1, Gap: Range{Min: time.Minute}}},
				}
				began := time.Now()
				err := Run(t.Context(), &w.env, NewPlan(1, tracks, named(1)), &w.recorder, nobody, nil)
				if !errors.Is(err, errProbe) || err.Error() != "fault probe: the probe fails" {
					t.Errorf("got %v", err)
				}
				if got := time.Since(began); got != time.Minute {
					t.Errorf("it took %s", got)
				}
				if got := w.all(); !slices.Equal(got, tt.calls) {
					t.Errorf("got %v", got)
				}
			})
		})
	}
}

func TestTheErrorsOfAllTracksAreReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		w.nodes[0].fails, w.nodes[1].fails = "resume", "pause"
		aim := func(id string, gap time.Duration) Track {
			return Track{{Fault: Pause(), Weight: 1, Target: Target{Node: id}, Gap: Range{Min: gap}, Hold: Range{Min: day}}}
		}
		err := Run(t.Context(), &w.env, NewPlan(1, []Track{aim("n1", 0), aim("n2", time.Minute)}, named(2)), &w.recorder, nobody, nil)
		if err == nil || err.Error() != "fault pause: resume failed\nfault pause: pause failed" {
			t.Errorf("got %v", err)
		}
	})
}

func TestAFaultInTooSmallAClusterIsAnError(t *testing.T) {
	t.Parallel()
	for _, f := range Catalog() {
		w := newWorld(f.MinNodes - 1)
		err := Inject(t.Context(), &w.env, Step{Fault: f}, &w.recorder, nobody, nil)
		if err == nil || !strings.Contains(err.Error(), "at least "+counted(f.MinNodes, "node")) || len(w.recorder.events) > 0 {
			t.Errorf("%s: got %v", f.Name, err)
		}
	}
}

func TestACalmFaultWaitsUntilWritesSucceed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		calm   bool
		served time.Duration // after the run's start
		stop   time.Duration
		begins time.Duration // 0 for never
	}{
		{"they do at once", true, 0, time.Hour, time.Second},
		{"they do again after five seconds", true, 5 * time.Second, time.Hour, 5 * time.Second},
		{"they do not for longer than anybody waits", true, day, time.Hour, time.Second + calmPatience},
		{"the run ends before", true, day, 10 * time.Second, 0},
		{"another fault does not wait", false, day, time.Hour, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				began := time.Now()
				w.env.Served = func(ctx context.Context) { _ = sleep(ctx, tt.served-time.Since(began)) }
				stop := make(chan struct{})
				time.AfterFunc(tt.stop, func() { close(stop) })
				var begins time.Duration
				var once sync.Once
				active := func(string, bool) { once.Do(func() { begins = time.Since(began) }) }
				var p probe
				spec := Spec{Fault: p.fault("probe", nil, nil), Calm: tt.calm, Gap: Range{Min: time.Second}, Hold: Range{Min: day}}
				if err := Run(t.Context(), &w.env, w.only(spec), &w.recorder, active, stop); err != nil {
					t.Fatal(err)
				}
				if begins != tt.begins || time.Since(began) != tt.stop {
					t.Errorf("the fault began after %s and the run ended after %s", begins, time.Since(began))
				}
			})
		})
	}
}
