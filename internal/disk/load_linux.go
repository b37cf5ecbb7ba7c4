package disk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// load reads what is in seen/, and makes all of it durable.
func (s *store) load(ctx context.Context) error {
	for _, name := range []string{"durable", "inodes"} {
		if err := s.clear(name); err != nil {
			return err
		}
		if err := unix.Mkdirat(s.base, name, 0o755); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstatat(s.base, "seen", &st, 0); err != nil {
		return err
	}
	s.root.attributes = attributesFrom(&st)
	s.root.durableAttributes = s.root.attributes
	known := map[uint64]*inode{}
	return s.loadFolder(ctx, s.root, known)
}

func attributesFrom(st *unix.Stat_t) attributes {
	return attributes{perm: st.Mode & 0o7777, uid: st.Uid, gid: st.Gid}
}

// clear removes a folder of the base folder.
func (s *store) clear(name string) error {
	return os.RemoveAll(filepath.Join(procFD(s.base), name))
}

// loadFolder needs nobody else to use the store.
func (s *store) loadFolder(ctx context.Context, dir *inode, known map[uint64]*inode) error {
	names, err := s.namesIn(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := place{dir, name}
		n, err := s.loadEntry(p, known)
		if err != nil {
			return fmt.Errorf("%s: %w", p.path(), err)
		}
		if n == nil {
			continue
		}
		c := &nameChange{entries: []entry{{p, nil, n}}}
		view(asSeen).put(p, n)
		if err := s.apply(c); err != nil {
			return fmt.Errorf("%s: %w", p.path(), err)
		}
		if n.isDir() {
			if err := s.loadFolder(ctx, n, known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) namesIn(dir *inode) ([]string, error) {
	l, err := s.seenAt(dir, "")
	if err != nil {
		return nil, err
	}
	defer l.close()
	fd, err := openAt(l.dir, l.path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), l.path)
	defer f.Close()
	return f.Readdirnames(-1)
}

// loadEntry makes an inode of what is in seen/, with its content durable; nil if it is
// nothing that a node could have made.
func (s *store) loadEntry(p place, known map[uint64]*inode) (*inode, error) {
	l, err := s.seenAt(p.dir, p.name)
	if err != nil {
		return nil, err
	}
	defer l.close()
	var st unix.Stat_t
	if err := unix.Fstatat(l.dir, l.path, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, err
	}
	if n := known[st.Ino]; n != nil {
		return n, nil
	}
	n := newInode(0, st.Mode&typeMask, attributesFrom(&st))
	switch n.kind {
	case typeDir, typeFile, typeFIFO, typeSocket:
	case typeSymlink:
		buf := make([]byte, 4096)
		got, err := unix.Readlinkat(l.dir, l.path, buf)
		if err != nil {
			return nil, err
		}
		n.target = string(buf[:got])
	default:
		return nil, nil
	}
	if err := letIn(l, n); err != nil {
		return nil, err
	}
	s.adopt(n)
	if !n.isDir() {
		known[st.Ino] = n
	}
	if !n.isFile() {
		return n, nil
	}
	from, err := openAt(l.dir, l.path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(from)
	to, err := s.openDurable(n)
	if err != nil {
		return nil, err
	}
	defer n.closeFiles()
	return n, copyFile(to, from, &st)
}

// letIn makes sure that lsfr may use what is at l, whatever the node may do.
func letIn(l location, n *inode) error {
	own := uint32(0o600)
	switch n.kind {
	case typeSymlink:
		return nil
	case typeDir:
		own = 0o700
	}
	if n.perm&own == own {
		return nil
	}
	return unix.Fchmodat(l.dir, l.path, n.perm|own, 0)
}

// copyFile copies all of a file, with its times.
func copyFile(to, from int, st *unix.Stat_t) error {
	all := change{cut: 0, spans: spans{}.add(span{0, st.Size}), size: st.Size}
	if err := all.apply(to, from); err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, procFD(to), []unix.Timespec{st.Atim, st.Mtim}, 0)
}
