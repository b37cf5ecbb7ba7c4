package workload

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// largeNames covers small and large sizes, and one that ends right behind its name.
var largeNames = []string{"c3-118~300", "c3-119~300", "c31-18~1024", "c3-118~5000", "c0-1~102400", "c12-5~9", "c7-7~262144"}

func TestEveryValueIsReadBackUnderItsName(t *testing.T) {
	t.Parallel()
	names := []string{"c3-118", "c0-1", "grüße 👩‍🚀", " \n\n", "x", strings.Repeat("y", longestName), "a~b", "a~", "~5", "a~05", "a~3", "a~-1000", "a~99999999", "a~123456789"}
	for _, a := range awkward {
		names = append(names, "c3-118"+a)
	}
	for _, name := range names {
		if got := Body(name); string(got) != name {
			t.Errorf("the body of %q is %q", name, got)
		}
		if got, defect := Identify([]byte(name)); got != name || defect != "" {
			t.Errorf("%q is read back as %q (%s)", name, got, defect)
		}
	}
	for _, name := range largeNames {
		body := Body(name)
		size, ok := largeSize(name)
		if !ok || len(body) != size || !bytes.HasPrefix(body, []byte(name+"~")) || !utf8.Valid(body) {
			t.Errorf("%s: %d bytes, beginning with %q", name, len(body), sample(body))
		}
		if !bytes.Equal(body, Body(name)) {
			t.Errorf("%s has two bodies", name)
		}
		if got, defect := Identify(body); got != name || defect != "" {
			t.Errorf("%q is read back as %q (%s)", name, got, defect)
		}
	}
}

