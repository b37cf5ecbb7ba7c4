package simulate_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/simulate"
	"github.com/st3v3nmw/lsfr/models"
)

// shapes are small enough for many seeds, and have one and several keys, little
// and much overlap, and all outcomes.
func shapes() []simulate.Config {
	var all []simulate.Config
	for _, keys := range []int{1, 3} {
		for _, clients := range []int{2, 8} {
			for _, unknown := range []float64{0, 0.1} {
				all = append(all, simulate.Config{Operations: 120, Keys: keys, Clients: clients, Unknown: unknown})
			}
		}
	}
	return append(all,
		simulate.Config{Operations: 120, Keys: 1, Clients: 4, Puts: 0.3, Deletes: 0.3, Unknown: 0.05},
		simulate.Config{Operations: 120, Keys: 1, Clients: 4, Puts: 0.5})
}

func TestCorrectHistoriesAreValidAndDefectiveOnesInvalid(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	for _, cfg := range shapes() {
		for _, defect := range []simulate.Defect{simulate.Correct, simulate.StaleRead, simulate.LostWrite} {
			cfg.Defect = defect
			t.Run(fmt.Sprintf("%s/keys=%d,clients=%d,unknown=%v,deletes=%v", defect, cfg.Keys, cfg.Clients, cfg.Unknown, cfg.Deletes), func(t *testing.T) {
				for cfg.Seed = range seeds {
					h := simulate.History(cfg)
					if h == nil {
						t.Fatalf("seed %d: no place for a %s", cfg.Seed, defect)
					}
					v, err := models.Check(context.Background(), h, models.Options{})
					if err != nil {
						t.Fatalf("seed %d: %v", cfg.Seed, err)
					}
					want := models.Invalid
					if defect == simulate.Correct {
						want = models.Valid
					}
					if v.Status != want {
						t.Fatalf("seed %d: %s, want %s: %s %+v", cfg.Seed, v.Status, want, v.Reason, v.Violations)
					}
				}
			})
		}
	}
}

// The check above would also pass if a defect had damaged more than it says.
func TestADefectChangesNothingButTheReadsItIsAbout(t *testing.T) {
	for seed := range uint64(50) {
		// Large enough that the first draw has a place: then the rest is as in the correct history.
		cfg := simulate.Config{Operations: 3000, Keys: 5, Clients: 6, Unknown: 0.02, Seed: seed}
		correct := simulate.History(cfg)
		for _, defect := range []simulate.Defect{simulate.StaleRead, simulate.LostWrite} {
			cfg.Defect = defect
			h := simulate.History(cfg)
			var changed []int
			for i := range h.Operations {
				a, b := correct.Operations[i], h.Operations[i]
				if a == b {
					continue
				}
				changed = append(changed, i)
				a.Value, a.Present, a.Status = b.Value, b.Present, b.Status
				if a != b || a.Kind != history.Get {
					t.Fatalf("seed %d, %s: %+v became %+v", seed, defect, correct.Operations[i], b)
				}
			}
			switch {
			case len(changed) == 0:
				t.Errorf("seed %d: a %s changed nothing", seed, defect)
			case defect == simulate.StaleRead && len(changed) != 1:
				t.Errorf("seed %d: %d reads are stale, want 1", seed, len(changed))
			case changed[0] < len(h.Operations)/2:
				t.Errorf("seed %d: operation %d of %d is not late for a %s", seed, changed[0], len(h.Operations), defect)
			}
			if defect == simulate.LostWrite {
				lost := correct.Operations[changed[0]].Value
				for i := range h.Operations {
					if o := &h.Operations[i]; o.Kind == history.Get && o.Value == lost {
						t.Errorf("seed %d: operation %d read the lost value %s", seed, i, lost)
					}
				}
			}
		}
	}
}

func TestEqualConfigsGiveEqualHistoriesAndOtherSeedsOthers(t *testing.T) {
	for _, defect := range []simulate.Defect{simulate.Correct, simulate.StaleRead, simulate.LostWrite} {
		cfg := simulate.Config{Operations: 2000, Keys: 10, Clients: 20, Unknown: 0.05, Defect: defect, Seed: 7}
		one, two := simulate.History(cfg), simulate.History(cfg)
		if !reflect.DeepEqual(one, two) {
			t.Errorf("%s: two histories of one config differ", defect)
		}
		cfg.Seed++
		if reflect.DeepEqual(one.Operations, simulate.History(cfg).Operations) {
			t.Errorf("%s: two seeds give one history", defect)
		}
	}
}

