package disk

import (
	"slices"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// server answers the kernel for one store.
type server struct {
	fuse.RawFileSystem // what is not implemented here: ENOSYS
	*store

	listMu   sync.Mutex
	listings map[uint64]*listing
	lastList uint64
}

// listing is an open folder: what it held when reading it began.
type listing struct {
	mu      sync.Mutex
	entries []fuse.DirEntry
}

func newServer(s *store) *server {
	return &server{RawFileSystem: fuse.NewDefaultRawFileSystem(), store: s, listings: map[uint64]*listing{}}
}

// Nothing changes behind the kernel's back, so it may remember for as long as it likes.
const remember = 24 * time.Hour

func status(err error) fuse.Status { return fuse.Status(errno(err)) }

// String names the file system.
func (s *server) String() string { return fsName }

// tell fills in what the kernel learns of n, and counts that it did. It needs store.mu,
// for reading at least.
func (s *server) tell(n *inode, out *fuse.EntryOut) fuse.Status {
	if err := s.attr(n, &out.Attr); err != nil {
		return status(err)
	}
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(remember)
	out.SetAttrTimeout(remember)
	n.lookups.Add(1)
	return fuse.OK
}

// attr needs store.mu, for reading at least.
func (s *server) attr(n *inode, out *fuse.Attr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.dead.Load() {
		return unix.EIO
	}
	st, err := s.stat(n)
	if err != nil {
		return err
	}
	out.Ino, out.Size, out.Blocks, out.Blksize = n.id, uint64(st.Size), uint64(st.Blocks), 4096
	out.Atime, out.Atimensec = uint64(st.Atim.Sec), uint32(st.Atim.Nsec)
	out.Mtime, out.Mtimensec = uint64(st.Mtim.Sec), uint32(st.Mtim.Nsec)
	out.Ctime, out.Ctimensec = uint64(st.Ctim.Sec), uint32(st.Ctim.Nsec)
	out.Mode, out.Nlink = n.kind|n.perm, uint32(st.Nlink)
	out.Uid, out.Gid = n.uid, n.gid
	return nil
}

// stat needs n.mu, and store.mu for reading at least.
func (s *store) stat(n *inode) (unix.Stat_t, error) {
	var st unix.Stat_t
	if n.fd >= 0 {
		return st, unix.Fstat(n.fd, &st)
	}
	if len(n.seen.places) == 0 && n != s.root {
		return st, nil // removed, and only known by a descriptor: no links, no content
	}
	l, err := s.locateSeen(n)
	if err != nil {
		return st, err
	}
	defer l.close()
	return st, unix.Fstatat(l.dir, l.path, &st, unix.AT_SYMLINK_NOFOLLOW)
}

func (s *store) locateSeen(n *inode) (location, error) {
	if n == s.root {
		return s.seenAt(n, "")
	}
	if len(n.seen.places) == 0 {
		return location{}, unix.ENOENT
	}
	return s.seenAt(n.seen.places[0].dir, n.seen.places[0].name)
}

// Lookup answers also for names that do not exist; the kernel remembers that.
func (s *server) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	dir := s.nodes[h.NodeId]
	if dir == nil || !dir.isDir() {
		return fuse.ENOENT
	}
	n := dir.seen.children[name]
	if n == nil {
		if len(name) > 255 {
			return fuse.Status(unix.ENAMETOOLONG)
		}
		out.NodeId = 0
		out.SetEntryTimeout(remember)
		return fuse.OK
	}
	return s.tell(n, out)
}

// Forget lets an inode go that nobody can reach any more.
func (s *server) Forget(id, count uint64) {
	n := s.node(id)
	if n == nil || n.lookups.Add(-int64(count)) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bury(n)
}

// GetAttr is stat.
func (s *server) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.nodes[in.NodeId]
	if n == nil {
		return fuse.ENOENT
	}
	out.SetTimeout(remember)
	return status(s.attr(n, &out.Attr))
}

// SetAttr is chmod, chown, truncate and utimens.
func (s *server) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.nodes[in.NodeId]
	if n == nil {
		return fuse.ENOENT
	}
	if err := s.setAttr(n, in); err != nil {
		return status(err)
	}
	out.SetTimeout(remember)
	return status(s.attr(n, &out.Attr))
}

func (s *server) setAttr(n *inode, in *fuse.SetAttrIn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.dead.Load() {
		return unix.EIO
	}
	size, resized := in.GetSize()
	if n.isFile() {
		fd, done, err := s.fdOf(n)
		if err != nil {
			return err
		}
		defer done()
		if resized {
			if err := s.truncate(n, fd, int64(size)); err != nil {
				return err
			}
		}
		return setAttr(location{dir: unix.AT_FDCWD, path: procFD(fd)}, n, in, 0)
	}
	l, err := s.locateSeen(n)
	if err != nil {
		return err
	}
	defer l.close()
	return setAttr(l, n, in, unix.AT_SYMLINK_NOFOLLOW)
}