// docs/history-format.md describes the filler, and a program written after that
// description made this one. Values on the wire must not change unnoticed.
func TestALargeValueIsWhatTheFormatSays(t *testing.T) {
	t.Parallel()
	const want = "c3-118~64~d_EptCK_CA1EsiutiYz2_JxVOjUsaJoNfnd8oB7Bs2aNUBmI33Sr3F"
	if got := string(Body("c3-118~64")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// mustShow asserts that a damaged body is not taken for a written value.
func mustShow(t *testing.T, what string, body []byte, written map[string]bool) {
	t.Helper()
	name, defect := Identify(body)
	if defect == "" && written[name] {
		t.Fatalf("%s: it counts as %s", what, name)
	}
	if written[name] {
		t.Fatalf("%s: it is recorded under the name %s", what, name)
	}
	if len(name) > 2*longestName || !utf8.ValidString(name) || !utf8.ValidString(defect) {
		t.Fatalf("%s: the name is %q, the defect %q", what, name, defect)
	}
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

func TestALargeValueCutOffAnywhereShows(t *testing.T) {
	t.Parallel()
	written := setOf(append([]string{"c3-118", "c0-1"}, largeNames...))
	for _, name := range largeNames {
		body := Body(name)
		step := 1
		if len(body) > 10_000 {
			step = len(body)/50 | 1
		}
		for n := 0; n < len(body); n += step {
			if string(body[:n]) == "c3-118" || string(body[:n]) == "c0-1" {
				continue // it is that value, byte for byte
			}
			mustShow(t, fmt.Sprintf("%s cut off after %d bytes", name, n), body[:n], written)
			if _, _, cut := identify(body[:n]); !cut && n > len(name) {
				t.Fatalf("%s after %d bytes does not count as cut off", name, n)
			}
		}
		mustShow(t, name+" without its last byte", body[:len(body)-1], written)
		if _, _, cut := identify(body); cut {
			t.Errorf("%s counts as cut off, and is whole", name)
		}
	}
}

func TestWhatAGeneratorWroteCutOffAnywhereShows(t *testing.T) {
	t.Parallel()
	mix := testMix
	mix.MaxSize = 2000
	var names []string
	for client := range 3 {
		g := NewGenerator(mix, 7, client)
		for range 400 {
			if r := g.Next(); r.Value != "" {
				names = append(names, r.Value)
			}
		}
	}
	written := setOf(names)
	for _, name := range names {
		body := Body(name)
		for n := range len(body) {
			// c3-118 may be cut to c3-11, which client 3 wrote long before: the
			// models find that a read went back to it.
			if older := string(body[:n]); written[older] && strings.HasPrefix(name, older) && !strings.ContainsAny(older, "~ \n=") {
				continue
			}
			mustShow(t, fmt.Sprintf("%q cut off after %d bytes", name, n), body[:n], written)
		}
	}
}

func TestAMixtureOfTwoValuesShows(t *testing.T) {
	t.Parallel()
	written := setOf(largeNames)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, one := range largeNames {
		for _, other := range largeNames {
			a, b := Body(one), Body(other)
			if one == other {
				continue
			}
			cuts := []int{1, 2, 3, 4, 5, 6, 8, 16, 64, 255, 256, 257, 512, 4096, 8192, 65536}
			for range 8 {
				cuts = append(cuts, rng.IntN(max(len(a), len(b))))
			}
			for _, cut := range cuts {
				// The beginning of one, and what the other has behind it.
				if cut >= len(a) || cut >= len(b) {
					continue
				}
				mixed := append(bytes.Clone(a[:cut]), b[cut:]...)
				if bytes.Equal(mixed, a) || bytes.Equal(mixed, b) {
					continue
				}
				mustShow(t, fmt.Sprintf("%s up to byte %d, then %s", one, cut, other), mixed, written)
			}
		}
	}
}

func TestADamagedValueShows(t *testing.T) {
	t.Parallel()
	written := setOf(largeNames)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range largeNames {
		whole := Body(name)
		damage := map[string][]byte{
			"one byte more":      append(bytes.Clone(whole), '\n'),
			"twice":              append(bytes.Clone(whole), whole...),
			"another one behind": append(bytes.Clone(whole), Body("c9-9~300")...),
			"a byte in front":    append([]byte{' '}, whole...),
			"without the first":  whole[1:],
			"in quotes":          fmt.Appendf(nil, "%q", whole),
			"zeros at the end":   append(bytes.Clone(whole[:len(whole)-1]), 0),
		}
		for i := range 20 {
			b := bytes.Clone(whole)
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
			damage[fmt.Sprintf("a byte changed (%d)", i)] = b
		}
		if filler := whole[len(name)+1:]; len(filler) > 64 {
			n := len(filler) / 4
			b := bytes.Clone(whole[:len(name)+1])
			b = append(b, filler[:n]...)
			b = append(b, filler[2*n:3*n]...)
			b = append(b, filler[n:2*n]...)
			damage["two pieces of the middle swapped"] = append(b, filler[3*n:]...)
			b = append(bytes.Clone(whole[:len(name)+1]), filler[:n]...)
			damage["a piece of the middle missing"] = append(b, filler[2*n:]...)
		}
		for what, body := range damage {
			mustShow(t, name+", "+what, body, written)
		}
	}
}

func TestBodiesThatNobodyWroteGetNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestName+1)
	tests := []struct {
		name, body string
		defect     string
	}{
		{"nothing", "", ""},
		{"a short text", "<html>", ""},
		{"a long text", long, "do not begin like any value"},
		{"a longer one", long + "x", "do not begin like any value"},
		{"invalid UTF-8", "c3-\xff", "not valid UTF-8"},
		{"a long text of invalid UTF-8", strings.Repeat("\xff", 1000), "do not begin like any value"},
		{"a runaway size", "x~99999999~" + strings.Repeat("A", 1000), "do not begin like any value"},
	}
	seen := make(map[string]string)
	for _, tt := range tests {
		name, defect := Identify([]byte(tt.body))
		if (defect == "") != (tt.defect == "") || !strings.Contains(defect, tt.defect) {
			t.Errorf("%s: got defect %q, want %q", tt.name, defect, tt.defect)
		}
		if before, ok := seen[name]; ok {
			t.Errorf("%s and %s have the same name %q", tt.name, before, name)
		}
		seen[name] = tt.name
		if !utf8.ValidString(name) || !utf8.ValidString(defect) || len(name) > 2*longestName {
			t.Errorf("%s: got name %q, defect %q", tt.name, name, defect)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	for _, name := range largeNames[:4] {
		f.Add(Body(name))
	}
	f.Add([]byte("c3-118"))
	f.Add([]byte("x~99999999~"))
	f.Fuzz(func(t *testing.T, body []byte) {
		name, defect := Identify(body)
		if defect == "" && !bytes.Equal(Body(name), body) {
			t.Fatalf("%q counts as the intact value %q", body, name)
		}
	})
}
