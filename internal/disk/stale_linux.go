package disk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CleanStale unmounts the disks at or below a folder whose lsfr is gone, and returns their
// mountpoints. A disk that is still served is left alone. What was seen on a stale disk
// is in its base folder.
func CleanStale(ctx context.Context, folder string) (cleaned []string, err error) {
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(folder); err == nil { // fails where folder itself is stale
		folder = real
	}
	all, err := mounts()
	if err != nil {
		return nil, fmt.Errorf("look for disks of an earlier run: %w", err)
	}
	var failed error
	for _, m := range all {
		below := m.point == folder || strings.HasPrefix(m.point, strings.TrimSuffix(folder, "/")+"/")
		if m.kind != "fuse."+fsName || !below || !abandoned(ctx, m.point) {
			continue
		}
		if err := unmount(m.point, true); err != nil {
			failed = errors.Join(failed, fmt.Errorf("unmount the disk of an earlier run at %s: %w", m.point, err))
			continue
		}
		cleaned = append(cleaned, m.point)
	}
	return cleaned, failed
}

// abandoned reports whether nobody serves a mount: then the kernel says so at once. No
// answer for a while means that somebody does, and is stopped.
func abandoned(ctx context.Context, mountpoint string) bool {
	answer := make(chan error, 1)
	go func() {
		var st unix.Statfs_t
		answer <- unix.Statfs(mountpoint, &st)
	}()
	select {
	case err := <-answer:
		return err == unix.ENOTCONN || err == unix.ECONNABORTED
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return false
}
