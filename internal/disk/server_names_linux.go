package disk

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// enter locks the store for a change in a folder, and finds it there. If it fails,
// nothing is locked.
func (s *server) enter(id uint64, name string) (place, location, error) {
	s.mu.Lock()
	dir := s.nodes[id]
	if s.dead.Load() {
		s.mu.Unlock()
		return place{}, location{}, unix.EIO
	}
	if dir == nil || !dir.isDir() {
		s.mu.Unlock()
		return place{}, location{}, unix.ENOENT
	}
	l, err := s.seenAt(dir, name)
	if err != nil {
		s.mu.Unlock()
		return place{}, location{}, err
	}
	return place{dir, name}, l, nil
}

func (s *server) leave(l location) {
	l.close()
	s.mu.Unlock()
}

// born gives a new inode its first name. It needs store.mu.
func (s *store) born(p place, n *inode) {
	s.change(&nameChange{entries: []entry{{p, nil, n}}, text: "create " + p.path()})
}

func attributesOf(h *fuse.InHeader, perm uint32) attributes {
	return attributes{perm: perm & 0o7777, uid: h.Uid, gid: h.Gid}
}

// make creates what has no content.
func (s *server) make(h *fuse.InHeader, name string, kind, perm uint32, target string, out *fuse.EntryOut) fuse.Status {
	p, l, err := s.enter(h.NodeId, name)
	if err != nil {
		return status(err)
	}
	defer s.leave(l)
	n := newInode(0, kind, attributesOf(h, perm))
	n.target = target
	if err := makeEmpty(l, n); err != nil {
		return status(err)
	}
	s.adopt(n)
	s.born(p, n)
	return s.tell(n, out)
}

// Mkdir makes a folder.
func (s *server) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return s.make(&in.InHeader, name, typeDir, in.Mode, "", out)
}

// Mknod makes a file, a FIFO or a socket.
func (s *server) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	switch kind := in.Mode & typeMask; kind {
	case typeFile, typeFIFO, typeSocket:
		return s.make(&in.InHeader, name, kind, in.Mode, "", out)
	}
	return fuse.EPERM
}

// Symlink makes a symbolic link.
func (s *server) Symlink(_ <-chan struct{}, h *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	return s.make(h, name, typeSymlink, 0o777, target, out)
}

// Readlink tells where a symbolic link leads.
func (s *server) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	n := s.node(h.NodeId)
	if n == nil || n.kind != typeSymlink {
		return nil, fuse.EINVAL
	}
	return []byte(n.target), fuse.OK
}

// Unlink removes a name of what is not a folder.
func (s *server) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return s.remove(h, name, 0)
}

// Rmdir removes an empty folder.
func (s *server) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return s.remove(h, name, unix.AT_REMOVEDIR)
}

func (s *server) remove(h *fuse.InHeader, name string, flags int) fuse.Status {
	p, l, err := s.enter(h.NodeId, name)
	if err != nil {
		return status(err)
	}
	defer s.leave(l)
	n := p.dir.seen.children[name]
	if n == nil {
		return fuse.ENOENT
	}
	giveBack := s.space(n)
	if err := unix.Unlinkat(l.dir, l.path, flags); err != nil {
		return status(err)
	}
	giveBack()
	s.change(&nameChange{entries: []entry{{p, n, nil}}, text: "remove " + p.path()})
	return fuse.OK
}

// space returns what gives back the space of a file that is about to lose its last name.
// It needs store.mu.
func (s *store) space(n *inode) func() {
	nothing := func() {}
	if !n.isFile() || len(n.seen.places) > 1 || !s.faults.limitedSpace() {
		return nothing
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.opens > 0 {
		return nothing // when it is closed
	}
	fd, done, err := s.fdOf(n)
	if err != nil {
		return nothing
	}
	return func() {
		s.faults.release(fd, span{0, uncut})
		done()
	}
}

// Link gives a file another name; also one that has none, because it was opened with
// O_TMPFILE.
func (s *server) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	p, l, err := s.enter(in.NodeId, name)
	if err != nil {
		return status(err)
	}
	defer s.leave(l)
	n := s.nodes[in.Oldnodeid]
	if n == nil {
		return fuse.ENOENT
	}
	if err := s.link(n, l); err != nil {
		return status(err)
	}
	s.change(&nameChange{entries: []entry{{p, nil, n}}, text: "link " + p.path()})
	return s.tell(n, out)
}

func (s *store) link(n *inode, to location) error {
	if len(n.seen.places) == 0 {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.fd < 0 {
			return unix.ENOENT
		}
		return unix.Linkat(unix.AT_FDCWD, procFD(n.fd), to.dir, to.path, unix.AT_SYMLINK_FOLLOW)
	}
	from, err := s.locateSeen(n)
	if err != nil {
		return err
	}
	defer from.close()
	return unix.Linkat(from.dir, from.path, to.dir, to.path, 0)
}

// Rename moves a name; what the new name held before is replaced, or exchanged.
func (s *server) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	from, a, err := s.enter(in.NodeId, oldName)
	if err != nil {
		return status(err)
	}
	defer s.leave(a)
	if in.Flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return fuse.EINVAL
	}
	to := place{s.nodes[in.Newdir], newName}
	if to.dir == nil || !to.dir.isDir() {
		return fuse.ENOENT
	}
	b, err := s.seenAt(to.dir, newName)
	if err != nil {
		return status(err)
	}
	defer b.close()
	n, old := from.dir.seen.children[oldName], to.dir.seen.children[newName]
	if n == nil {
		return fuse.ENOENT
	}
	exchange := in.Flags&unix.RENAME_EXCHANGE != 0
	giveBack := func() {}
	if old != nil && old != n && !exchange {
		giveBack = s.space(old)
	}
	if err := unix.Renameat2(a.dir, a.path, b.dir, b.path, uint(in.Flags)); err != nil {
		return status(err)
	}
	giveBack()
	if n == old {
		return fuse.OK // two names of one file: POSIX leaves both
	}
	c := &nameChange{text: "rename " + from.path() + " to " + to.path()}
	c.moves = from.dir != to.dir && (n.isDir() || exchange && old.isDir())
	if exchange {
		c.text = "exchange " + from.path() + " and " + to.path()
		c.entries = []entry{{from, n, old}, {to, old, n}}
	} else {
		c.entries = []entry{{from, n, nil}, {to, old, n}}
	}
	s.change(c)
	return fuse.OK
}
