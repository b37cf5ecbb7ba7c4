package workload

import (
	"fmt"
	"math/rand/v2"

	"github.com/st3v3nmw/lsfr/history"
)

// Mix describes a workload. The shares are relative weights.
type Mix struct {
	// Gets, Puts and Deletes weigh the kinds of operations.
	Gets, Puts, Deletes int
	// HotKeys is how many keys all clients work on at a time.
	HotKeys int
	// KeyLife is how many operations a client does before the hot keys are
	// retired and fresh ones take their place. It bounds the operations on a
	// key, and with that the cost of judging it.
	KeyLife int
	// OnceKeys is the percentage of puts that go to a key of their own, which is
	// never written again, and of gets that read such a key: of a hot key only
	// the last write can be missed in the end, of these each one.
	OnceKeys int
	// RetiredReads is the percentage of operations that read a key that has
	// been retired: nobody writes it any more, so its last value must stay.
	RetiredReads int
	// Large is the percentage of puts with a value of MinSize to MaxSize bytes.
	Large            int
	MinSize, MaxSize int
	// Awkward is the percentage of puts with quotes, line breaks and other
	// text that a careless encoding breaks on.
	Awkward int
}

// Request is one operation to be sent.
type Request struct {
	Kind history.Kind
	Key  string
	// Value is the name of the value to put.
	Value string
}

// Generator makes the operations of one client. The same mix, seed and client
// give the same operations, whatever other clients do.
type Generator struct {
	mix    Mix
	rng    *rand.Rand
	client int
	n      int
	once   int // keys of its own so far
}

// NewGenerator returns the generator of the client with that number.
func NewGenerator(mix Mix, seed int64, client int) *Generator {
	return &Generator{mix: mix, rng: rand.New(rand.NewPCG(uint64(seed), uint64(client)+1)), client: client}
}

// awkward texts are appended to a value; each is legal UTF-8 without NUL.
var awkward = [...]string{
	` "double" and 'single' quotes`,
	"\nput k1 forged\r\n",
	"\t{\"json\": [1, 2]}\\",
	" grüße, 日本語, 👩‍🚀",
	"=,;%41%00&<b>",
	" \n\n",
}

// Next returns the next operation.
func (g *Generator) Next() Request {
	epoch := g.n / max(g.mix.KeyLife, 1)
	g.n++
	if epoch > 0 && g.rng.IntN(100) < g.mix.RetiredReads {
		// Half of these go to keys that have been retired a moment ago.
		old := epoch - 1
		if g.rng.IntN(2) == 0 {
			old = g.rng.IntN(epoch)
		}
		return Request{Kind: history.Get, Key: g.key(old)}
	}
	r := Request{Key: g.key(epoch)}
	switch d := g.rng.IntN(g.mix.Gets + g.mix.Puts + g.mix.Deletes); {
	case d < g.mix.Gets:
		r.Kind = history.Get
		if g.onOnce() && g.once > 0 {
			// Clients work about equally fast, so this key exists or is about to.
			r.Key = onceKey(g.rng.IntN(g.client+1), g.rng.IntN(g.once))
		}
	case d < g.mix.Gets+g.mix.Puts:
		r.Kind, r.Value = history.Put, g.value()
		if g.onOnce() {
			r.Key = onceKey(g.client, g.once)
			g.once++
		}
	default:
		r.Kind = history.Delete
	}
	return r
}

func (g *Generator) key(epoch int) string {
	return fmt.Sprintf("k%d.%d", epoch, g.rng.IntN(g.mix.HotKeys))
}

// onOnce draws whether an operation is on a key that is written once.
func (g *Generator) onOnce() bool { return g.mix.OnceKeys > 0 && g.rng.IntN(100) < g.mix.OnceKeys }

func onceKey(client, n int) string { return fmt.Sprintf("once%d.%d", client, n) }

func (g *Generator) value() string {
	head := fmt.Sprintf("c%d-%d", g.client, g.n)
	switch d := g.rng.IntN(100); {
	case d < g.mix.Large:
		return LargeName(head, g.size())
	case d < g.mix.Large+g.mix.Awkward:
		return head + awkward[g.rng.IntN(len(awkward))]
	}
	return head
}

// size is skewed to the small end: most of the work stays fast, and the
// largest values still come.
func (g *Generator) size() int {
	u := g.rng.Float64()
	return g.mix.MinSize + int(u*u*float64(g.mix.MaxSize-g.mix.MinSize))
}
