package watch

import "golang.org/x/sys/unix"

// eventless names the file system that a folder is on, if others can change files on
// it without kqueue telling; empty if not.
func eventless(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return ""
	}
	switch name := unix.ByteSliceToString(fs.Fstypename[:]); name {
	case "nfs", "smbfs", "afpfs", "webdav", "osxfuse", "macfuse":
		return name
	}
	return ""
}
