package disk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// script runs operations, one a line, and keeps files open under the name by which they
// were opened.
type script struct {
	t    *testing.T
	dir  string
	open map[string]*os.File
}

func (s *script) run(lines string) {
	for line := range strings.Lines(lines) {
		if w := strings.Fields(line); len(w) > 0 {
			if err := s.step(w); err != nil {
				s.t.Fatalf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

func (s *script) at(name string) string { return filepath.Join(s.dir, name) }

func (s *script) step(w []string) error {
	var err error
	open := func(path string, flags int) {
		var f *os.File
		if f, err = os.OpenFile(path, flags, 0o644); err == nil {
			s.open[w[1]] = f
		}
	}
	arg := func(i int) int64 {
		n, err := strconv.ParseInt(w[i], 10, 64)
		must(s.t, err)
		return n
	}
	switch w[0] {
	case "create":
		open(s.at(w[1]), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	case "open":
		open(s.at(w[1]), os.O_RDWR)
	case "opensync":
		open(s.at(w[1]), os.O_RDWR|os.O_CREATE|unix.O_SYNC)
	case "opendsync":
		open(s.at(w[1]), os.O_RDWR|os.O_CREATE|unix.O_DSYNC)
	case "tmpfile":
		open(s.dir, os.O_RDWR|unix.O_TMPFILE)
	case "name": // gives a tmpfile a name
		err = unix.Linkat(unix.AT_FDCWD, procFD(int(s.open[w[1]].Fd())), unix.AT_FDCWD, s.at(w[2]), unix.AT_SYMLINK_FOLLOW)
	case "write": // file, offset, text
		_, err = s.open[w[1]].WriteAt([]byte(w[3]), arg(2))
	case "fill": // file, offset, letter, count
		_, err = s.open[w[1]].WriteAt([]byte(strings.Repeat(w[3], int(arg(4)))), arg(2))
	case "cut":
		err = s.open[w[1]].Truncate(arg(2))
	case "allocate": // file, offset, count
		err = unix.Fallocate(int(s.open[w[1]].Fd()), 0, arg(2), arg(3))
	case "punch":
		err = unix.Fallocate(int(s.open[w[1]].Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, arg(2), arg(3))
	case "close":
		err = s.open[w[1]].Close()
	case "sync":
		err = s.open[w[1]].Sync()
	case "datasync":
		err = unix.Fdatasync(int(s.open[w[1]].Fd()))
	case "syncdir":
		var f *os.File
		if f, err = os.Open(s.at(w[1])); err == nil {
			err = f.Sync()
			f.Close()
		}
	case "mkdir":
		err = os.Mkdir(s.at(w[1]), 0o755)
	case "rmdir", "remove":
		err = os.Remove(s.at(w[1]))
	case "rename":
		err = os.Rename(s.at(w[1]), s.at(w[2]))
	case "exchange":
		err = unix.Renameat2(unix.AT_FDCWD, s.at(w[1]), unix.AT_FDCWD, s.at(w[2]), unix.RENAME_EXCHANGE)
	case "link":
		err = os.Link(s.at(w[1]), s.at(w[2]))
	case "symlink":
		err = os.Symlink(w[1], s.at(w[2]))
	case "mkfifo":
		err = unix.Mkfifo(s.at(w[1]), 0o644)
	case "chmod":
		mode, e := strconv.ParseUint(w[2], 8, 32)
		must(s.t, e)
		err = os.Chmod(s.at(w[1]), os.FileMode(mode))
	default:
		err = fmt.Errorf("unknown step %q", w[0])
	}
	return err
}

func newScript(t *testing.T, dir string) *script {
	return &script{t: t, dir: dir, open: map[string]*os.File{}}
}

func (s *script) closeAll() {
	for _, f := range s.open {
		f.Close()
	}
}

func TestALossBringsBackWhatIsDurable(t *testing.T) {
	// before is synced completely. With no want, nothing is left of after. strict is what
	// is left on a strict disk, if it is not the same.
	type files = map[string]string
	for _, c := range []struct {
		name, before, after string
		want, strict        files
	}{
		{name: "a write that is not synced is gone", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "write a 0 new",
			want: files{"a": "old"}},
		{name: "a write that is synced is there", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "write a 0 new\n sync a",
			want: files{"a": "new"}},
		{name: "fdatasync will do", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "write a 0 newer\n datasync a",
			want: files{"a": "newer"}},
		{name: "closing will not", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "write a 0 newer\n close a",
			want: files{"a": "old"}},
		{name: "a write with O_SYNC is there", after: "opensync a\n write a 0 new\n syncdir .", want: files{"a": "new"}},
		{name: "a write with O_DSYNC is there", after: "opendsync a\n write a 0 new\n syncdir .", want: files{"a": "new"}},
		{name: "writes after the sync are gone", before: "create a\n syncdir .", after: "write a 0 one\n sync a\n write a 3 two\n write a 0 ONE",
			want: files{"a": "one"}},
		{name: "syncing another file does not help", before: "create a\n create b\n syncdir .", after: "write a 0 one\n write b 0 two\n sync b",
			want: files{"a": "", "b": "two"}},
		{name: "syncing by another descriptor does", before: "create a\n syncdir .", after: "write a 0 one\n open a\n sync a",
			want: files{"a": "one"}},
		{name: "a synced gap is zero", before: "create a\n syncdir .", after: "write a 3 x\n sync a", want: files{"a": "\x00\x00\x00x"}},
		{name: "a cut that is not synced comes back", before: "create a\n write a 0 hello\n sync a\n syncdir .", after: "cut a 0\n write a 0 X",
			want: files{"a": "hello"}},
		{name: "a cut that is synced stays", before: "create a\n write a 0 hello\n sync a\n syncdir .", after: "cut a 2\n sync a",
			want: files{"a": "he"}},
		{name: "what was cut and grew again is zero", before: "create a\n write a 0 hello\n sync a\n syncdir .", after: "cut a 2\n cut a 4\n sync a",
			want: files{"a": "he\x00\x00"}},
		{name: "allocating is a change", before: "create a\n syncdir .", after: "allocate a 0 3", want: files{"a": ""}},
		{name: "allocating can be synced", before: "create a\n syncdir .", after: "allocate a 0 3\n sync a", want: files{"a": "\x00\x00\x00"}},
		{name: "a hole is a change", before: "create a\n write a 0 hello\n sync a\n syncdir .", after: "punch a 1 3", want: files{"a": "hello"}},
		{name: "a hole can be synced", before: "create a\n write a 0 hello\n sync a\n syncdir .", after: "punch a 1 3\n sync a",
			want: files{"a": "h\x00\x00\x00o"}},

		{name: "a new file is gone", after: "create a\n write a 0 x"},
		{name: "syncing a new file keeps its name", after: "create a\n write a 0 x\n sync a", want: files{"a": "x"}, strict: files{}},
		{name: "syncing the folder keeps the name only", after: "create a\n write a 0 x\n syncdir .", want: files{"a": ""}},
		{name: "syncing file and folder keeps both", after: "create a\n write a 0 x\n sync a\n syncdir .", want: files{"a": "x"}},
		{name: "a write between the two syncs is gone", after: "create a\n write a 0 x\n sync a\n write a 1 y\n syncdir .", want: files{"a": "x"}},
		{name: "a new folder is gone", after: "mkdir d"},
		{name: "syncing it keeps it", after: "mkdir d\n syncdir d", want: files{"d/": ""}, strict: files{}},
		{name: "syncing its parent keeps it", after: "mkdir d\n syncdir .", want: files{"d/": ""}},
		{name: "syncing a file keeps the folders that lead to it", after: "mkdir d\n mkdir d/e\n create d/e/a\n write d/e/a 0 x\n sync d/e/a",
			want: files{"d/": "", "d/e/": "", "d/e/a": "x"}, strict: files{}},
		{name: "and on a strict disk every folder wants its own sync", after: "mkdir d\n mkdir d/e\n create d/e/a\n write d/e/a 0 x\n sync d/e/a\n syncdir d/e\n syncdir .",
			want: files{"d/": "", "d/e/": "", "d/e/a": "x"}, strict: files{"d/": ""}},
		{name: "from the inside to the outside will do", after: "mkdir d\n mkdir d/e\n create d/e/a\n write d/e/a 0 x\n sync d/e/a\n syncdir d/e\n syncdir d\n syncdir .",
			want: files{"d/": "", "d/e/": "", "d/e/a": "x"}},
		{name: "its neighbours are not kept", after: "mkdir d\n create d/a\n create d/b\n sync d/a", want: files{"d/": "", "d/a": ""}, strict: files{}},

		{name: "a removed file comes back", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "remove a", want: files{"a": "x"}},
		{name: "with what was durable of it", before: "create a\n write a 0 x\n sync a\n syncdir .\n close a", after: "open a\n write a 0 yy\n close a\n remove a",
			want: files{"a": "x"}},
		{name: "a removed file that is still open comes back too", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "remove a\n write a 0 y",
			want: files{"a": "x"}},
		{name: "syncing the folder makes removing durable", before: "create a\n syncdir .", after: "remove a\n syncdir ."},
		{name: "a file made and removed leaves nothing", after: "create a\n remove a\n syncdir ."},
		{name: "a name that is used again is the old file", before: "create a\n write a 0 old\n sync a\n syncdir .\n close a", after: "remove a\n create a\n write a 0 new",
			want: files{"a": "old"}},
		{name: "until the new one is synced", before: "create a\n write a 0 old\n sync a\n syncdir .\n close a", after: "remove a\n create a\n write a 0 new\n sync a",
			want: files{"a": "new"}, strict: files{"a": "old"}},
		{name: "a removed folder comes back with all that was in it", before: "mkdir d\n create d/a\n syncdir d\n syncdir .", after: "remove d/a\n rmdir d",
			want: files{"d/": "", "d/a": ""}},
		{name: "syncing the parent removes it with all that was in it", before: "mkdir d\n create d/a\n syncdir d\n syncdir .", after: "remove d/a\n rmdir d\n syncdir ."},
		{name: "but not what was moved away before", before: "mkdir d\n create d/a\n write d/a 0 x\n sync d/a\n syncdir d\n syncdir .", after: "mkdir e\n rename d/a e/b\n rmdir d\n syncdir .",
			want: files{"e/": "", "e/b": "x"}},

		{name: "a renamed file has its old name", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "rename a b", want: files{"a": "x"}},
		{name: "until its folder is synced", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "rename a b\n syncdir .", want: files{"b": "x"}},
		{name: "or the file itself", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "rename a b\n sync a", want: files{"b": "x"}, strict: files{"a": "x"}},
		{name: "replacing by rename: the old file is there", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "create t\n write t 0 new\n sync t\n rename t a",
			want: files{"a": "old", "t": "new"}, strict: files{"a": "old"}},
		{name: "replacing by rename and syncing the folder: the new file is there", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "create t\n write t 0 new\n sync t\n rename t a\n syncdir .",
			want: files{"a": "new"}},
		{name: "replacing by rename without syncing the file: the new file is empty", before: "create a\n write a 0 old\n sync a\n syncdir .", after: "create t\n write t 0 new\n rename t a\n syncdir .",
			want: files{"a": ""}},
		{name: "a renamed folder has its old name", before: "mkdir d\n create d/a\n syncdir d\n syncdir .", after: "rename d e\n create e/b",
			want: files{"d/": "", "d/a": ""}},
		{name: "a file synced in it takes it along", before: "mkdir d\n create d/a\n syncdir d\n syncdir .", after: "rename d e\n create e/b\n sync e/b",
			want: files{"e/": "", "e/a": "", "e/b": ""}, strict: files{"d/": "", "d/a": ""}},
		{name: "on a strict disk a synced folder may still have its old name", before: "mkdir d\n create d/a\n syncdir d\n syncdir .", after: "rename d e\n create e/b\n syncdir e",
			want: files{"e/": "", "e/a": "", "e/b": ""}, strict: files{"d/": "", "d/a": "", "d/b": ""}},
		{name: "a folder moved into another one", before: "mkdir d\n mkdir e\n create d/a\n syncdir d\n syncdir .", after: "rename d e/d\n syncdir e",
			want: files{"e/": "", "e/d/": "", "e/d/a": ""}},
		{name: "folders that change places", before: "mkdir d\n mkdir d/e\n syncdir d\n syncdir .", after: "rename d/e e\n rename d e/d\n syncdir e",
			want: files{"e/": "", "e/d/": ""}},
		{name: "exchanged files", before: "create a\n write a 0 x\n sync a\n create b\n write b 0 y\n sync b\n syncdir .", after: "exchange a b",
			want: files{"a": "x", "b": "y"}},
		{name: "exchanged files, synced", before: "create a\n write a 0 x\n sync a\n create b\n write b 0 y\n sync b\n syncdir .", after: "exchange a b\n syncdir .",
			want: files{"a": "y", "b": "x"}},
		{name: "exchanged file and folder", before: "create a\n write a 0 x\n sync a\n mkdir d\n create d/b\n syncdir d\n syncdir .", after: "exchange a d\n syncdir .",
			want: files{"a/": "", "a/b": "", "d": "x"}},

		{name: "a new link is gone", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "link a b", want: files{"a": "x"}},
		{name: "until it is synced", before: "create a\n write a 0 x\n sync a\n syncdir .", after: "link a b\n syncdir .\n write a 0 y\n sync a",
			want: files{"a": "y", "b": "y"}},
		{name: "a file whose last link is removed comes back", before: "create a\n write a 0 x\n sync a\n link a b\n syncdir .", after: "remove a\n remove b",
			want: files{"a": "x", "b": "x"}},
		{name: "a symbolic link is gone", after: "symlink a l"},
		{name: "until its folder is synced", after: "symlink a l\n syncdir .", want: files{"l": "-> a"}},
		{name: "a FIFO", after: "mkfifo p\n syncdir .", want: files{"p": "p---------"}},
		{name: "a file without a name leaves nothing", after: "tmpfile t\n write t 0 x\n sync t"},
		{name: "until it is given one that is synced", after: "tmpfile t\n write t 0 x\n sync t\n name t a\n syncdir .", want: files{"a": "x"}},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, strict %v", c.name, strict), func(t *testing.T) {
				t.Parallel()
				d, dir := mount(t, Options{Strict: strict})
				s := newScript(t, dir)
				defer s.closeAll()
				s.run(c.before)
				s.run(c.after)
				seen := tree(t, dir)
				s.closeAll()
				d.keep(KeptNothing, false)
				lose(t, d, 1)
				want := c.want
				if strict && c.strict != nil {
					want = c.strict
				}
				if got := tree(t, dir); !maps.Equal(got, want) {
					t.Errorf("there is %q after the loss, want %q", got, want)
				}
				if durable := tree(t, filepath.Join(d.base, "durable")); !maps.Equal(durable, want) {
					t.Errorf("there is %q in durable/, want %q", durable, want)
				}
				if len(seen) == 0 && !strings.Contains(c.after, "remove") && !strings.Contains(c.after, "tmpfile") {
					t.Error("nothing was seen before the loss")
				}
			})
		}
	}
}
