package disk

import (
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// store is the files of a disk between two power losses.
type store struct {
	base   int // the base folder, open
	strict bool
	faults *faults

	// dead ends every operation with EIO, as the power is gone.
	dead atomic.Bool
	// gone is closed, by goes, when the store is about to die.
	gone chan struct{}
	goes sync.Once

	mu      sync.RWMutex
	root    *inode
	nodes   map[uint64]*inode // those that are seen, open, or known to the kernel
	nextID  uint64
	pending []*nameChange

	brokenMu sync.Mutex
	// broken is the first failure of the real disk that no node can be blamed for.
	broken error
}

const rootID = 1

func newStore(base int, strict bool, f *faults) *store {
	root := newInode(rootID, typeDir, attributes{perm: 0o755})
	root.onDisk = true
	return &store{
		base: base, strict: strict, faults: f, root: root, gone: make(chan struct{}),
		nodes: map[uint64]*inode{rootID: root}, nextID: rootID + 1,
	}
}

// adopt gives a number to an inode that exists now. It needs store.mu.
func (s *store) adopt(n *inode) {
	n.id = s.nextID
	s.nextID++
	s.nodes[n.id] = n
}

// failure returns what failed remembers.
func (s *store) failure() error {
	s.brokenMu.Lock()
	defer s.brokenMu.Unlock()
	return s.broken
}

// node returns the inode of a number, or nil. It locks store.mu.
func (s *store) node(id uint64) *inode {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.nodes[id]
}

// failed remembers that lsfr could not do its own part, and returns what the node sees.
func (s *store) failed(what string, err error) error {
	s.brokenMu.Lock()
	defer s.brokenMu.Unlock()
	if s.broken == nil {
		s.broken = fmt.Errorf("%s: %w", what, err)
	}
	return unix.EIO
}

// fdOf returns a descriptor of n in seen/, and how to let go of it. It needs store.mu
// and n.mu.
func (s *store) fdOf(n *inode) (int, func(), error) {
	if n.fd >= 0 {
		return n.fd, func() {}, nil
	}
	if len(n.seen.places) == 0 {
		return -1, nil, unix.ENOENT
	}
	p := n.seen.places[0]
	l, err := s.seenAt(p.dir, p.name)
	if err != nil {
		return -1, nil, err
	}
	defer l.close()
	fd, err := openAt(l.dir, l.path, unix.O_RDWR, 0)
	if err != nil {
		return -1, nil, err
	}
	return fd, func() { unix.Close(fd) }, nil
}

// change applies a change of names to what is seen, and keeps it until it is durable.
// It needs store.mu.
func (s *store) change(c *nameChange) {
	for _, e := range c.entries {
		view(asSeen).put(e.place, nil)
	}
	for _, e := range c.entries {
		if e.to != nil {
			view(asSeen).put(e.place, e.to)
		}
	}
	c.count(1)
	s.pending = append(s.pending, c)
	if len(s.pending) > maxPending {
		n := len(s.pending) / 2
		old := s.pending[:n]
		s.pending = append([]*nameChange(nil), s.pending[n:]...)
		if err := s.makeDurable(old); err != nil {
			s.failed("make names durable", err)
		}
	}
	for _, e := range c.entries {
		if e.from != nil {
			s.bury(e.from)
		}
	}
}

// count says that a change waits, or does no longer.
func (c *nameChange) count(by int) {
	c.each(func(n *inode) {
		n.pending += by
		if c.puts(n) {
			n.placed += by
		}
	})
}

// each calls f for every inode that the change touches, once.
func (c *nameChange) each(f func(*inode)) {
	done := make(map[*inode]bool, 3)
	for _, e := range c.entries {
		for _, n := range []*inode{e.dir, e.from, e.to} {
			if n != nil && !done[n] {
				done[n] = true
				f(n)
			}
		}
	}
}

// bury forgets an inode that nobody can reach any more: what is not durable of it is
// gone at once, and it leaves the real disk when no power loss can bring it back. It
// needs store.mu.
func (s *store) bury(n *inode) {
	if n == s.root || len(n.seen.places) > 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.opens > 0 {
		return
	}
	if n.isFile() {
		n.closeFiles()
		n.changes = changeLog{}
	}
	if n.lookups.Load() <= 0 {
		delete(s.nodes, n.id)
	}
	if n.onDisk && n.pending == 0 && len(n.durable.places) == 0 {
		flags := 0
		if n.isDir() {
			flags = unix.AT_REMOVEDIR
		}
		if err := unix.Unlinkat(s.base, n.home(), flags); err != nil {
			s.failed("remove "+n.home(), err)
		}
		n.onDisk = false
	}
}

// closeFiles needs n.mu.
func (n *inode) closeFiles() {
	if n.fd >= 0 {
		unix.Close(n.fd)
	}
	if n.durableFD >= 0 {
		unix.Close(n.durableFD)
	}
	n.fd, n.durableFD = -1, -1
}
