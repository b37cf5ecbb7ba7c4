package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// bench is a file with a log of changes, without any mount, and what it was after each.
type bench struct {
	t       *testing.T
	s       *store
	n       *inode
	f       *os.File
	durable []byte
	after   [][]byte
}

func newBench(t *testing.T, durable []byte) *bench {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "seen"))
	must(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.Write(durable)
	must(t, err)
	b := &bench{t: t, n: newInode(2, typeFile, attributes{perm: 0o644}), f: f, durable: durable}
	b.s = newStore(-1, false, newFaults())
	return b
}

func (b *bench) noted(err error) {
	b.t.Helper()
	must(b.t, err)
	data, err := os.ReadFile(b.f.Name())
	must(b.t, err)
	b.after = append(b.after, data)
}

func (b *bench) write(data []byte, off int64) {
	_, err := b.s.write(b.n, int(b.f.Fd()), data, off)
	b.noted(err)
}

func (b *bench) cut(size int64) { b.noted(b.s.truncate(b.n, int(b.f.Fd()), size)) }

// left is the file that a survival leaves.
func (b *bench) left(s survival) []byte {
	b.t.Helper()
	to, err := os.Create(filepath.Join(b.t.TempDir(), "durable"))
	must(b.t, err)
	defer to.Close()
	_, err = to.Write(b.durable)
	must(b.t, err)
	if s.kept != nil {
		must(b.t, s.apply(int(to.Fd()), int(b.f.Fd())))
	}
	data, err := os.ReadFile(to.Name())
	must(b.t, err)
	return data
}

func letters(random *rand.Rand, n int) []byte {
	return bytes.Repeat([]byte{byte('a' + random.IntN(26))}, n)
}

func TestAPrefixIsTheFileAsItWasAfterThoseChanges(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := newBench(t, letters(random, random.IntN(3000)))
		for range 1 + random.IntN(12) {
			switch random.IntN(4) {
			case 0:
				b.cut(int64(random.IntN(4000)))
			default:
				b.write(letters(random, 1+random.IntN(1500)), int64(random.IntN(4000)))
			}
		}
		log := b.n.changes.log
		states := append([][]byte{b.durable}, b.after...)
		if len(log) == 0 {
			continue
		}
		if len(log) != len(b.after) { // cutting to the same size is no change
			continue
		}
		for n := range len(log) + 1 {
			if got := b.left(prefix(log, n)); !bytes.Equal(got, states[n]) {
				t.Fatalf("seed %d: the first %d of %d changes leave something else than there was", seed, n, len(log))
			}
		}
	}
}

func TestATornChangeEndsWhereASectorDoes(t *testing.T) {
	for _, c := range []struct {
		off, length int64
		may         []int64 // lengths of what may be left of the write
	}{
		{0, 100, []int64{0}},
		{0, 512, []int64{0}},
		{0, 513, []int64{0, 512}},
		{500, 100, []int64{0, 12}},
		{500, 1000, []int64{0, 12, 524}},
		{4096, 1536, []int64{0, 512, 1024}},
	} {
		t.Run(fmt.Sprintf("%d bytes at %d", c.length, c.off), func(t *testing.T) {
			b := newBench(t, bytes.Repeat([]byte("d"), 700))
			b.write(bytes.Repeat([]byte("1"), 300), 100)
			b.write(bytes.Repeat([]byte("2"), int(c.length)), c.off)
			met := map[int64]bool{}
			for seed := range uint64(40) {
				random := rand.New(rand.NewPCG(seed, 0))
				got := b.left(survive(KeptTorn, b.n.changes.log, 700, random.IntN))
				part := int64(bytes.Count(got, []byte("2")))
				met[part] = true
				want := bytes.Clone(b.after[0])
				if part > 0 {
					want = append(want, make([]byte, max(0, int(c.off+part)-len(want)))...)
					copy(want[c.off:c.off+part], b.after[1][c.off:])
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %d bytes of the write, and the rest is not as it was before", seed, part)
				}
			}
			for _, n := range c.may {
				if !met[n] {
					t.Errorf("it was never torn after %d bytes", n)
				}
				delete(met, n)
			}
			if len(met) > 0 {
				t.Errorf("it was torn where no sector ends: %v", met)
			}
		})
	}
}

