package disk

import (
	"os"
	"path/filepath"
	"testing"
)

// besides runs a benchmark on a disk and, for comparison, in the folder below it.
func besides(b *testing.B, f func(b *testing.B, dir string)) {
	b.Run("through lsfr", func(b *testing.B) {
		_, dir := mount(b, Options{})
		f(b, dir)
	})
	b.Run("folder below", func(b *testing.B) { f(b, b.TempDir()) })
}

// BenchmarkWriteSync appends 4 kB and syncs, as a log does for each request.
func BenchmarkWriteSync(b *testing.B) {
	besides(b, func(b *testing.B, dir string) {
		f, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		data := make([]byte, 4096)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := f.Write(data); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite writes a file of 100 MB, 1 MB at a time, and removes it.
func BenchmarkWrite(b *testing.B) {
	const size, step = 100e6, 1e6
	for _, c := range []struct {
		name string
		sync bool
	}{{"without sync", false}, {"with sync", true}} {
		b.Run(c.name, func(b *testing.B) {
			besides(b, func(b *testing.B, dir string) {
				data := make([]byte, step)
				b.SetBytes(size)
				for b.Loop() {
					f, err := os.Create(filepath.Join(dir, "big"))
					if err != nil {
						b.Fatal(err)
					}
					for range int(size / step) {
						if _, err := f.Write(data); err != nil {
							b.Fatal(err)
						}
					}
					if c.sync {
						if err := f.Sync(); err != nil {
							b.Fatal(err)
						}
					}
					f.Close()
					os.Remove(f.Name())
				}
			})
		})
	}
}
