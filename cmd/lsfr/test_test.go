package main

import (
	"testing"
	"time"
)

func TestOnlyARunWithoutFlagsThatChangeItCountsForNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		set   func(*testFlags)
		plain bool
	}{
		{"nothing", func(*testFlags) {}, true},
		{"a seed", func(f *testFlags) { f.seed, f.seeded = 7, true }, true},
		{"how it is shown", func(f *testFlags) { f.json, f.junit, f.keep = true, "x.xml", 3 }, true},
		{"another folder", func(f *testFlags) { f.dir = "elsewhere" }, true},
		{"no faults", func(f *testFlags) { f.faultNames = "none" }, false},
		{"some faults", func(f *testFlags) { f.faultNames = "kill,cut" }, false},
		{"a duration, though long", func(f *testFlags) { f.duration = time.Hour }, false},
		{"clients", func(f *testFlags) { f.clients = 1 }, false},
		{"another script", func(f *testFlags) { f.runScript = "other.sh" }, false},
	} {
		f := &testFlags{runScript: defaultRunScript, dir: ".", keep: defaultKeep}
		c.set(f)
		if got := f.plain(); got != c.plain {
			t.Errorf("%s: got %v, want %v", c.name, got, c.plain)
		}
	}
}

func TestARunIsRepeatedWithAllThatChangedIt(t *testing.T) {
	t.Parallel()
	f := &testFlags{seed: 42, runScript: defaultRunScript, dir: "."}
	if got, want := f.repeat("clustering", true), "lsfr test clustering --seed 42"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.towards = "read-replicas"
	if got, want := f.repeat("clustering", true), "lsfr test clustering --seed 42"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// Alone it would be judged otherwise.
	f.faultNames, f.duration, f.clients, f.dir, f.runScript = "kill, cut", 90*time.Second, 3, "my store", "go.sh"
	want := "lsfr test read-replicas --so-far --seed 42 --faults 'kill, cut' --duration 1m30s --clients 3 --dir 'my store' --run-script go.sh"
	if got := f.repeat("clustering", false); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A pass of clustering on the way to read-replicas, which lets reads lag behind, is
// no pass of clustering itself.
func TestAStageJudgedOnTheWayToALaterOneIsNotJudgedAsItself(t *testing.T) {
	t.Parallel()
	c := catalog()[0]
	for _, tt := range []struct {
		name, built string
		not         string // the stage that is not judged as itself
	}{
		{"crash-recovery", "http-api", ""},
		{"clustering", "clustering", ""},
		{"read-replicas", "clustering", "clustering"},
		{"clustering", "read-replicas", "clustering"},
	} {
		stages, err := c.SoFar(tt.name, tt.built)
		if err != nil {
			t.Fatal(err)
		}
		for i := range stages {
			if got, want := judgedAsItself(&stages[i], &c.Stages[i]), stages[i].Name != tt.not; got != want {
				t.Errorf("up to %s, with lsfr.yaml at %s: %s as itself: %v, want %v", tt.name, tt.built, stages[i].Name, got, want)
			}
		}
	}
}
