package disk

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAFullDiskTakesNoMoreUntilSpaceIsFreedOrHealed(t *testing.T) {
	d, dir := mount(t, Options{})
	old := filepath.Join(dir, "old")
	must(t, os.WriteFile(old, make([]byte, 20000), 0o600))
	f, err := os.Create(filepath.Join(dir, "a"))
	must(t, err)
	defer f.Close()
	heal := d.LimitSpace(10000)
	n, err := f.Write(make([]byte, 8000))
	if n != 8000 || err != nil {
		t.Fatalf("wrote %d: %v", n, err)
	}
	n, err = f.Write(make([]byte, 8000))
	if n != 2000 || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("wrote %d of 2000 that fit: %v", n, err)
	}
	if _, err := f.WriteAt(make([]byte, 10000), 0); err != nil {
		t.Errorf("overwriting: %v", err)
	}
	if _, err := f.WriteAt([]byte("x"), 10000); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("one byte more: %v", err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("syncing what was written: %v", err)
	}
	must(t, os.Truncate(old, 19000))
	if room := d.faults.room(); room != 1000 {
		t.Errorf("cutting made room for %d bytes", room)
	}
	if n, err := unix.Pwrite(int(f.Fd()), make([]byte, 2000), 10000); n != 1000 || err != nil {
		t.Errorf("wrote %d of 1000 that were freed by cutting: %v", n, err)
	}
	must(t, os.Remove(old))
	if _, err := f.WriteAt(make([]byte, 19000), 11000); err != nil {
		t.Errorf("in what was freed by removing: %v", err)
	}
	if _, err := f.WriteAt([]byte("x"), 30000); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("one byte more: %v", err)
	}
	if got := d.Stats().NoSpace; got == 0 {
		t.Error("nothing was counted")
	}
	heal()
	heal()
	if _, err := f.WriteAt(make([]byte, 100000), 30000); err != nil {
		t.Errorf("after healing: %v", err)
	}
}

func TestMappedMemoryIsSyncedWhollyOrTheFullDiskIsTold(t *testing.T) {
	for _, room := range []int64{0, 3343, 4096, 20000, mappedBytes} {
		t.Run(fmt.Sprintf("room for %d bytes", room), func(t *testing.T) {
			t.Parallel()
			d, dir := mount(t, Options{})
			s := newScript(t, dir)
			s.run(fmt.Sprintf("create a\n cut a %d\n sync a", mappedBytes))
			s.closeAll()
			heal := d.LimitSpace(room)
			c := startChild(t, "msync", filepath.Join(dir, "a"))
			got, want := c.line(), "durable"
			c.kill()
			heal()
			if room < mappedBytes {
				want = unix.ENOSPC.Error()
			}
			d.keep(KeptNothing, false)
			lose(t, d, 1)
			if whole := tree(t, dir)["a"] == strings.Repeat("m", mappedBytes); got != want || want == "durable" && !whole {
				t.Errorf("msync says %q, want %q; after a loss all of it is there: %v", got, want, whole)
			}
		})
	}
}

func TestAFailedAppendWithOSyncIsInNobodysWay(t *testing.T) {
	d, dir := mount(t, Options{})
	f, err := os.OpenFile(filepath.Join(dir, "a"), os.O_CREATE|os.O_RDWR|os.O_APPEND|os.O_SYNC, 0o600)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("111111")
	must(t, err)
	d.FailSync()
	if _, err := f.WriteString("2222222222"); !errors.Is(err, unix.EIO) {
		t.Fatalf("the write: %v", err)
	}
	_, err = f.WriteString("33")
	must(t, err)
	if got := tree(t, dir)["a"]; got != "11111133" {
		t.Errorf("%q is seen", got)
	}
	f.Close()
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	if got := tree(t, dir)["a"]; got != "11111133" {
		t.Errorf("%q is left", got)
	}
}

func TestAFileThatIsRemovedWhileOpenGivesItsSpaceBackWhenItIsClosed(t *testing.T) {
	d, dir := mount(t, Options{})
	f, err := os.Create(filepath.Join(dir, "a"))
	must(t, err)
	_, err = f.Write(make([]byte, 5000))
	must(t, err)
	defer d.LimitSpace(0)()
	must(t, os.Remove(f.Name()))
	if _, err := f.WriteAt([]byte("x"), 5000); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("while it is open: %v", err)
	}
	f.Close()
	for start := time.Now(); d.faults.room() != 5000; time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("there is room for %d bytes", d.faults.room())
		}
	}
}

func TestASyncFailsOnceAndItsDataStaysInDoubt(t *testing.T) {
	lost, kept := false, false
	for seed := range int64(40) {
		d, dir := mount(t, Options{})
		s := newScript(t, dir)
		s.run("create a\n write a 0 ABCDEF\n sync a\n create b\n sync b")
		d.FailSync()
		s.run("sync b") // has nothing to do, so it cannot fail
		s.run("write a 2 xx")
		if err := s.open["a"].Sync(); !errors.Is(err, unix.EIO) {
			t.Fatalf("the sync: %v", err)
		}
		s.run("sync a\n write a 4 yy\n sync a")
		if got := tree(t, dir)["a"]; got != "ABxxyy" {
			t.Fatalf("%q is seen", got)
		}
		s.closeAll()
		if st := d.Stats(); st.FailedSyncs != 1 {
			t.Fatalf("%+v", st)
		}
		l := lose(t, d, seed)
		switch got := tree(t, dir)["a"]; got {
		case "ABCDyy":
			lost = true
		case "ABxxyy":
			kept = true
		default:
			t.Fatalf("%q is left", got)
		}
		if l.Writes != 1 || l.Bytes != 2 {
			t.Fatalf("%v; want one write of 2 bytes", l)
		}
		if lost && kept {
			return
		}
	}
	t.Errorf("what was in doubt was lost in some loss: %v, kept: %v", lost, kept)
}