// setAttr sets all attributes but the size. It needs n.mu.
func setAttr(l location, n *inode, in *fuse.SetAttrIn, flags int) error {
	a := n.attributes
	if perm, ok := in.GetMode(); ok {
		a.perm = perm
		own := uint32(0o600)
		if n.isDir() {
			own = 0o700
		}
		if n.kind == typeSymlink {
			return unix.EOPNOTSUPP
		}
		if err := unix.Fchmodat(l.dir, l.path, perm|own, 0); err != nil {
			return err
		}
	}
	uid, setUID := in.GetUID()
	gid, setGID := in.GetGID()
	if setUID {
		a.uid = uid
	}
	if setGID {
		a.gid = gid
	}
	if setUID || setGID {
		if err := unix.Fchownat(l.dir, l.path, int(a.uid), int(a.gid), flags); err != nil {
			return err
		}
	}
	atime, setA := in.GetATime()
	mtime, setM := in.GetMTime()
	if setA || setM {
		times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
		for i, t := range []time.Time{atime, mtime} {
			if i == 0 && setA || i == 1 && setM {
				var err error
				if times[i], err = unix.TimeToTimespec(t); err != nil {
					return err
				}
			}
		}
		if err := unix.UtimesNanoAt(l.dir, l.path, times, flags); err != nil {
			return err
		}
	}
	n.attributes = a
	return nil
}

// OpenDir begins to read a folder.
func (s *server) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.nodes[in.NodeId]
	if n == nil || !n.isDir() {
		return fuse.ENOENT
	}
	n.mu.Lock()
	n.opens++
	n.mu.Unlock()
	s.listMu.Lock()
	defer s.listMu.Unlock()
	s.lastList++
	s.listings[s.lastList] = &listing{}
	out.Fh = s.lastList
	return fuse.OK
}

// ReadDir lists the folder as it was when the reader was at its beginning.
func (s *server) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.listMu.Lock()
	l := s.listings[in.Fh]
	s.listMu.Unlock()
	n := s.node(in.NodeId)
	if l == nil || n == nil {
		return fuse.EBADF
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.Offset == 0 {
		l.entries = s.list(n)
	}
	for i := in.Offset; i < uint64(len(l.entries)); i++ {
		if !out.AddDirEntry(l.entries[i]) {
			break
		}
	}
	return fuse.OK
}

func (s *server) list(dir *inode) []fuse.DirEntry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parent := dir
	if len(dir.seen.places) > 0 {
		parent = dir.seen.places[0].dir
	}
	out := []fuse.DirEntry{{Name: ".", Ino: dir.id, Mode: typeDir}, {Name: "..", Ino: parent.id, Mode: typeDir}}
	for name, n := range dir.seen.children {
		out = append(out, fuse.DirEntry{Name: name, Ino: n.id, Mode: n.kind})
	}
	slices.SortFunc(out[2:], func(a, b fuse.DirEntry) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	for i := range out {
		out[i].Off = uint64(i + 1)
	}
	return out
}

// ReleaseDir ends reading a folder.
func (s *server) ReleaseDir(in *fuse.ReleaseIn) {
	s.listMu.Lock()
	delete(s.listings, in.Fh)
	s.listMu.Unlock()
	s.release(in.NodeId)
}

// release counts that a handle was closed.
func (s *store) release(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[id]
	if n == nil {
		return
	}
	n.mu.Lock()
	n.opens--
	if n.opens == 0 && len(n.seen.places) > 0 {
		n.closeFiles()
	}
	if n.opens == 0 && len(n.seen.places) == 0 && n.fd >= 0 && s.faults.limitedSpace() {
		s.faults.release(n.fd, span{0, uncut})
	}
	n.mu.Unlock()
	s.bury(n)
}

// StatFs tells of the file system below, less what LimitSpace takes.
func (s *server) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(s.base, &st) }); err != nil {
		return status(err)
	}
	out.Blocks, out.Bfree, out.Bavail = st.Blocks, st.Bfree, st.Bavail
	out.Bsize, out.Frsize = uint32(st.Bsize), uint32(st.Frsize)
	out.Files, out.Ffree, out.NameLen = st.Files, st.Ffree, 255
	if room := s.faults.room(); room >= 0 && st.Frsize > 0 {
		blocks := uint64(room) / uint64(st.Frsize)
		out.Bfree, out.Bavail = min(out.Bfree, blocks), min(out.Bavail, blocks)
	}
	return fuse.OK
}
