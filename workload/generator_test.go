package workload

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/st3v3nmw/lsfr/history"
)

var testMix = Mix{
	Gets: 5, Puts: 4, Deletes: 1, HotKeys: 3, KeyLife: 50, RetiredReads: 20,
	Large: 10, MinSize: 100, MaxSize: 10_000, Awkward: 30,
}

func requests(mix Mix, seed int64, client, n int) []Request {
	g := NewGenerator(mix, seed, client)
	out := make([]Request, n)
	for i := range out {
		out[i] = g.Next()
	}
	return out
}

func TestASeedAndAClientMakeTheOperations(t *testing.T) {
	t.Parallel()
	first := requests(testMix, 42, 3, 1000)
	if !slices.Equal(first, requests(testMix, 42, 3, 1000)) {
		t.Error("the same seed and client make other operations")
	}
	for _, other := range []struct {
		seed   int64
		client int
	}{{43, 3}, {42, 4}, {0, 3}, {math.MaxInt64, 3}} {
		kinds := func(rs []Request) (out []string) {
			for _, r := range rs {
				out = append(out, r.Kind.String()+r.Key)
			}
			return out
		}
		if slices.Equal(kinds(first), kinds(requests(testMix, other.seed, other.client, 1000))) {
			t.Errorf("seed %d and client %d make the same operations", other.seed, other.client)
		}
	}
}

func TestEveryValueIsWrittenOnce(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for client := range 12 {
		for _, r := range requests(testMix, 1, client, 1500) {
			if (r.Kind == history.Put) != (r.Value != "") {
				t.Fatalf("got %+v", r)
			}
			if r.Value == "" {
				continue
			}
			if seen[r.Value] {
				t.Fatalf("%q is written twice", r.Value)
			}
			seen[r.Value] = true
			if !strings.HasPrefix(r.Value, fmt.Sprintf("c%d-", client)) {
				t.Fatalf("client %d writes %q", client, r.Value)
			}
		}
	}
}

func TestKeysAndValuesAreLegal(t *testing.T) {
	t.Parallel()
	legal := regexp.MustCompile(`^[A-Za-z0-9:_.-]{1,100}$`)
	for _, r := range requests(testMix, 5, 1, 3000) {
		if !legal.MatchString(r.Key) {
			t.Fatalf("key %q", r.Key)
		}
		body := Body(r.Value)
		if !utf8.Valid(body) || strings.ContainsRune(string(body), 0) || len(body) > testMix.MaxSize {
			t.Fatalf("value %q", r.Value)
		}
		if size, ok := largeSize(r.Value); ok && size < testMix.MinSize {
			t.Fatalf("value %q is too small", r.Value)
		}
	}
}

func TestOperationsComeInTheSharesOfTheMix(t *testing.T) {
	t.Parallel()
	const n = 20_000
	count := make(map[string]int)
	puts := 0
	for _, r := range requests(testMix, 9, 2, n)[testMix.KeyLife:] {
		count[r.Kind.String()]++
		if r.Kind != history.Put {
			continue
		}
		puts++
		switch _, large := largeSize(r.Value); {
		case large:
			count["large"]++
		case strings.ContainsAny(r.Value, " \n\t="):
			count["awkward"]++
		}
	}
	near := func(what string, share, want float64) {
		t.Helper()
		if math.Abs(share-want) > 0.02 {
			t.Errorf("%s: the share is %.3f, want %.3f", what, share, want)
		}
	}
	of := func(what string, all int) float64 { return float64(count[what]) / float64(all) }
	// A fifth of all operations reads retired keys, the rest is mixed.
	near("gets", of("get", n), 0.2+0.8*0.5)
	near("puts", of("put", n), 0.8*0.4)
	near("deletes", of("delete", n), 0.8*0.1)
	near("large values", of("large", puts), 0.1)
	near("awkward values", of("awkward", puts), 0.3)
}

func TestAKeyIsWrittenOnlyDuringItsLife(t *testing.T) {
	t.Parallel()
	retired := 0
	used := make(map[string]bool)
	for i, r := range requests(testMix, 11, 0, 2000) {
		epoch := i / testMix.KeyLife
		var of, n int
		if _, err := fmt.Sscanf(r.Key, "k%d.%d", &of, &n); err != nil || n >= testMix.HotKeys || of > epoch {
			t.Fatalf("operation %d: %+v", i, r)
		}
		if of < epoch {
			retired++
			if r.Kind != history.Get {
				t.Fatalf("operation %d writes a key that was retired: %+v", i, r)
			}
		}
		used[r.Key] = true
	}
	if retired == 0 {
		t.Error("no retired key is ever read")
	}
	if want := testMix.HotKeys * 2000 / testMix.KeyLife; len(used) < want*9/10 || len(used) > want {
		t.Errorf("%d keys are used, want about %d", len(used), want)
	}
	fixed := testMix
	fixed.RetiredReads = 0
	for i, r := range requests(fixed, 11, 0, 2000) {
		if !strings.HasPrefix(r.Key, fmt.Sprintf("k%d.", i/fixed.KeyLife)) {
			t.Fatalf("operation %d of a mix without retired reads: %+v", i, r)
		}
	}
}
