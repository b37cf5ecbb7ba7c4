package disk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// stir changes names at random; what is forbidden fails, and that is all right.
func stir(random *rand.Rand, dir string, steps int) {
	name := func() string {
		path := dir
		for range 1 + random.IntN(3) {
			path = filepath.Join(path, string(rune('a'+random.IntN(4))))
		}
		return path
	}
	for range steps {
		switch random.IntN(9) {
		case 0, 1:
			os.Mkdir(name(), 0o755)
		case 2, 3:
			if f, err := os.Create(name()); err == nil {
				f.Close()
			}
		case 4, 5:
			os.Rename(name(), name())
		case 6:
			os.Link(name(), name())
		case 7:
			os.Remove(name())
		case 8:
			switch random.IntN(3) {
			case 0:
				unix.Renameat2(unix.AT_FDCWD, name(), unix.AT_FDCWD, name(), unix.RENAME_EXCHANGE)
			default:
				if f, err := os.Open(name()); err == nil {
					f.Sync()
					f.Close()
				}
			}
		}
	}
}

// wish is what a sync of path promises, by path below dir: all names and the content of
// a file, or the names in a folder.
func wish(t *testing.T, dir, path string) (want []string) {
	t.Helper()
	synced, err := os.Lstat(filepath.Join(dir, path))
	must(t, err)
	for _, y := range names(tree(t, dir)) {
		y = filepath.Clean(y)
		info, err := os.Lstat(filepath.Join(dir, y))
		must(t, err)
		if os.SameFile(info, synced) || synced.IsDir() && filepath.Dir(y) == path {
			want = append(want, y)
		}
	}
	return want
}

func TestASyncKeepsWhatItPromisesAfterAnyChangesOfNames(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			d, dir := mount(t, Options{})
			d.keep(KeptNothing, false)
			for round := range 4 {
				stir(random, dir, 40)
				seen := names(tree(t, dir))
				if len(seen) == 0 {
					continue
				}
				path := filepath.Clean(seen[random.IntN(len(seen))])
				f, err := os.Open(filepath.Join(dir, path))
				must(t, err)
				must(t, f.Sync())
				f.Close()
				want := wish(t, dir, path)
				lose(t, d, int64(round))
				for _, y := range want {
					if _, err := os.Lstat(filepath.Join(dir, y)); err != nil {
						t.Fatalf("%s was synced in %q, and %s is gone", path, seen, y)
					}
				}
			}
		})
	}
}

func names(tree map[string]string) []string { return slices.Sorted(maps.Keys(tree)) }

func TestNamesSurviveInAnyOrderOfSyncs(t *testing.T) {
	for seed := range uint64(12) {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, strict %v", seed, strict), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 0))
				d, dir := mount(t, Options{Strict: strict})
				for round := range 6 {
					stir(random, dir, 80)
					seen := tree(t, dir)
					all := round%2 == 0
					d.names = anyNames
					if all {
						d.keep(KeptNothing, true)
					}
					l := lose(t, d, int64(round))
					got, durable := tree(t, dir), tree(t, filepath.Join(d.base, "durable"))
					if all && !slices.Equal(names(got), names(seen)) {
						t.Fatalf("all names were kept, but there is %q and not %q", names(got), names(seen))
					}
					if !slices.Equal(names(got), names(durable)) {
						t.Fatalf("there is %q, but %q is durable", names(got), names(durable))
					}
					if l.NamesLost > l.Names || len(l.Lost) != l.NamesLost {
						t.Fatalf("%+v", l)
					}
				}
			})
		}
	}
}
