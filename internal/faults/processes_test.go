package faults

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEachProcessFaultDoesItsStepsInOrderAndHealsThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  Fault
		calls  []string
		detail string
	}{
		{Kill(), []string{"n2 kill", "n2 spawn", "n2 ready"}, ""},
		{Stop(), []string{"n2 stop", "n2 spawn", "n2 ready"}, ""},
		{Pause(), []string{"n2 pause", "n2 resume"}, ""},
		{KillRecovering(), []string{"n2 kill", "n2 spawn", "n2 kill", "n2 spawn", "n2 ready"}, "killed again 1 ms after its restart"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(3)
			type change struct {
				fault string
				begun bool
			}
			var active []change
			step := Step{Fault: tt.fault, Target: Target{Node: "n2"}, Delay: time.Millisecond}
			err := Inject(t.Context(), &w.env, step, &w.recorder, func(name string, begun bool) { active = append(active, change{name, begun}) }, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.all(); !slices.Equal(got, tt.calls) {
				t.Errorf("got %v, want %v", got, tt.calls)
			}
			if !slices.Equal(active, []change{{tt.fault.Name, true}, {tt.fault.Name, false}}) {
				t.Errorf("active was %v", active)
			}
			if len(w.recorder.events) != 1 {
				t.Fatalf("got %+v", w.recorder.events)
			}
			e := w.recorder.events[0]
			if e.Fault != tt.fault.Name || !slices.Equal(e.Targets, []string{"n2"}) || e.Detail != tt.detail || e.Start >= e.End {
				t.Errorf("got %+v", e)
			}
			// Counted before the fault: afterwards nothing is in flight any more.
			if e.Hits != 7 {
				t.Errorf("%d hits, want 7", e.Hits)
			}
		})
	}
}

func TestAProcessFaultWaitsForAWriteButNotForEver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ after, hits int }{{0, 1}, {3, 1}, {1 << 30, 0}} {
		w := newWorld(1)
		asked := 0
		w.env.OpenWrites = func() int {
			if len(w.all()) > 0 {
				t.Error("it was asked for writes after the fault")
			}
			asked++
			if asked > tt.after {
				return 1
			}
			return 0
		}
		if err := Inject(t.Context(), &w.env, Step{Fault: Kill()}, &w.recorder, nobody, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.recorder.events[0].Hits; got != tt.hits || asked <= min(tt.after, 1) {
			t.Errorf("a write in flight after %d looks: %d hits and %d looks", tt.after, got, asked)
		}
	}
}

func TestAProcessFaultActsOnAllItsTargetsAtOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []Fault{Kill(), Stop(), Pause(), KillRecovering()} {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(4)
			// Each call waits for that of all other targets: one by one would never end.
			arrived := make(map[string]chan struct{})
			for _, call := range []string{"kill", "stop", "pause", "resume", "spawn", "ready"} {
				arrived[call] = make(chan struct{}, 100)
			}
			late := make(chan string, 100)
			for _, n := range w.nodes {
				met := make(map[string]bool)
				n.reached = func(call string) {
					if met[call] {
						return // the second kill
					}
					met[call] = true
					arrived[call] <- struct{}{}
					for end := time.Now().Add(patience); len(arrived[call]) < len(w.nodes); time.Sleep(time.Millisecond) {
						if time.Now().After(end) {
							late <- call
							return
						}
					}
				}
			}
			step := Step{Fault: fault, Target: Target{Role: All}}
			if err := Inject(t.Context(), &w.env, step, &w.recorder, nobody, nil); err != nil {
				t.Fatal(err)
			}
			select {
			case call := <-late:
				t.Errorf("%s was done one by one", call)
			default:
			}
			if e := w.recorder.events; len(e) != 1 || !slices.Equal(e[0].Targets, named(4)) || e[0].Hits != 7 {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestAnErrorOfTheNodeIsFoundAndTheFaultIsRecorded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault Fault
		fails string
		calls []string
	}{
		{Kill(), "kill", []string{"n1 kill"}},
		{Kill(), "spawn", []string{"n1 kill", "n1 spawn"}},
		{Kill(), "ready", []string{"n1 kill", "n1 spawn", "n1 ready"}},
		{Stop(), "stop", []string{"n1 stop"}},
		{Stop(), "ready", []string{"n1 stop", "n1 spawn", "n1 ready"}},
		{Pause(), "pause", []string{"n1 pause"}},
		{Pause(), "resume", []string{"n1 pause", "n1 resume"}},
		{KillRecovering(), "kill", []string{"n1 kill"}},
		{KillRecovering(), "spawn", []string{"n1 kill", "n1 spawn"}},
		{KillRecovering(), "ready", []string{"n1 kill", "n1 spawn", "n1 kill", "n1 spawn", "n1 ready"}},
	}
	for _, tt := range tests {
		w := newWorld(1)
		w.nodes[0].fails = tt.fails
		err := Run(t.Context(), &w.env, w.only(Spec{Fault: tt.fault}), &w.recorder, nobody, nil)
		var failure *nodeError
		if !errors.As(err, &failure) || failure.call != tt.fails {
			t.Errorf("%s, %s fails: got %v", tt.fault.Name, tt.fails, err)
			continue
		}
		if want := "fault " + tt.fault.Name + ": " + tt.fails + " failed"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if got := w.all(); !slices.Equal(got, tt.calls) {
			t.Errorf("%s, %s fails: got %v, want %v", tt.fault.Name, tt.fails, got, tt.calls)
		}
		if e := w.recorder.events; len(e) != 1 || e[0].Hits != 7 || !slices.Equal(e[0].Targets, []string{"n1"}) || e[0].End <= e[0].Start {
			t.Errorf("%s, %s fails: got %+v", tt.fault.Name, tt.fails, e)
		}
	}
}

func TestWhenOneTargetFailsTheOthersAreHealedAndNoErrorIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(4)
	w.nodes[0].fails = "pause"
	w.nodes[3].fails = "resume"
	err := Inject(t.Context(), &w.env, Step{Fault: Pause(), Target: Target{Role: All}}, &w.recorder, nobody, nil)
	if err == nil || !strings.Contains(err.Error(), "pause failed") || !strings.Contains(err.Error(), "resume failed") {
		t.Errorf("got %v", err)
	}
	calls := w.all()
	for _, want := range []string{"n2 resume", "n3 resume", "n4 resume"} {
		if !slices.Contains(calls, want) {
			t.Errorf("no %s in %v", want, calls)
		}
	}
	if slices.Contains(calls, "n1 resume") {
		t.Errorf("what was not paused was resumed: %v", calls)
	}
}
