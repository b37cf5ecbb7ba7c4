package disk

import (
	"golang.org/x/sys/unix"
)

// write writes to n, and returns how many bytes it wrote. It needs n.mu and the open fd.
func (s *store) write(n *inode, fd int, p []byte, off int64) (int, error) {
	size, err := sizeOf(fd)
	if err != nil {
		return 0, err
	}
	room := s.faults.reserve(fd, span{off, off + int64(len(p))})
	if room == 0 && len(p) > 0 {
		return 0, unix.ENOSPC
	}
	p = p[:room]
	x := span{off, off + int64(len(p))}
	saved, err := n.save(fd, x)
	if err != nil {
		return 0, err
	}
	if err := writeFull(fd, p, off); err != nil {
		// How much was written is unknown: all of it counts as changed.
		size, sizeErr := sizeOf(fd)
		if sizeErr == nil {
			x.end = min(x.end, size)
			n.changes.add(change{cut: uncut, spans: spans{}.add(x), size: size, count: 1, saved: saved})
		}
		return 0, err
	}
	n.changes.add(change{cut: uncut, spans: spans{}.add(x), size: max(size, x.end), count: 1, saved: saved})
	return len(p), nil
}

// save reads what a change of x is about to overwrite and which is not durable.
func (n *inode) save(fd int, x span) ([]piece, error) {
	var saved []piece
	for _, y := range n.changes.dirty.overlap(x) {
		// More than this would not be kept anyway.
		if y.length() > maxSaved {
			continue
		}
		data := make([]byte, y.length())
		got, err := readFull(fd, data, y.off)
		if err != nil {
			return nil, err
		}
		saved = append(saved, piece{y.off, data[:got]})
	}
	return saved, nil
}

// truncate gives n another size. It needs n.mu.
func (s *store) truncate(n *inode, fd int, to int64) error {
	size, err := sizeOf(fd)
	if err != nil || to == size {
		return err
	}
	c := change{cut: uncut, size: to, count: 1}
	if to < size {
		c.cut = to
		if c.saved, err = n.save(fd, span{to, size}); err != nil {
			return err
		}
		s.faults.release(fd, span{to, size})
	}
	if err := resize(fd, to); err != nil {
		return err
	}
	n.changes.add(c)
	return nil
}

// allocate is fallocate. Modes that move content are not supported.
func (s *store) allocate(n *inode, fd int, mode uint32, x span) error {
	const zeroes = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_ZERO_RANGE
	if mode&^(unix.FALLOC_FL_KEEP_SIZE|zeroes) != 0 {
		return unix.EOPNOTSUPP
	}
	size, err := sizeOf(fd)
	if err != nil {
		return err
	}
	c := change{cut: uncut, size: size, count: 1}
	if mode&zeroes != 0 {
		y := span{min(x.off, size), min(x.end, size)}
		c.spans = spans{}.add(y)
		if c.saved, err = n.save(fd, y); err != nil {
			return err
		}
	}
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		c.size = max(size, x.end)
	}
	if mode&unix.FALLOC_FL_PUNCH_HOLE == 0 {
		if !s.faults.fits(fd, x) {
			return unix.ENOSPC
		}
	} else {
		s.faults.release(fd, x)
	}
	if err := retry(func() error { return unix.Fallocate(fd, mode, x.off, x.length()) }); err != nil {
		return err
	}
	if c.size != size || len(c.spans) > 0 {
		n.changes.add(c)
	}
	return nil
}

// syncContent makes the content of n durable. It needs n.mu.
func (s *store) syncContent(n *inode, fd int) error {
	todo, any := n.changes.todo()
	if !any && n.onDisk && n.attributes == n.durableAttributes {
		return nil
	}
	to, err := s.openDurable(n)
	if err != nil {
		return s.failed("make a file durable in the disk's folder", err)
	}
	if any {
		err = todo.apply(to, fd)
	}
	if err == nil && n.attributes != n.durableAttributes {
		if err = unix.Fchmod(to, n.perm|0o600); err == nil {
			err = chown(location{dir: s.base, path: n.home()}, n.attributes)
		}
	}
	if n.opens == 0 {
		n.closeFiles()
	}
	if err != nil {
		return s.failed("make a file durable in the disk's folder", err)
	}
	n.durableAttributes = n.attributes
	n.changes.synced()
	return nil
}

// openDurable opens the file in inodes/. It needs n.mu.
func (s *store) openDurable(n *inode) (int, error) {
	if err := s.ensureLocked(n); err != nil {
		return -1, err
	}
	if n.durableFD < 0 {
		fd, err := openAt(s.base, n.home(), unix.O_RDWR, 0)
		if err != nil {
			return -1, err
		}
		n.durableFD = fd
	}
	return n.durableFD, nil
}

// apply does to one file what the change did, with the content of another one.
func (c *change) apply(to, from int) error {
	size, err := sizeOf(to)
	if err != nil {
		return err
	}
	if c.cut < size {
		if err := resize(to, c.cut); err != nil {
			return err
		}
		size = c.cut
	}
	for _, x := range c.spans {
		if err := copySpan(to, from, x); err != nil {
			return err
		}
		size = max(size, x.end)
	}
	return resize(to, c.size)
}
