package disk

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

func TestNothingBecomesDurableBetweenSyncs(t *testing.T) {
	d, dir := mount(t, Options{Strict: true})
	durable := filepath.Join(dir+".disk", "durable")
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- func() error {
			folder, err := os.Open(dir)
			if err != nil {
				return err
			}
			defer folder.Close()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return nil
				default:
				}
				if err := os.WriteFile(filepath.Join(dir, "next"), nil, 0o600); err != nil {
					return err
				}
				if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, strconv.Itoa(i))); err != nil {
					return err
				}
				if err := folder.Sync(); err != nil {
					return err
				}
			}
		}()
	}()
	last, looks := map[string]string{}, 0
	for changed := 0; changed < 20 && len(ended) == 0; {
		d.BetweenSyncs(func() {
			first := tree(t, durable)
			if again := tree(t, durable); !maps.Equal(first, again) {
				t.Errorf("look %d: durable changed from %v to %v", looks, slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(again)))
			}
			if !maps.Equal(first, last) {
				changed++
			}
			last = first
			looks++
		})
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if looks == 0 {
		t.Error("there was no look")
	}
}
