package faults

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// Spec says how often a fault comes, whom it is aimed at and how long it lasts.
type Spec struct {
	Fault Fault
	// Weight is how often the fault comes among as many steps as all weights of its track
	// together; less than 1 means never.
	Weight int
	Target Target
	// Gap is the time before the fault, since the track's last one healed; Hold is
	// how long it stays; Delay is the fault's own.
	Gap, Hold, Delay Range
	// Calm is set for a fault that waits, after the gap, until writes are acknowledged
	// (again): however long the cluster takes to recover, the fault then hits one that
	// works. After some seconds more than it may take, the fault comes all the same.
	Calm bool
}

// Track is faults that come one after the other. Tracks of a scenario run side by
// side, so that a node may die during a partition. A track of process faults and
// one of network faults never get in each other's way; two of process faults would.
type Track []Spec

// Range is a range of durations; both ends are possible.
type Range struct{ Min, Max time.Duration }

func (r Range) draw(rng *rand.Rand) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(rng.Int64N(int64(r.Max-r.Min)+1))
}

// Step is one fault of a plan.
type Step struct {
	Fault  Fault
	Target Target
	// Seed decides what is left to chance: which of the candidates, which halves.
	Seed             uint64
	Gap, Hold, Delay time.Duration
	// Calm is as in Spec.
	Calm bool

	nodes  []string // of the plan; nil if the step is not from one
	groups []history.Group
}

// random returns the generator for what the fault chooses.
func (s Step) random() *rand.Rand { return rand.New(rand.NewPCG(s.Seed, 0)) }

// Plan is an endless sequence of steps for each track; the same seed, tracks and
// nodes give the same one.
type Plan struct {
	seed   int64
	tracks []Track
	nodes  []string
	groups []history.Group
	decks  []*deck // of each track
}

// deck has for each spec of a track as many cards as its weight. It is shuffled, drawn from, and
// made anew when it is empty: in any order, but no fault is missing for long. Were each
// step drawn for itself, one run of many would hardly see the fault that it should.
type deck struct {
	random *rand.Rand
	cards  []int
}

func (d *deck) draw(specs []Spec) (s Spec, ok bool) {
	if len(d.cards) == 0 {
		for i, s := range specs {
			d.cards = append(d.cards, slices.Repeat([]int{i}, s.Weight)...)
		}
		d.random.Shuffle(len(d.cards), func(i, j int) { d.cards[i], d.cards[j] = d.cards[j], d.cards[i] })
	}
	if len(d.cards) == 0 {
		return Spec{}, false
	}
	s, d.cards = specs[d.cards[0]], d.cards[1:]
	return s, true
}

// planStream keeps the plan's random numbers apart from those of the clients.
const planStream = 1 << 40

// NewPlan draws a plan for a cluster of the nodes with these IDs, and these shard
// groups if it is sharded. Each track has
// random numbers of its own, by its index. Faults that make no sense in a cluster so
// small are left out.
func NewPlan(seed int64, tracks []Track, nodes []string, groups ...history.Group) *Plan {
	p := &Plan{seed: seed, nodes: slices.Clone(nodes), groups: groups}
	for i, track := range tracks {
		p.tracks = append(p.tracks, slices.DeleteFunc(slices.Clone(track), func(s Spec) bool {
			return s.Weight < 1 || s.Fault.MinNodes > len(nodes)
		}))
		p.decks = append(p.decks, p.deck(i))
	}
	return p
}

func (p *Plan) deck(track int) *deck {
	return &deck{random: rand.New(rand.NewPCG(uint64(p.seed), planStream+uint64(track)))}
}

// Tracks is the number of tracks, those without faults included.
func (p *Plan) Tracks() int { return len(p.tracks) }

// Next draws the next step of a track. A track without faults has no steps. It may
// be called concurrently for different tracks.
func (p *Plan) Next(track int) (Step, bool) { return p.draw(track, p.decks[track]) }

func (p *Plan) draw(track int, from *deck) (Step, bool) {
	s, ok := from.draw(p.tracks[track])
	if !ok {
		return Step{}, false
	}
	rng := from.random
	return Step{
		Fault: s.Fault, Target: s.Target, Seed: rng.Uint64(),
		Gap: s.Gap.draw(rng), Hold: s.Hold.draw(rng), Delay: s.Delay.draw(rng),
		Calm: s.Calm, nodes: p.nodes, groups: p.groups,
	}, true
}

// Planned is a step and when it begins, counted from the start of the plan.
type Planned struct {
	At time.Duration
	Step
}

// mostPlanned bounds Steps where the steps of a plan take no time.
const mostPlanned = 1000

// Steps returns for each track the steps that begin within d if injecting and
// healing took no time, at most 1000 of each. It does not change what Next returns.
func (p *Plan) Steps(d time.Duration) [][]Planned {
	out := make([][]Planned, len(p.tracks))
	for track := range p.tracks {
		from := p.deck(track)
		var now time.Duration
		for len(out[track]) < mostPlanned {
			s, ok := p.draw(track, from)
			if now += s.Gap; !ok || now >= d {
				break
			}
			out[track] = append(out[track], Planned{now, s})
			now += s.Hold
		}
	}
	return out
}
