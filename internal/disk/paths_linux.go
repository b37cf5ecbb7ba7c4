package disk

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxPath keeps paths below what the kernel takes in one call.
const maxPath = 3000

// retry calls f until it is not interrupted by a signal.
func retry(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

func openAt(dir int, path string, flags int, mode uint32) (fd int, err error) {
	err = retry(func() error {
		fd, err = unix.Openat(dir, path, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, mode)
		return err
	})
	if err != nil {
		return -1, err
	}
	return fd, nil
}

// location is where an entry is on the real disk: path, relative to the open folder dir.
type location struct {
	dir  int
	path string
	own  bool // dir is closed with it
}

func (l location) close() {
	if l.own {
		unix.Close(l.dir)
	}
}

// locate finds the location of a path of any depth.
func locate(base int, names ...string) (location, error) {
	l := location{dir: base}
	for len(names) > 1 {
		n, size := 0, 0
		for n < len(names) && size+len(names[n])+1 < maxPath {
			size += len(names[n]) + 1
			n++
		}
		if n == len(names) {
			break
		}
		fd, err := openAt(l.dir, strings.Join(names[:n], "/"), unix.O_PATH|unix.O_DIRECTORY, 0)
		l.close()
		if err != nil {
			return location{}, err
		}
		l, names = location{dir: fd, own: true}, names[n:]
	}
	l.path = strings.Join(names, "/")
	return l, nil
}

// seenAt finds an entry of a folder in seen/; with no name, the folder itself.
func (s *store) seenAt(dir *inode, name string) (location, error) {
	top, names := view(asSeen).trail(dir)
	if top != s.root {
		return location{}, unix.ENOENT
	}
	return locate(s.base, full("seen", names, name)...)
}

// durableAt finds an entry of a folder on the durable side, where folders without a
// durable name are in inodes/.
func (s *store) durableAt(dir *inode, name string) (location, error) {
	top, names := view(asDurable).trail(dir)
	if top != s.root {
		return locate(s.base, full("inodes", append([]string{top.number()}, names...), name)...)
	}
	return locate(s.base, full("durable", names, name)...)
}

func full(first string, names []string, last string) []string {
	out := append([]string{first}, names...)
	if last != "" {
		out = append(out, last)
	}
	return out
}

// number is the name of n in inodes/.
func (n *inode) number() string { return strconv.FormatUint(n.id, 10) }

func (n *inode) home() string { return "inodes/" + n.number() }

// path is where n is seen, relative to the mountpoint.
func (n *inode) path() string {
	_, names := view(asSeen).trail(n)
	return strings.Join(names, "/")
}

func (p place) path() string {
	_, names := view(asSeen).trail(p.dir)
	return strings.Join(append(names, p.name), "/")
}
