package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// patience is how long a busy mount is waited for before it is taken away.
const patience = 2 * time.Second

// Disk is a folder that lsfr serves. Its methods may be called concurrently.
type Disk struct {
	mountpoint, base string
	strict           bool
	faults           *faults

	mu     sync.Mutex // guards what follows; LosePower and Close hold it throughout
	baseFD int
	store  *store
	served chan struct{} // closed when the kernel has no more requests for store
	closed bool

	// kind and names choose what a loss keeps of a file, and how many of n changes of
	// names; tests replace them.
	kind  func(random func(n int) int) Kind
	names func(random func(n int) int, n int) int
}

// Mount serves a folder, which is created if it is missing. Everything that belongs to
// the disk is in the folder base, on the same file system. What is there already, in
// base/seen or else in the mountpoint, is there afterwards, and durable: as after a clean
// shutdown. Errors that wrap ErrUnsupported mean that this machine cannot.
func Mount(ctx context.Context, mountpoint, base string, o Options) (*Disk, error) {
	d := &Disk{strict: o.Strict, faults: newFaults(), kind: anyKind, names: anyNames}
	err := d.prepare(ctx, mountpoint, base)
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, ErrUnsupported): // wherever it is
		return nil, err
	}
	return nil, fmt.Errorf("disk at %s: %w", mountpoint, err)
}

func (d *Disk) prepare(ctx context.Context, mountpoint, base string) error {
	if err := checkDevice(); err != nil {
		return err
	}
	var err error
	if d.base, err = filepath.Abs(base); err != nil {
		return err
	}
	if err := os.MkdirAll(d.base, 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(mountpoint, 0o755); err != nil {
		return err
	}
	// The kernel lists mounts by their real path.
	if d.mountpoint, err = filepath.EvalSymlinks(mountpoint); err != nil {
		return err
	}
	if d.mountpoint, err = filepath.Abs(d.mountpoint); err != nil {
		return err
	}
	if err := d.takeOver(); err != nil {
		return err
	}
	if d.baseFD, err = unix.Open(d.base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	d.store = newStore(d.baseFD, d.strict, d.faults)
	if err = d.store.load(ctx); err == nil {
		err = d.serve()
	}
	if err != nil {
		return errors.Join(err, d.moveBack(), d.tidy(), unix.Close(d.baseFD))
	}
	return nil
}

// tidy removes what is of no use without a disk.
func (d *Disk) tidy() error {
	err := errors.Join(os.RemoveAll(filepath.Join(d.base, "inodes")), os.RemoveAll(filepath.Join(d.base, "durable")))
	os.Remove(d.base) // unless there is something else in it
	return err
}

// takeOver makes base/seen what is in the mountpoint, unless it is there already.
func (d *Disk) takeOver() error {
	seen := filepath.Join(d.base, "seen")
	_, err := os.Lstat(seen)
	if err == nil {
		entries, err := os.ReadDir(d.mountpoint)
		if err == nil && len(entries) > 0 {
			err = fmt.Errorf("there are files in the folder and in %s as well: move those away that are not needed", seen)
		}
		return err
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(d.mountpoint, seen); err != nil {
		return err
	}
	return os.Mkdir(d.mountpoint, 0o755)
}

// moveBack makes the mountpoint a plain folder with the files as seen.
func (d *Disk) moveBack() error {
	if err := os.Remove(d.mountpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(filepath.Join(d.base, "seen"), d.mountpoint)
}

// serve mounts d.store and answers the kernel until it is unmounted.
func (d *Disk) serve() error {
	fd, err := attach(d.mountpoint)
	if err != nil {
		return err
	}
	s := d.store
	options := &fuse.MountOptions{
		MaxWrite: maxWrite, MaxBackground: 64, Name: fsName, FsName: fsName,
		DisableXAttrs: true, DisableReadDirPlus: true, ExplicitDataCacheControl: true,
		Logger: log.New(io.Discard, "", 0),
		PanicHandler: func(problem any) fuse.Status {
			s.failed("lsfr's file system", fmt.Errorf("%v\n%s", problem, debug.Stack()))
			return fuse.EIO
		},
	}
	server, err := fuse.NewServer(newServer(s), "/dev/fd/"+strconv.Itoa(fd), options)
	if err != nil {
		return errors.Join(err, unmount(d.mountpoint, true))
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve()
	}()
	d.served = served
	if err := declinePoll(d.mountpoint); err != nil {
		return errors.Join(err, unmount(d.mountpoint, true))
	}
	return nil
}

// declinePoll lets the kernel learn that there is nothing to poll here. Without it the
// first os.Open of this process below the mountpoint could be in the Go runtime's way of
// answering that question, for good. go-fuse knows the file of this name for the purpose.
func declinePoll(mountpoint string) error {
	fd, err := unix.Open(filepath.Join(mountpoint, ".go-fuse-epoll-hack"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) // the answer is always ENOSYS
	return unix.Close(fd)
}

// stop unmounts, and ends d.store.
func (d *Disk) stop(ctx context.Context) error {
	d.store.goes.Do(func() { close(d.store.gone) })
	if err := detach(ctx, d.mountpoint, patience); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	select {
	case <-d.served:
	case <-time.After(patience):
		// Somebody still holds it open: nothing of this store is served any more.
	}
	d.store.dead.Store(true)
	return nil
}

// BetweenSyncs calls look while no sync makes anything durable: base/durable is then what
// a loss of power at this moment would leave at least. A look that syncs waits for ever.
func (d *Disk) BetweenSyncs(look func()) {
	d.faults.durable.Lock()
	defer d.faults.durable.Unlock()
	look()
}

// AtRisk tells what a loss of power at this moment could take; nothing while power
// is lost.
func (d *Disk) AtRisk() Risk {
	if !d.mu.TryLock() {
		return Risk{}
	}
	defer d.mu.Unlock()
	if d.closed {
		return Risk{}
	}
	return d.store.atRisk()
}

func (s *store) atRisk() Risk {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all, requested int64
	anyRequested := false
	for _, n := range s.nodes {
		n.mu.Lock()
		bytes := n.changes.dirty.bytes()
		if n.syncRequested {
			anyRequested = true
			requested += bytes
		}
		all += bytes
		n.mu.Unlock()
	}
	if anyRequested {
		all = requested
	}
	return Risk{Bytes: all, Names: len(s.pending)}
}

// Close unmounts the disk: lazily, if it stays busy. The mountpoint is then a plain
// folder with the files as seen, and base/durable has them as they were durable.
func (d *Disk) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	err := d.stop(ctx)
	if err == nil {
		d.store.finish()
		err = errors.Join(d.moveBack(), os.RemoveAll(filepath.Join(d.base, "inodes")), d.store.failure())
	}
	if err = errors.Join(err, unix.Close(d.baseFD)); err != nil {
		return fmt.Errorf("disk at %s: %w", d.mountpoint, err)
	}
	return nil
}

// finish waits for operations that are under way in a dead store, and closes its files.
func (s *store) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		n.mu.Lock()
		n.closeFiles()
		n.mu.Unlock()
	}
}