func TestATornFirstChangeLeavesTheRestOfTheFile(t *testing.T) {
	durable := bytes.Repeat([]byte("d"), 4*page)
	b := newBench(t, durable)
	b.write(bytes.Repeat([]byte("n"), page), page)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		got := b.left(survive(KeptTorn, b.n.changes.log, int64(len(durable)), random.IntN))
		want := bytes.Clone(durable)
		copy(want[page:], bytes.Repeat([]byte("n"), bytes.Count(got, []byte("n"))))
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d bytes of %d", seed, len(got), len(want))
		}
	}
}

func TestPagesAreKeptOrLostAsAWhole(t *testing.T) {
	b := newBench(t, bytes.Repeat([]byte("d"), 3*page))
	b.write(bytes.Repeat([]byte("n"), 6*page), page)
	holes, lost, kept := false, false, false
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0))
		got := b.left(survive(KeptPages, b.n.changes.log, 3*page, random.IntN))
		if len(got) < 3*page || len(got)%page != 0 {
			t.Fatalf("seed %d: %d bytes", seed, len(got))
		}
		for i := 0; i < len(got); i += page {
			one := got[i : i+page]
			switch {
			case bytes.Equal(one, bytes.Repeat([]byte("n"), page)) && i >= page:
				kept = true
			case bytes.Equal(one, bytes.Repeat([]byte("d"), page)) && i < 3*page:
				lost = lost || i >= page
			case bytes.Equal(one, make([]byte, page)) && i >= 3*page:
				holes = true
			default:
				t.Fatalf("seed %d: page %d is neither old nor new", seed, i/page)
			}
		}
	}
	if !holes || !lost || !kept {
		t.Errorf("in no loss a page was zero (%v), old (%v), new (%v)", holes, lost, kept)
	}
}

func TestManyChangesBecomeFewerAndLoseNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	b := newBench(t, nil)
	want := make([]byte, 1<<20)
	for i := range 3 * maxChanges {
		data := letters(random, 100)
		off := int64(random.IntN(len(want) - 100))
		copy(want[off:], data)
		if _, err := b.s.write(b.n, int(b.f.Fd()), data, off); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if n := len(b.n.changes.log); n > maxChanges {
			t.Fatalf("%d changes are remembered", n)
		}
	}
	if n := b.n.changes.writes(); n != 3*maxChanges {
		t.Errorf("%d writes are counted, of %d", n, 3*maxChanges)
	}
	size, err := sizeOf(int(b.f.Fd()))
	must(t, err)
	if got := b.left(prefix(b.n.changes.log, len(b.n.changes.log))); !bytes.Equal(got, want[:size]) {
		t.Error("all changes together are not the file")
	}
	all, _ := b.n.changes.todo()
	if got := b.left(survival{kept: &all}); !bytes.Equal(got, want[:size]) {
		t.Error("a sync would not make the file")
	}
}

func TestOverwritingMuchThatIsNotDurableTakesBoundedMemory(t *testing.T) {
	b := newBench(t, nil)
	data := make([]byte, 1<<20)
	for i := range 40 {
		data[0] = byte(i)
		if _, err := b.s.write(b.n, int(b.f.Fd()), data, 0); err != nil {
			t.Fatal(err)
		}
		if b.n.changes.saved > maxSaved {
			t.Fatalf("%d bytes are kept after %d writes", b.n.changes.saved, i+1)
		}
	}
	if n := len(b.n.changes.log); n < 2 {
		t.Errorf("%d changes left", n)
	}
}

func TestSpans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	var s spans
	naive := map[int64]bool{}
	for i := range 3000 {
		x := span{int64(random.IntN(200)), 0}
		x.end = x.off + int64(random.IntN(20))
		switch random.IntN(5) {
		case 0:
			s = s.remove(x)
			for b := x.off; b < x.end; b++ {
				delete(naive, b)
			}
		case 1:
			if random.IntN(4) == 0 {
				s = s.cut(x.off)
				for b := range naive {
					if b >= x.off {
						delete(naive, b)
					}
				}
			}
		default:
			s = s.add(x)
			for b := x.off; b < x.end; b++ {
				naive[b] = true
			}
		}
		if s.bytes() != int64(len(naive)) {
			t.Fatalf("step %d: %d bytes, want %d", i, s.bytes(), len(naive))
		}
		var common int64
		for b := x.off; b < x.end; b++ {
			if naive[b] {
				common++
			}
		}
		if got := s.overlap(x).bytes(); got != common {
			t.Fatalf("step %d: %d bytes in common, want %d", i, got, common)
		}
		for j, y := range s {
			if y.end <= y.off || j > 0 && s[j-1].end >= y.off {
				t.Fatalf("step %d: %v is not in order", i, s)
			}
		}
	}
}
