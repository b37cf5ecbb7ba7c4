package disk

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Smaller spans are copied through memory, larger ones by the kernel, which also spares
// their holes.
const largeSpan = 256 << 10

var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// copySpan makes the bytes of x in to what they are in from, as far as from has them.
func copySpan(to, from int, x span) error {
	if x.length() >= largeSpan {
		return copyLarge(to, from, x)
	}
	return copySmall(to, from, x)
}

func copySmall(to, from int, x span) error {
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	for x.off < x.end {
		n, err := readFull(from, buf[:min(x.length(), int64(len(buf)))], x.off)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := writeFull(to, buf[:n], x.off); err != nil {
			return err
		}
		x.off += int64(n)
	}
	return nil
}

func copyLarge(to, from int, x span) error {
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return err
	}
	x.end = min(x.end, st.Size)
	if err := unix.Fstat(to, &st); err != nil {
		return err
	}
	for x.off < x.end {
		data, hole := extent(from, x)
		if blank := (span{x.off, min(data, st.Size)}); blank.length() > 0 {
			if err := zero(to, blank); err != nil {
				return err
			}
		}
		for data < hole {
			n, err := unix.CopyFileRange(from, &data, to, ptr(data), int(hole-data), 0)
			switch {
			case err == unix.EINTR:
			case err != nil || n == 0: // the file system cannot, or will not
				if err := copySmall(to, from, span{data, hole}); err != nil {
					return err
				}
				data = hole
			}
		}
		x.off = hole
	}
	return nil
}

func ptr(n int64) *int64 { return &n }

// extent returns where in x data begins, and where that ends.
func extent(fd int, x span) (data, hole int64) {
	data, err := unix.Seek(fd, x.off, unix.SEEK_DATA)
	if err == unix.ENXIO || err == nil && data >= x.end {
		return x.end, x.end
	}
	if err != nil {
		return x.off, x.end
	}
	hole, err = unix.Seek(fd, data, unix.SEEK_HOLE)
	if err != nil || hole <= data {
		return data, x.end
	}
	return data, min(hole, x.end)
}

// zero makes the bytes of x zero; they must be in the file.
func zero(fd int, x span) error {
	err := retry(func() error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, x.off, x.length())
	})
	if err != unix.EOPNOTSUPP && err != unix.ENOSYS {
		return err
	}
	blank := make([]byte, min(x.length(), 1<<20))
	for x.off < x.end {
		n := min(x.length(), int64(len(blank)))
		if err := writeFull(fd, blank[:n], x.off); err != nil {
			return err
		}
		x.off += n
	}
	return nil
}

// holes counts the bytes of x that take no space.
func holes(fd int, x span) int64 {
	n := x.length()
	for x.off < x.end {
		data, hole := extent(fd, x)
		n -= hole - data
		x.off = hole
	}
	return n
}

// readFull reads until p is full or the file ends.
func readFull(fd int, p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(fd, p[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return done, err
		}
		if n == 0 {
			break
		}
		done += n
	}
	return done, nil
}

func writeFull(fd int, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(fd, p, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

func sizeOf(fd int) (int64, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return st.Size, err
}

func resize(fd int, size int64) error {
	return retry(func() error { return unix.Ftruncate(fd, size) })
}