func TestOperationsAreInOrderAndClientsNeverOverlapThemselves(t *testing.T) {
	cfg := simulate.Config{Operations: 20_000, Keys: 10, Clients: 20, Unknown: 0.02, Seed: 3}
	h := simulate.History(cfg)
	last := make(map[int]*history.Operation)
	values := make(map[string]bool)
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.ID != int64(i) {
			t.Fatalf("operation %d has the ID %d", i, o.ID)
		}
		if i > 0 && o.Call < h.Operations[i-1].Call {
			t.Fatalf("operation %d was called before the one in front of it", i)
		}
		if o.Outcome == history.OK && o.Return < o.Call {
			t.Fatalf("operation %d returned before it was called: %+v", i, o)
		}
		if p := last[o.Client]; p != nil && (p.Outcome == history.Unknown || p.Return >= o.Call) {
			t.Fatalf("client %d issued %+v during %+v", o.Client, o, p)
		}
		last[o.Client] = o
		if o.Kind == history.Put {
			if values[o.Value] {
				t.Fatalf("the value %s is put twice", o.Value)
			}
			values[o.Value] = true
		}
	}
}

func TestSharesAreThoseAskedFor(t *testing.T) {
	for _, cfg := range []simulate.Config{
		{Unknown: 0},
		{Unknown: 0.02},
		{Unknown: 0.3, Puts: 0.2, Deletes: 0.4},
		{Puts: 1},
	} {
		cfg.Operations, cfg.Keys, cfg.Clients, cfg.Seed = 20_000, 10, 20, 1
		h := simulate.History(cfg)
		_, failed, unknown := h.Count()
		kinds := make(map[history.Kind]int)
		open := 0 // most clients, at any time
		for i := range h.Operations {
			kinds[h.Operations[i].Kind]++
			open = max(open, overlap(h.Operations, i))
		}
		puts, deletes := cfg.Puts, cfg.Deletes
		if puts+deletes == 0 {
			puts, deletes = 0.45, 0.10
		}
		for _, share := range []struct {
			what string
			got  int
			want float64
		}{
			{"unknown", unknown, cfg.Unknown}, {"failed", failed, 0},
			{"put", kinds[history.Put], puts}, {"delete", kinds[history.Delete], deletes}, {"get", kinds[history.Get], 1 - puts - deletes},
		} {
			// Four standard deviations of a binomial distribution.
			n := float64(cfg.Operations)
			if math.Abs(float64(share.got)-n*share.want) > 4*math.Sqrt(n*share.want*(1-share.want))+1e-6 {
				t.Errorf("%+v: %d of %d operations are %s, want a share of %v", cfg, share.got, cfg.Operations, share.what, share.want)
			}
		}
		if open < cfg.Clients*3/4 {
			t.Errorf("%+v: at most %d operations overlap, want nearly one for each of the %d clients", cfg, open, cfg.Clients)
		}
	}
}

// overlap counts the operations near i that were under way when it was called.
func overlap(ops []history.Operation, i int) int {
	n := 1
	for j := max(0, i-100); j < i; j++ {
		if ops[j].Outcome == history.OK && ops[j].Return >= ops[i].Call {
			n++
		}
	}
	return n
}

func TestADefectWithoutAPlaceGivesNoHistory(t *testing.T) {
	for _, cfg := range []simulate.Config{
		{Operations: 0, Defect: simulate.StaleRead},
		{Operations: 2, Defect: simulate.StaleRead},
		{Operations: 2, Defect: simulate.LostWrite},
		{Operations: 1000, Puts: 1, Clients: 3, Defect: simulate.StaleRead},
		{Operations: 1000, Deletes: 0.5, Clients: 3, Defect: simulate.LostWrite},
	} {
		if h := simulate.History(cfg); h != nil {
			t.Errorf("%+v: got a history of %d operations", cfg, len(h.Operations))
		}
	}
	if h := simulate.History(simulate.Config{}); h == nil || len(h.Operations) != 0 {
		t.Errorf("the zero config gives %+v, want an empty history", h)
	}
}

func BenchmarkHistoryOfAMillionOperations(b *testing.B) {
	for b.Loop() {
		simulate.History(simulate.Config{Operations: 1_000_000, Keys: 10, Clients: 20, Unknown: 0.02, Defect: simulate.LostWrite})
	}
}
