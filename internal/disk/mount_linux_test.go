package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// mount serves a fresh disk, and skips the test where that cannot be done.
func mount(t testing.TB, o Options) (*Disk, string) {
	t.Helper()
	folder := t.TempDir()
	return mountIn(t, folder, o)
}

func mountIn(t testing.TB, folder string, o Options) (*Disk, string) {
	t.Helper()
	point := filepath.Join(folder, "n1")
	d, err := Mount(t.Context(), point, filepath.Join(folder, "n1.disk"), o)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d, point
}

// keep lets losses of d keep that of each file, and all or none of the names.
func (d *Disk) keep(kind Kind, names bool) {
	d.kind = func(func(int) int) Kind { return kind }
	d.names = func(_ func(int) int, n int) int {
		if names {
			return n
		}
		return 0
	}
}

func lose(t testing.TB, d *Disk, seed int64) Loss {
	t.Helper()
	l, err := d.LosePower(t.Context(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree lists what is in a folder: names of folders end in /, links say where they lead.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case e.IsDir():
			out[name+"/"] = ""
		case e.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			out[name] = "-> " + target
			return err
		case e.Type().IsRegular():
			data, err := os.ReadFile(path)
			out[name] = string(data)
			return err
		default:
			out[name] = e.Type().String()
		}
		return nil
	}))
	return out
}
