package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// fsName is the source and, behind "fuse.", the type of lsfr's mounts.
	fsName   = "lsfr"
	maxWrite = 1 << 20
)

// attach mounts a file system and returns the descriptor by which it is served. Root
// mounts itself; others, and a root without the right to, through fusermount3.
func attach(mountpoint string) (fd int, err error) {
	var direct error
	if unix.Geteuid() == 0 {
		if fd, direct = attachDirectly(mountpoint); direct == nil {
			return fd, nil
		}
	}
	program, err := fusermount()
	if err != nil {
		if direct != nil {
			return -1, fmt.Errorf("%w: root may not mount here (%v), as in a container without the capability SYS_ADMIN", ErrUnsupported, direct)
		}
		return -1, err
	}
	if fd, err = attachThrough(program, mountpoint); err != nil {
		return -1, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fd, nil
}

func attachDirectly(mountpoint string) (int, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	// allow_other: a node may give up root.
	options := fmt.Sprintf("fd=%d,rootmode=%o,user_id=%d,group_id=%d,default_permissions,allow_other,max_read=%d",
		fd, typeDir, unix.Geteuid(), unix.Getegid(), maxWrite)
	if err := unix.Mount(fsName, mountpoint, "fuse."+fsName, unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// fusermount finds the program that mounts for ordinary users.
func fusermount() (string, error) {
	for _, name := range []string{"fusermount3", "/bin/fusermount3", "fusermount", "/bin/fusermount"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: fusermount3 is missing; install the package fuse3", ErrUnsupported)
}

// attachThrough lets fusermount3 mount; it sends the descriptor through a socket.
func attachThrough(program, mountpoint string) (int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "fusermount"), os.NewFile(uintptr(pair[1]), "fusermount")
	defer ours.Close()
	options := fmt.Sprintf("fsname=%s,subtype=%s,default_permissions,max_read=%d", fsName, fsName, maxWrite)
	cmd := exec.Command(program, "-o", options, "--", mountpoint)
	cmd.Env = append(os.Environ(), "_FUSE_COMMFD=3")
	cmd.ExtraFiles = []*os.File{theirs}
	said, err := cmd.CombinedOutput()
	theirs.Close()
	if err != nil {
		return -1, fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	buf, control := make([]byte, 16), make([]byte, 64)
	var n int
	err = retry(func() error {
		_, n, _, _, err = unix.Recvmsg(int(ours.Fd()), buf, control, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("%s: %w", program, err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("%s sent no descriptor", program)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("%s sent no descriptor", program)
	}
	return fds[0], nil
}

// detach unmounts. If the mount is busy, it waits for patience, and then takes it out of
// the tree of folders all the same: who still uses it then sees a dead disk.
func detach(ctx context.Context, mountpoint string, patience time.Duration) error {
	give := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := unmount(mountpoint, false)
		if err == nil || errors.Is(err, unix.EINVAL) { // not mounted
			return nil
		}
		if time.Now().After(give) || ctx.Err() != nil {
			return unmount(mountpoint, true)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func unmount(mountpoint string, lazily bool) error {
	if unix.Geteuid() == 0 {
		flags := unix.UMOUNT_NOFOLLOW
		if lazily {
			flags |= unix.MNT_DETACH | unix.MNT_FORCE
		}
		if err := unix.Unmount(mountpoint, flags); err != unix.EPERM {
			return err
		}
	}
	program, err := fusermount()
	if err != nil {
		return err
	}
	args := []string{"-u", "-q", "--", mountpoint}
	if lazily {
		args = []string{"-u", "-q", "-z", "--", mountpoint}
	}
	if said, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		if m, known := mountAt(mountpoint); known && m == nil {
			return nil
		}
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	return nil
}

// mounted is a line of /proc/self/mountinfo.
type mounted struct {
	point, kind string
}

// mounts lists what is mounted.
func mounts() ([]mounted, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var out []mounted
	for line := range strings.Lines(string(data)) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		kind, _, _ := strings.Cut(after, " ")
		out = append(out, mounted{unescape(fields[4]), kind})
	}
	return out, nil
}

// mountAt returns lsfr's mount at a path, if there is one and if that can be known.
func mountAt(path string) (m *mounted, known bool) {
	all, err := mounts()
	if err != nil {
		return nil, false
	}
	for _, x := range all {
		if x.point == path && x.kind == "fuse."+fsName {
			return &x, true
		}
	}
	return nil, true
}

// unescape undoes \040 for a space, and so on.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			var c int
			if _, err := fmt.Sscanf(s[i+1:i+4], "%o", &c); err == nil {
				out.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
