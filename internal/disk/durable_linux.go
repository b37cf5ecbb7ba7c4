package disk

import (
	"slices"

	"golang.org/x/sys/unix"
)

// syncNames makes the names durable that a sync of n promises. It needs store.mu.
func (s *store) syncNames(n *inode) error {
	promised := s.promised(n)
	if promised == nil {
		return nil
	}
	chosen, rest := choose(s.pending, !s.strict, promised)
	if len(chosen) == 0 {
		return nil
	}
	s.pending = rest
	return s.makeDurable(chosen)
}

// hasNames reports whether syncNames would do anything. It needs store.mu.
func (s *store) hasNames(n *inode) bool {
	promised := s.promised(n)
	return promised != nil && slices.ContainsFunc(s.pending, promised)
}

// promised tells which changes a sync of n makes durable, without those that they build
// upon; nil if there are none. It needs store.mu.
func (s *store) promised(n *inode) func(*nameChange) bool {
	own := func(c *nameChange) bool { return n.isDir() && c.within(n) || !s.strict && c.about(n) }
	var moved []*inode // folders above n that are not durably where they are
	if !s.strict {
		moved = s.moved(n)
	}
	if len(moved) > 0 {
		return func(c *nameChange) bool { return own(c) || slices.ContainsFunc(moved, c.puts) }
	}
	if n.pending == 0 {
		return nil
	}
	return own
}

// moved lists the folders that lead to the names of n and whose own names are not durable.
func (s *store) moved(n *inode) (out []*inode) {
	for _, p := range n.seen.places {
		for dir := p.dir; dir != s.root; dir = dir.seen.places[0].dir {
			if dir.placed > 0 {
				out = append(out, dir)
			}
			if len(dir.seen.places) == 0 {
				break
			}
		}
	}
	return out
}

// makeDurable applies changes, which are no longer pending, to the durable tree.
func (s *store) makeDurable(changes []*nameChange) error {
	var first error
	for _, c := range changes {
		if err := s.apply(c); err != nil && first == nil {
			first = s.failed("make names durable in the disk's folder ("+c.text+")", err)
		}
		c.count(-1)
		c.each(s.bury)
	}
	return first
}

// apply makes one change of names in durable/. A file takes the place of another one
// atomically. Folders wait in inodes/ while they have no name.
func (s *store) apply(c *nameChange) error {
	for _, e := range c.entries {
		if old := e.dir.durable.children[e.name]; old != nil && old.isDir() && old != e.to {
			if err := s.moveFolder(e.place, old, nil); err != nil {
				return err
			}
		}
	}
	for _, e := range c.entries {
		old := e.dir.durable.children[e.name]
		if e.to == nil || old == e.to {
			continue
		}
		if err := s.ensure(e.dir); err != nil {
			return err
		}
		if err := s.ensure(e.to); err != nil {
			return err
		}
		if e.to.isDir() {
			if old != nil { // a file, exchanged for the folder
				if err := s.dropName(e.place); err != nil {
					return err
				}
			}
			if err := s.moveFolder(e.place, nil, e.to); err != nil {
				return err
			}
			continue
		}
		l, err := s.durableAt(e.dir, e.name)
		if err != nil {
			return err
		}
		const next = "inodes/next"
		if old == nil {
			err = unix.Linkat(s.base, e.to.home(), l.dir, l.path, 0)
		} else if err = unix.Linkat(s.base, e.to.home(), s.base, next, 0); err == nil {
			err = unix.Renameat(s.base, next, l.dir, l.path)
		}
		l.close()
		if err != nil {
			return err
		}
		view(asDurable).put(e.place, e.to)
	}
	for _, e := range c.entries {
		if old := e.dir.durable.children[e.name]; e.to == nil && old != nil {
			if err := s.dropName(e.place); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropName removes a durable name of what is not a folder.
func (s *store) dropName(p place) error {
	l, err := s.durableAt(p.dir, p.name)
	if err != nil {
		return err
	}
	defer l.close()
	if err := unix.Unlinkat(l.dir, l.path, 0); err != nil {
		return err
	}
	view(asDurable).put(p, nil)
	return nil
}

// moveFolder moves a folder between its durable place and inodes/.
func (s *store) moveFolder(p place, away, here *inode) error {
	l, err := s.durableAt(p.dir, p.name)
	if err != nil {
		return err
	}
	defer l.close()
	if away != nil {
		err = unix.Renameat(l.dir, l.path, s.base, away.home())
	} else {
		err = unix.Renameat(s.base, here.home(), l.dir, l.path)
	}
	if err == nil {
		view(asDurable).put(p, here)
	}
	return err
}

// ensure makes n exist on the durable side, without content.
func (s *store) ensure(n *inode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return s.ensureLocked(n)
}

// ensureLocked needs n.mu.
func (s *store) ensureLocked(n *inode) error {
	if n.onDisk {
		return nil
	}
	if err := makeEmpty(location{dir: s.base, path: n.home()}, n); err != nil {
		return err
	}
	n.onDisk, n.durableAttributes = true, n.attributes
	return nil
}

// makeEmpty makes something like n at l, without content.
func makeEmpty(l location, n *inode) error {
	var err error
	switch n.kind {
	case typeDir:
		err = unix.Mkdirat(l.dir, l.path, n.perm|0o700)
	case typeSymlink:
		err = unix.Symlinkat(n.target, l.dir, l.path)
	case typeFile:
		var fd int
		if fd, err = openAt(l.dir, l.path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, n.perm|0o600); err == nil {
			err = unix.Close(fd)
		}
	default:
		err = unix.Mknodat(l.dir, l.path, n.kind|n.perm|0o600, 0)
	}
	if err != nil {
		return err
	}
	return chown(l, n.attributes)
}

// chown gives what is at l to its owner; only root can, and need.
func chown(l location, a attributes) error {
	if unix.Geteuid() != 0 || a.uid == 0 && a.gid == 0 {
		return nil
	}
	return unix.Fchownat(l.dir, l.path, int(a.uid), int(a.gid), unix.AT_SYMLINK_NOFOLLOW)
}
