package disk

import (
	"strconv"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

func procFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// openFlags: nobody else changes files, and closing one asks nothing. The latter also
// spares this process, when it is killed with such a file open, from waiting for itself.
const openFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH

// Create makes a file and opens it.
func (s *server) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	p, l, err := s.enter(in.NodeId, name)
	if err != nil {
		return status(err)
	}
	defer s.leave(l)
	if p.dir.seen.children[name] != nil {
		return fuse.Status(unix.EEXIST) // the kernel looked before: it cannot be
	}
	n := newInode(0, typeFile, attributesOf(&in.InHeader, in.Mode))
	fd, err := openAt(l.dir, l.path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, n.perm|0o600)
	if err != nil {
		return status(err)
	}
	if err := chown(l, n.attributes); err != nil {
		unix.Close(fd)
		unix.Unlinkat(l.dir, l.path, 0)
		return status(err)
	}
	n.fd, n.opens = fd, 1
	s.adopt(n)
	s.born(p, n)
	out.OpenFlags = openFlags
	return s.tell(n, &out.EntryOut)
}

// Tmpfile makes a file without a name and opens it.
func (s *server) Tmpfile(_ <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	_, l, err := s.enter(in.NodeId, "")
	if err != nil {
		return status(err)
	}
	defer s.leave(l)
	n := newInode(0, typeFile, attributesOf(&in.InHeader, in.Mode))
	fd, err := openAt(l.dir, l.path, unix.O_RDWR|unix.O_TMPFILE, n.perm|0o600)
	if err != nil {
		return status(err)
	}
	if err := setOwner(fd, n.attributes); err != nil {
		unix.Close(fd)
		return status(err)
	}
	n.fd, n.opens = fd, 1
	s.adopt(n)
	out.OpenFlags = openFlags
	return s.tell(n, &out.EntryOut)
}

func setOwner(fd int, a attributes) error {
	if unix.Geteuid() != 0 || a.uid == 0 && a.gid == 0 {
		return nil
	}
	return unix.Fchown(fd, int(a.uid), int(a.gid))
}

// Open opens a file. The kernel checked the permissions.
func (s *server) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.nodes[in.NodeId]
	if n == nil || !n.isFile() {
		return fuse.ENOENT
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.dead.Load() {
		return fuse.EIO
	}
	if n.fd < 0 {
		fd, _, err := s.fdOf(n)
		if err != nil {
			return status(err)
		}
		n.fd = fd
	}
	n.opens++
	out.OpenFlags = openFlags
	return fuse.OK
}

// Release closes a file.
func (s *server) Release(_ <-chan struct{}, in *fuse.ReleaseIn) { s.release(in.NodeId) }

// open locks an open file, and returns it with its descriptor. If it fails, nothing is
// locked.
func (s *server) open(id uint64) (*inode, int, error) {
	n := s.node(id)
	if n == nil {
		return nil, -1, unix.ENOENT
	}
	n.mu.Lock()
	if s.dead.Load() || n.fd < 0 {
		n.mu.Unlock()
		return nil, -1, unix.EIO
	}
	return n, n.fd, nil
}

// Read reads from an open file.
func (s *server) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, fd, err := s.open(in.NodeId)
	if err != nil {
		return nil, status(err)
	}
	n.mu.Unlock() // the handle keeps fd open
	got, err := readFull(fd, buf[:min(len(buf), int(in.Size))], int64(in.Offset))
	if err != nil {
		return nil, status(err)
	}
	return fuse.ReadResultData(buf[:got]), fuse.OK
}

// Write writes to an open file; what is mapped comes here too, when the kernel writes
// its pages back.
func (s *server) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n, fd, err := s.open(in.NodeId)
	if err != nil {
		return 0, status(err)
	}
	size, err := sizeOf(fd)
	var wrote int
	if err == nil {
		wrote, err = s.write(n, fd, data, int64(in.Offset))
	}
	if wrote < len(data) && in.WriteFlags&fuse.WRITE_CACHE != 0 {
		err = unix.ENOSPC // of mapped memory the kernel takes a part for the whole
	}
	n.mu.Unlock()
	if err != nil {
		return 0, status(err)
	}
	if in.Flags&unix.O_DSYNC != 0 && in.WriteFlags&fuse.WRITE_CACHE == 0 {
		if err := s.sync(n); err != nil {
			if err != errOutage {
				s.takeBack(n, fd, size, int64(in.Offset)+int64(wrote))
			}
			return 0, status(err)
		}
	}
	s.faults.writes.Add(1)
	s.faults.bytes.Add(int64(wrote))
	return uint32(wrote), fuse.OK
}

// takeBack gives a file its size again after a synchronous write that failed: the kernel
// does not count what it was told to have failed, and appends where it believes the end is.
func (s *store) takeBack(n *inode, fd int, size, end int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now, err := sizeOf(fd); err == nil && now == end && size < end && !s.dead.Load() {
		s.truncate(n, fd, size)
	}
}

// Flush is close. It makes nothing durable, and the kernel need not say it again.
func (s *server) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

// Fallocate reserves or zeroes a part of an open file.
func (s *server) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	n, fd, err := s.open(in.NodeId)
	if err != nil {
		return status(err)
	}
	defer n.mu.Unlock()
	return status(s.allocate(n, fd, in.Mode, span{int64(in.Offset), int64(in.Offset + in.Length)}))
}

// Fsync is fsync and fdatasync of a file.
func (s *server) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status { return s.fsync(in.NodeId) }

// FsyncDir is fsync and fdatasync of a folder.
func (s *server) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status { return s.fsync(in.NodeId) }

func (s *server) fsync(id uint64) fuse.Status {
	n := s.node(id)
	if n == nil {
		return fuse.ENOENT
	}
	return status(s.sync(n))
}

// sync makes n durable, or fails as FailSync wants it.
func (s *store) sync(n *inode) error {
	if !s.unsynced(n) {
		s.faults.idle.Add(1)
		return nil
	}
	s.faults.delay(s.gone)
	if s.faults.isOut() {
		return errOutage
	}
	s.faults.durable.RLock()
	defer s.faults.durable.RUnlock()
	if err := s.syncInode(n); err != nil {
		return err
	}
	if err := s.syncNamesOf(n); err != nil {
		return err
	}
	s.faults.syncs.Add(1)
	return nil
}

func (s *store) syncNamesOf(n *inode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead.Load() {
		return unix.EIO
	}
	return s.syncNames(n)
}

// unsynced reports whether a sync of n has something to do.
func (s *store) unsynced(n *inode) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.syncRequested = n.isFile()
	if s.hasNames(n) {
		return true
	}
	if !n.onDisk || n.attributes != n.durableAttributes {
		return true
	}
	_, any := n.changes.todo()
	return any
}

// syncInode makes the content and the attributes of n durable; if it is a file, it is
// open.
func (s *store) syncInode(n *inode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.dead.Load() {
		return unix.EIO
	}
	if s.faults.takeFailure() {
		n.changes.failed()
		return unix.EIO
	}
	switch {
	case n.isFile() && n.fd >= 0:
		return s.syncContent(n, n.fd)
	case n.isDir():
		if err := s.ensureLocked(n); err != nil {
			return s.failed("make a folder durable", err)
		}
		n.durableAttributes = n.attributes
	}
	return nil
}
