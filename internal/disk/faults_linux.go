package disk

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// faults are what is wrong with a disk at the moment, and what was counted.
type faults struct {
	mu sync.Mutex
	// room is how many bytes may still be written, if limited says so.
	limited *int64
	fail    *bool
	slow    *slowness
	// outage is the next one, or the one that has begun.
	outage *outage
	// durable is held, as by a reader, by each sync that makes something durable.
	durable sync.RWMutex

	writes, bytes, syncs, idle, failedSyncs, slowSyncs, noSpace, losses atomic.Int64
}

type slowness struct {
	least, most time.Duration
	random      *rand.Rand
}

// LimitSpace lets that many more bytes be written; then writes get ENOSPC, the first of
// them perhaps after a part of it. What takes no new space, as overwriting, goes on, and
// files that are removed or cut give theirs back. It ends when heal is called, or with
// the next LimitSpace.
func (d *Disk) LimitSpace(bytes int64) (heal func()) {
	return replace(&d.faults.mu, &d.faults.limited, &bytes)
}

// FailSync makes the next sync fail with EIO that has something to make durable: fsync,
// fdatasync, or a write with O_SYNC. As on Linux, what it should have written counts as
// written afterwards: later syncs succeed without it, reads see it, and whether it
// survives a power loss is open. Heal takes back a failure that has not come yet.
func (d *Disk) FailSync() (heal func()) {
	yes := true
	return replace(&d.faults.mu, &d.faults.fail, &yes)
}

// SlowSync lets each sync that has something to make durable take a random time from
// least to most. Other operations go on.
func (d *Disk) SlowSync(least, most time.Duration, seed int64) (heal func()) {
	s := &slowness{least, max(least, most), rand.New(rand.NewPCG(uint64(seed), 0))}
	return replace(&d.faults.mu, &d.faults.slow, s)
}

// replace sets a fault, and returns what removes it if it is still the same.
func replace[T any](mu *sync.Mutex, fault **T, by *T) (heal func()) {
	mu.Lock()
	defer mu.Unlock()
	*fault = by
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if *fault == by {
			*fault = nil
		}
	}
}

// Stats counts what happened since Mount.
func (d *Disk) Stats() Stats {
	f := d.faults
	return Stats{
		Writes: f.writes.Load(), BytesWritten: f.bytes.Load(), Syncs: f.syncs.Load(), IdleSyncs: f.idle.Load(),
		FailedSyncs: f.failedSyncs.Load(), SlowSyncs: f.slowSyncs.Load(), NoSpace: f.noSpace.Load(), PowerLosses: f.losses.Load(),
	}
}

// takeFailure reports whether a sync that has something to do shall fail.
func (f *faults) takeFailure() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		return false
	}
	f.fail = nil
	f.failedSyncs.Add(1)
	return true
}

// delay waits as SlowSync wants it, but not longer than the store is there.
func (f *faults) delay(gone <-chan struct{}) {
	f.mu.Lock()
	if f.slow == nil {
		f.mu.Unlock()
		return
	}
	begun := f.outage.begun
	d := f.slow.least + time.Duration(f.slow.random.Int64N(int64(f.slow.most-f.slow.least)+1))
	f.mu.Unlock()
	f.slowSyncs.Add(1)
	select {
	case <-time.After(d):
	case <-gone:
	case <-begun:
	}
}

// reserve takes the space that writing x needs, and returns how many of its bytes can be
// written.
func (f *faults) reserve(fd int, x span) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limited == nil {
		return x.length()
	}
	need := holes(fd, x)
	if need <= *f.limited {
		*f.limited -= need
		return x.length()
	}
	f.noSpace.Add(1)
	end := x.off
	for end < x.end {
		data, hole := extent(fd, span{end, x.end})
		if data-end > *f.limited {
			end += *f.limited
			*f.limited = 0
			break
		}
		*f.limited -= data - end
		end = hole
	}
	return end - x.off
}

// fits reports whether there is room to allocate x. What is allocated takes its space
// when it is written.
func (f *faults) fits(fd int, x span) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limited == nil || holes(fd, x) <= *f.limited {
		return true
	}
	f.noSpace.Add(1)
	return false
}

// release gives back the space of x, which is about to be cut or removed.
func (f *faults) release(fd int, x span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limited == nil {
		return
	}
	if size, err := sizeOf(fd); err == nil {
		x.end = min(x.end, size)
	}
	if x.length() > 0 {
		*f.limited += x.length() - holes(fd, x)
	}
}

// room is what statfs shall not exceed; -1 if there is no limit.
func (f *faults) room() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limited == nil {
		return -1
	}
	return *f.limited
}

func (f *faults) limitedSpace() bool { return f.room() >= 0 }

// errno is what the kernel is told.
func errno(err error) unix.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(unix.Errno); ok {
		return e
	}
	return unix.EIO
}
