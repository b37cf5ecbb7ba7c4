package simulate

import (
	"container/heap"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

const node = "n1"

// Times of a busy server: an operation takes atLeast, and on average perRequest
// more; one in stalls takes ten times as long. Clients hardly pause, so that
// nearly all of them wait for an answer at any moment.
const (
	atLeast    = 50 * time.Microsecond
	perRequest = time.Millisecond
	stalls     = 100
	pause      = 50 * time.Microsecond
)

// An effect is the instant at which an operation reads or changes its key.
type effect struct {
	at time.Duration
	op int32 // index
}

// A worker issues one operation at a time.
type worker struct {
	ready  time.Duration // when it issues the next one
	number int           // names its values; never changes
	client int           // changes with each unknown outcome
	puts   int
}

// workers is a heap: the one that is ready first is on top.
type workers []worker

func (w workers) Len() int { return len(w) }
func (w workers) Less(i, j int) bool {
	return w[i].ready < w[j].ready || w[i].ready == w[j].ready && w[i].number < w[j].number
}
func (w workers) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *workers) Push(any)     {} // workers neither come nor go
func (w *workers) Pop() any     { return nil }

// issue generates the operations in the order of their calls, and the instants
// of those that take effect, in no order. What reads return is not known yet.
func issue(cfg *Config, r *rand.Rand) ([]history.Operation, []effect) {
	keys := make([]string, cfg.Keys)
	for i := range keys {
		keys[i] = "k" + strconv.Itoa(i)
	}
	pool := make(workers, cfg.Clients)
	for i := range pool {
		pool[i] = worker{ready: exponential(r, perRequest), number: i, client: i}
	}
	heap.Init(&pool)
	clients := cfg.Clients
	ops := make([]history.Operation, cfg.Operations)
	effects := make([]effect, 0, cfg.Operations)
	var name []byte
	for i := range ops {
		w, o := &pool[0], &ops[i]
		*o = history.Operation{
			ID: int64(i), Client: w.client, Node: node, Key: keys[r.IntN(len(keys))],
			Call: w.ready, Outcome: history.OK, Status: 200,
		}
		switch kind := r.Float64(); {
		case kind < cfg.Puts:
			o.Kind = history.Put
			w.puts++
			name = strconv.AppendInt(append(name[:0], 'c'), int64(w.number), 10)
			name = strconv.AppendInt(append(name, '-'), int64(w.puts), 10)
			o.Value = string(name)
		case kind < cfg.Puts+cfg.Deletes:
			o.Kind = history.Delete
		}
		took := atLeast + exponential(r, perRequest)
		if r.IntN(stalls) == 0 {
			took *= 10
		}
		if r.Float64() < cfg.Unknown {
			o.Outcome, o.Status, o.Error = history.Unknown, 0, "no answer in time"
			w.client = clients
			clients++
			// Half of the unknown writes take effect, some of them long after their client went on.
			if r.IntN(2) == 0 && o.Kind.Writes() {
				effects = append(effects, effect{o.Call + time.Duration(r.Int64N(int64(10*took)+1)), int32(i)})
			}
		} else {
			o.Return = o.Call + took
			effects = append(effects, effect{o.Call + time.Duration(r.Int64N(int64(took)+1)), int32(i)})
		}
		w.ready += took + 1 + exponential(r, pause) // intervals are closed: a client's must not touch
		heap.Fix(&pool, 0)
	}
	return ops, effects
}

func exponential(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(mean))
}
