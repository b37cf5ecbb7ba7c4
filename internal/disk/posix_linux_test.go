package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOperationsThatPOSIXForbids(t *testing.T) {
	for _, c := range []struct {
		before, step string
		want         error
	}{
		{"create a", "create a", unix.EEXIST},
		{"mkdir d", "mkdir d", unix.EEXIST},
		{"create a", "symlink x a", unix.EEXIST},
		{"create a\n create b", "link a b", unix.EEXIST},
		{"", "open a", unix.ENOENT},
		{"", "remove a", unix.ENOENT},
		{"", "rename a b", unix.ENOENT},
		{"mkdir d\n create d/a", "rmdir d", unix.ENOTEMPTY},
		{"mkdir d\n mkdir e\n create e/a", "rename d e", fs.ErrExist},
		{"mkdir d\n create a", "rename a d", fs.ErrExist},
		{"mkdir d\n create a", "rename d a", unix.ENOTDIR},
		{"mkdir d", "rename d d/e", unix.EINVAL},
		{"mkdir d", "link d e", unix.EPERM},
		{"create a", "create a/b", unix.ENOTDIR},
		{"mkdir d", "open d", unix.EISDIR},
		{"", "create " + strings.Repeat("x", 256), unix.ENAMETOOLONG},
	} {
		t.Run(c.step, func(t *testing.T) {
			_, dir := mount(t, Options{})
			s := newScript(t, dir)
			defer s.closeAll()
			s.run(c.before)
			if err := s.step(strings.Fields(c.step)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestTwoDescriptorsAppend(t *testing.T) {
	_, dir := mount(t, Options{})
	path := filepath.Join(dir, "a")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		must(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := open(), open()
	for range 3 {
		a.WriteString("a")
		b.WriteString("b")
	}
	if got := tree(t, dir)["a"]; got != "ababab" {
		t.Errorf("%q", got)
	}
}

func TestAFileThatIsRemovedCanBeUsedWhileItIsOpen(t *testing.T) {
	_, dir := mount(t, Options{})
	f, err := os.Create(filepath.Join(dir, "a"))
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("hello")
	must(t, err)
	must(t, os.Remove(f.Name()))
	_, err = f.WriteAt([]byte("J"), 0)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Truncate(4))
	got, err := io.ReadAll(io.NewSectionReader(f, 0, 100))
	info, statErr := f.Stat()
	must(t, statErr)
	if string(got) != "Jell" || err != nil || info.Size() != 4 || info.Sys().(*syscall.Stat_t).Nlink != 0 {
		t.Errorf("%q, %v, %+v", got, err, info.Sys())
	}
}

func TestAttributes(t *testing.T) {
	_, dir := mount(t, Options{})
	path := filepath.Join(dir, "a")
	must(t, os.WriteFile(path, []byte("x"), 0o640))
	stat := func() os.FileInfo {
		info, err := os.Stat(path)
		must(t, err)
		return info
	}
	first := stat()
	if first.Mode() != 0o640 || first.Size() != 1 {
		t.Errorf("%v", first)
	}
	then := time.Unix(1_000_000_000, 123_456_789)
	must(t, os.Chtimes(path, then, then))
	if got := stat().ModTime(); !got.Equal(then) {
		t.Errorf("modified at %v, want %v", got, then)
	}
	must(t, os.WriteFile(path, []byte("xyz"), 0))
	if got := stat(); !got.ModTime().After(then) || got.Size() != 3 {
		t.Errorf("after a write: modified at %v, %d bytes", got.ModTime(), got.Size())
	}
	must(t, os.Chmod(path, 0o400))
	must(t, os.Link(path, path+"2"))
	if got := stat(); got.Mode() != 0o400 || got.Sys().(*syscall.Stat_t).Nlink != 2 {
		t.Errorf("after chmod and link: %+v", got.Sys())
	}
	must(t, os.Chmod(dir, 0o700))
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v", info.Mode())
	}
	if _, err := unix.Getxattr(path, "user.x", nil); err != unix.EOPNOTSUPP {
		t.Errorf("extended attributes: %v", err)
	}
}

func TestPermissionsAreDurableWithTheFile(t *testing.T) {
	for _, synced := range []bool{false, true} {
		d, dir := mount(t, Options{})
		s := newScript(t, dir)
		s.run("create a\n sync a\n chmod a 000")
		if synced {
			s.run("sync a")
		}
		s.closeAll()
		d.keep(KeptNothing, false)
		lose(t, d, 1)
		info, err := os.Stat(filepath.Join(dir, "a"))
		must(t, err)
		if want := map[bool]os.FileMode{false: 0o644, true: 0}[synced]; info.Mode() != want {
			t.Errorf("synced %v: %v, want %v", synced, info.Mode(), want)
		}
	}
}

func TestLocks(t *testing.T) {
	_, dir := mount(t, Options{})
	path := filepath.Join(dir, "a")
	a, err := os.Create(path)
	must(t, err)
	defer a.Close()
	b, err := os.Open(path)
	must(t, err)
	defer b.Close()
	must(t, unix.Flock(int(a.Fd()), unix.LOCK_EX))
	if err := unix.Flock(int(b.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		t.Errorf("locked twice: %v", err)
	}
	must(t, unix.Flock(int(a.Fd()), unix.LOCK_UN))
	must(t, unix.Flock(int(b.Fd()), unix.LOCK_EX|unix.LOCK_NB))
}

func TestHostileNames(t *testing.T) {
	d, dir := mount(t, Options{})
	want := map[string]string{}
	for i, name := range []string{"with space", "new\nline", "Ümläut", "\xff\xfe", "-rf", "*", `back\slash`, ".hidden", strings.Repeat("n", 255), "inodes", "%s%n"} {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		must(t, err)
		fmt.Fprint(f, i)
		must(t, f.Sync())
		must(t, f.Close())
		want[name] = fmt.Sprint(i)
	}
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	got := tree(t, dir)
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%q: %q, want %q", name, got[name], content)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%q", got)
	}
}

// deep runs f in a chain of folders whose path is longer than any call takes.
func TestDeepFolders(t *testing.T) {
	d, dir := mount(t, Options{})
	name := strings.Repeat("d", 200)
	const depth = 40
	down := func(make bool) int {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		must(t, err)
		for range depth {
			if make {
				must(t, unix.Mkdirat(fd, name, 0o755))
			}
			next, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
			must(t, err)
			unix.Close(fd)
			fd = next
		}
		return fd
	}
	fd := down(true)
	file, err := unix.Openat(fd, "a", unix.O_CREAT|unix.O_RDWR, 0o600)
	must(t, err)
	_, err = unix.Write(file, []byte("x"))
	must(t, err)
	must(t, unix.Fsync(file))
	unix.Close(file)
	unix.Close(fd)
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	fd = down(false)
	defer unix.Close(fd)
	file, err = unix.Openat(fd, "a", unix.O_RDONLY, 0)
	must(t, err)
	defer unix.Close(file)
	buf := make([]byte, 9)
	if n, err := unix.Read(file, buf); n != 1 || err != nil || buf[0] != 'x' {
		t.Errorf("%d, %v, %q", n, err, buf)
	}
}

func TestManyFilesAndReadingAFolderWhileItEmpties(t *testing.T) {
	const files = 2_000
	d, dir := mount(t, Options{})
	for i := range files {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint("f", i)))
		must(t, err)
		f.WriteString("x")
		f.Close()
	}
	s := newScript(t, dir)
	s.run("syncdir .")
	l := lose(t, d, 1)
	if l.Writes != files || l.Names != 0 {
		t.Errorf("%v", l)
	}
	f, err := os.Open(dir)
	must(t, err)
	defer f.Close()
	removed := 0
	for {
		names, err := f.Readdirnames(100)
		for _, name := range names {
			must(t, os.Remove(filepath.Join(dir, name)))
			removed++
		}
		if err == io.EOF {
			break
		}
		must(t, err)
	}
	if left, err := os.ReadDir(dir); removed != files || len(left) > 0 || err != nil {
		t.Errorf("%d removed, %d left, %v", removed, len(left), err)
	}
	s.run("syncdir .")
	if left, err := os.ReadDir(filepath.Join(d.base, "inodes")); len(left) > 0 || err != nil {
		t.Errorf("%d files are still on the real disk, %v", len(left), err)
	}
}

func TestLargeAndSparseFiles(t *testing.T) {
	d, dir := mount(t, Options{})
	big, err := os.Create(filepath.Join(dir, "big"))
	must(t, err)
	block := make([]byte, 1<<20)
	for i := range 100 {
		for j := range block {
			block[j] = byte(i + j>>12)
		}
		_, err := big.Write(block)
		must(t, err)
	}
	must(t, big.Sync())
	must(t, big.Close())
	const terabyte = 1 << 40
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	must(t, err)
	_, err = sparse.WriteAt([]byte("end"), terabyte)
	must(t, err)
	must(t, sparse.Sync())
	must(t, sparse.Close())
	must(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600))
	newScript(t, dir).run("syncdir .")
	for range 2 {
		lose(t, d, 1)
	}
	big, err = os.Open(filepath.Join(dir, "big"))
	must(t, err)
	defer big.Close()
	for i := range 100 {
		_, err := io.ReadFull(big, block)
		must(t, err)
		if block[0] != byte(i) || block[len(block)-1] != byte(i+255) {
			t.Fatalf("megabyte %d is something else", i)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "sparse"))
	must(t, err)
	if st := info.Sys().(*syscall.Stat_t); st.Size != terabyte+3 || st.Blocks > 1000 {
		t.Errorf("sparse: %d bytes in %d blocks", st.Size, st.Blocks)
	}
	if info, err := os.Stat(filepath.Join(dir, "empty")); err != nil || info.Size() != 0 {
		t.Errorf("empty: %v, %v", info, err)
	}
}
