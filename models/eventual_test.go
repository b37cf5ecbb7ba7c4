package models

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

// parseFinal is parse; operations called at or after 1000 ms are final reads.
func parseFinal(t *testing.T, text string) *history.History {
	h := parse(t, text)
	h.Model = "eventual"
	for i := range h.Operations {
		h.Operations[i].Final = h.Operations[i].Call >= time.Second
	}
	return h
}

func TestEventual(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    string
		want Status
		rule Rule
	}{
		{"old values may be read while clients write", `
			put x a 0 10
			put x b 20 30
			get x b 40 50
			get x a 60 70
			get x b 1000 1010`, Valid, ""},
		{"a value that nobody wrote may not", `
			put x a 0 10
			get x z 60 70
			get x a 1000 1010`, Invalid, RuleNeverWritten},
		{"a value may not be read before it is written", `
			get x a 0 10
			put x a 20 30
			get x a 1000 1010`, Invalid, RuleNeverWritten},
		{"a refused write may not be read", `
			put x b 0 10
			put x a 0 10 failed
			get x a 60 70
			get x b 1000 1010`, Invalid, RuleFailedVisible},
		{"finding nothing is always possible while clients write", `
			put x a 0 10
			get x - 20 30
			get x a 1000 1010`, Valid, ""},
		{"copies that agree", `
			put x a 0 10
			get x a 1000 1010
			get x a 1000 1010`, Valid, ""},
		{"copies that disagree", `
			put x a 0 100
			put x b 0 100
			get x a 1000 1010
			get x b 1000 1010`, Invalid, RuleCopiesDisagree},
		{"a copy that has a value and one that has none", `
			put x a 0 100
			delete x - 0 100
			get x a 1000 1010
			get x - 1000 1010`, Invalid, RuleCopiesDisagree},
		{"of two writes at once either may be the last", `
			put x a 0 100
			put x b 0 100
			get x a 1000 1010`, Valid, ""},
		{"of two writes one after the other only the later", `
			put x a 0 10
			put x b 20 30
			get x a 1000 1010`, Invalid, RuleLostWrite},
		{"intervals are closed: writes that touch overlap", `
			put x a 0 10
			put x b 10 30
			get x a 1000 1010`, Valid, ""},
		{"an unknown write that nobody saw may be missing", `
			put x a 0 10
			put x b 20 -
			get x a 1000 1010`, Valid, ""},
		{"an unknown write may be the last", `
			put x a 0 10
			put x b 20 -
			get x b 1000 1010`, Valid, ""},
		{"an unknown write that somebody saw is there", `
			put x a 0 10
			put x b 20 -
			get x b 40 50
			get x a 1000 1010`, Invalid, RuleLostWrite},
		{"an unknown write may take effect before or after another: after", `
			put x a 0 -
			put x b 20 30
			get x b 40 50
			get x a 1000 1010`, Valid, ""},
		{"but not if it was seen before the other began", `
			put x a 0 -
			get x a 5 10
			put x b 20 30
			get x a 1000 1010`, Invalid, RuleLostWrite},
		{"a deleted key is absent in the end", `
			put x a 0 10
			delete x - 20 30
			get x - 1000 1010`, Valid, ""},
		{"a deleted value came back", `
			put x a 0 10
			delete x - 20 30
			get x a 1000 1010`, Invalid, RuleDeletedCameBack},
		{"a delete at the same time as the write may come first", `
			put x a 0 30
			delete x - 20 30
			get x a 1000 1010`, Valid, ""},
		{"an acknowledged write that is absent in the end is lost", `
			put x a 0 10
			get x - 1000 1010`, Invalid, RuleLostWrite},
		{"a delete before it explains nothing", `
			delete x - 0 10
			put x a 20 30
			get x - 1000 1010`, Invalid, RuleLostWrite},
		{"a delete without an answer may have come later", `
			delete x - 0 -
			put x a 20 30
			get x - 1000 1010`, Valid, ""},
		{"an unknown write that nobody saw needs no delete", `
			put y a 0 10
			put x a 20 -
			get x - 1000 1010`, Valid, ""},
		{"repeated values are left to the search: legal", `
			put x a 0 10
			put x b 20 30
			put x a 40 50
			get x a 1000 1010`, Valid, ""},
		{"repeated values are left to the search: illegal", `
			put x a 0 10
			put x a 20 30
			put x b 40 50
			get x a 1000 1010`, Invalid, RuleLostWrite},
		{"without final reads it proves nothing", `
			put x a 0 10
			get x a 20 30`, Unknown, ""},
		{"but a value that nobody wrote is found without them", `
			put x a 0 10
			get x b 20 30`, Invalid, RuleNeverWritten},
		{"without writes it proves nothing", `
			get x - 1000 1010`, Unknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, engine := range Engines() {
				v, err := Check(context.Background(), parseFinal(t, tc.h), Options{Engine: engine})
				if err != nil {
					t.Fatal(err)
				}
				if v.Status != tc.want {
					t.Fatalf("%s: status %s, want %s: %+v", engine, v.Status, tc.want, v)
				}
				if tc.want == Invalid && v.Violations[0].Rule != tc.rule {
					t.Errorf("%s: got %+v, want rule %q", engine, v.Violations[0], tc.rule)
				}
			}
		})
	}
}

// The rules of the eventual model must say what its search says.
func TestEventualRulesAgreeWithTheSearchOnRandomHistories(t *testing.T) {
	rounds := 60_000
	if testing.Short() {
		rounds = 20_000
	}
	counts := make(map[Status]int)
	rules := make(map[Rule]int)
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		h := randomHistory(r)
		h.Model = "eventual"
		// Two final reads that agree as a rule, so that the rules behind are reached.
		values := []string{""}
		for i := range h.Operations {
			if o := &h.Operations[i]; o.Kind == history.Put {
				values = append(values, o.Value)
			}
		}
		pick := values[r.IntN(len(values))]
		for i := range 2 {
			if r.IntN(10) == 0 {
				pick = values[r.IntN(len(values))]
			}
			at := time.Duration(100 + i)
			h.Operations = append(h.Operations, history.Operation{
				ID: int64(len(h.Operations)), Client: 99, Key: "x", Kind: history.Get, Outcome: history.OK,
				Value: pick, Present: pick != "", Call: at, Return: at, Final: true,
			})
		}
		v, err := Check(context.Background(), h, Options{Engine: EngineBoth})
		if err != nil {
			t.Fatalf("seed %d: %v\n%+v", seed, err, h.Operations)
		}
		counts[v.Status]++
		if v.Status == Invalid {
			rules[v.Violations[0].Rule]++
		}
	}
	for _, s := range []Status{Valid, Invalid} {
		if counts[s] < rounds/20 {
			t.Errorf("only %d of %d histories were %s", counts[s], rounds, s)
		}
	}
	for _, r := range []Rule{RuleNeverWritten, RuleLostWrite, RuleCopiesDisagree, RuleDeletedCameBack} {
		t.Logf("%s: %d", r, rules[r])
		if rules[r] == 0 {
			t.Errorf("no history broke the rule %q", r)
		}
	}
}
