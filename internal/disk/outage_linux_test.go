package disk

import (
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestASyncUnderWayWhenPowerGoesMakesNothingDurableAndIsAnsweredWhenAllAreDead(t *testing.T) {
	d, dir := mount(t, Options{})
	s := newScript(t, dir)
	s.run("create a\n write a 0 old\n sync a\n write a 0 new")
	heal := d.SlowSync(time.Hour, time.Hour, 1)
	var dead atomic.Bool
	answer := make(chan error)
	go func() {
		err := s.open["a"].Sync()
		if !dead.Load() {
			err = errors.New("the answer came while the process could still act upon it")
		}
		answer <- err
	}()
	for d.Stats().SlowSyncs == 0 {
		time.Sleep(time.Millisecond)
	}
	failed := errors.New("kill failed")
	err := d.CutPower(func(done func()) error {
		dead.Store(true)
		done()
		if err := <-answer; !errors.Is(err, unix.EIO) {
			t.Errorf("the sync under way: %v", err)
		}
		if err := s.open["a"].Sync(); !errors.Is(err, unix.EIO) {
			t.Errorf("a sync after that: %v", err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	heal()
	s.closeAll()
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	if got, want := tree(t, dir), map[string]string{"a": "old"}; !maps.Equal(got, want) {
		t.Errorf("%q is left, want %q", got, want)
	}
	s.run("open a\n write a 0 yes\n sync a")
	s.closeAll()
	lose(t, d, 1)
	if got, want := tree(t, dir), map[string]string{"a": "yes"}; !maps.Equal(got, want) {
		t.Errorf("%q is left of what was synced after the outage, want %q", got, want)
	}
}
