package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Supported returns nil if this machine can serve a disk, which it finds out by serving
// one for a moment, and otherwise an error that wraps ErrUnsupported: it says why, and
// what to install.
func Supported() error {
	if err := checkDevice(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lsfr-disk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	d, err := Mount(context.Background(), filepath.Join(folder, "mount"), filepath.Join(folder, "base"), Options{})
	if err != nil {
		return err
	}
	return d.Close(context.Background())
}

// checkDevice looks for what the kernel must provide.
func checkDevice() error {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		return unix.Close(fd)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("%w: there is no /dev/fuse; load the kernel module fuse, or start the container with --device /dev/fuse --cap-add SYS_ADMIN", ErrUnsupported)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: /dev/fuse must not be opened; ask for read and write access to it, or start the container with --device /dev/fuse --cap-add SYS_ADMIN", ErrUnsupported)
	default:
		return fmt.Errorf("%w: open /dev/fuse: %w", ErrUnsupported, err)
	}
}