func TestWhatIsWrittenAgainIsNotInDoubtAnyMore(t *testing.T) {
	d, dir := mount(t, Options{})
	s := newScript(t, dir)
	s.run("create a\n sync a\n write a 0 xxxx")
	d.FailSync()
	if err := s.open["a"].Sync(); err == nil {
		t.Fatal("the sync did not fail")
	}
	s.run("write a 0 xxxx\n sync a")
	s.closeAll()
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	if got, want := tree(t, dir), map[string]string{"a": "xxxx"}; !maps.Equal(got, want) {
		t.Errorf("%q is left, want %q", got, want)
	}
}

func TestSyncsThatFail(t *testing.T) {
	for _, c := range []struct{ name, before, failing, then string }{
		{"of a folder", "create a", "syncdir .", "syncdir ."},
		{"by fdatasync", "create a\n sync a\n write a 0 x", "datasync a", "write a 0 y\n datasync a"},
		{"by a write with O_SYNC", "opensync a", "write a 0 x", "write a 0 x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, dir := mount(t, Options{})
			s := newScript(t, dir)
			defer s.closeAll()
			s.run(c.before)
			d.FailSync()
			if err := s.step(strings.Fields(c.failing)); !errors.Is(err, unix.EIO) {
				t.Errorf("%s: %v", c.failing, err)
			}
			s.run(c.then)
			d.FailSync()() // healed before it came
			s.run("create z\n sync z")
		})
	}
}

func TestASlowSyncHoldsNothingElseUp(t *testing.T) {
	d, dir := mount(t, Options{})
	s := newScript(t, dir)
	defer s.closeAll()
	s.run("create a\n create b\n write a 0 x")
	heal := d.SlowSync(time.Hour, time.Hour, 1)
	done := make(chan error, 1)
	a := s.open["a"]
	go func() { done <- a.Sync() }()
	for d.Stats().SlowSyncs == 0 {
		time.Sleep(time.Millisecond)
	}
	s.run("write b 0 z\n create c\n rename c d\n remove d")
	heal()
	s.run("sync b")
	select {
	case err := <-done:
		t.Errorf("the slow sync ended early: %v", err)
	default:
	}
	must(t, d.Close(t.Context())) // ends it
	<-done
}

func TestASlowSyncTakesAtLeastItsTime(t *testing.T) {
	const least = 20 * time.Millisecond
	d, dir := mount(t, Options{})
	defer d.SlowSync(least, 2*least, 1)()
	s := newScript(t, dir)
	defer s.closeAll()
	s.run("create a\n write a 0 x")
	start := time.Now()
	s.run("sync a")
	if took := time.Since(start); took < least {
		t.Errorf("a sync took %v", took)
	}
}

func TestFaultsAreForManyAtOnce(t *testing.T) {
	d, dir := mount(t, Options{})
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 30 {
				path := filepath.Join(dir, fmt.Sprintf("f%d-%d", w, i%3))
				f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
				if err != nil {
					t.Error(err)
					return
				}
				f.Write(make([]byte, 3000))
				f.Sync()
				f.Close()
				os.Rename(path, path+"x")
				os.Remove(path + "x")
			}
		})
	}
	for range 20 {
		h1, h2, h3 := d.LimitSpace(5000), d.FailSync(), d.SlowSync(0, time.Millisecond, 1)
		time.Sleep(time.Millisecond)
		h1()
		h2()
		h3()
	}
	all.Wait()
	if st := d.Stats(); st.FailedSyncs == 0 || st.NoSpace == 0 || st.SlowSyncs == 0 {
		t.Errorf("%+v", st)
	}
	lose(t, d, 1)
}

func TestWhatIsNotDurableIsCounted(t *testing.T) {
	d, point := mount(t, Options{})
	f, err := os.Create(filepath.Join(point, "file"))
	must(t, err)
	defer f.Close()
	for _, step := range []struct {
		do   func() error
		want Risk
	}{
		{func() error { return nil }, Risk{0, 1}},
		{func() error { _, err := f.WriteAt(make([]byte, 5000), 0); return err }, Risk{5000, 1}},
		{func() error { _, err := f.WriteAt(make([]byte, 5000), 1000); return err }, Risk{6000, 1}},
		{f.Sync, Risk{0, 0}},
		{func() error { _, err := f.WriteAt(make([]byte, 10), 20); return err }, Risk{10, 0}},
		// Now that another file was synced, what is never synced does not count.
		{func() error { return os.WriteFile(filepath.Join(point, "notes"), make([]byte, 500), 0o600) }, Risk{10, 1}},
		{func() error { lose(t, d, 1); return nil }, Risk{0, 0}},
	} {
		must(t, step.do())
		if got := d.AtRisk(); got != step.want {
			t.Errorf("%+v, want %+v", got, step.want)
		}
	}
}
