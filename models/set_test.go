package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/history"
)

// Each illegal history stands beside a legal twin that differs in one detail.
func TestSet(t *testing.T) {
	judgeKinds(t, "set", []kindCase{
		{"a read finds everything that was added", `
			add x a 0 10
			add x b 0 10
			get x [b,a] 20 30`, Valid, ""},
		{"an acknowledged element that no read finds is lost", `
			add x a 0 10
			add x b 0 10
			get x [a] 20 30`, Invalid, RuleLostWrite},
		{"an acknowledged element that only later reads find", `
			add x a 0 10
			get x [] 20 30
			get x [a] 40 50`, Invalid, RuleStaleRead},
		{"a read during the add may miss the element", `
			add x a 0 20
			get x [] 20 30
			get x [a] 40 50`, Valid, ""},
		{"how often and in which order an element is listed means nothing", `
			add x a 0 10
			add x b 0 10
			get x [a,b,a] 20 30
			get x [b,a] 40 50`, Valid, ""},
		{"no value is the empty set", `
			get x - 0 10
			add x a 20 30
			get x [a] 40 50`, Valid, ""},
		{"no value after an element was added", `
			add x a 0 10
			get x - 20 30`, Invalid, RuleLostWrite},
		{"an element that nobody added", `
			add x a 0 10
			get x [a,z] 20 30`, Invalid, RuleNeverWritten},
		{"an element that is added later", `
			get x [a] 0 10
			add x a 20 30`, Invalid, RuleNeverWritten},
		{"an element that is added meanwhile", `
			get x [a] 0 20
			add x a 20 30`, Valid, ""},
		{"an add that was refused must not be seen", `
			add x a 0 10 failed
			get x [a] 20 30`, Invalid, RuleFailedVisible},
		{"an add that was refused is not there", `
			add x a 0 10 failed
			get x [] 20 30
			add x b 40 50`, Valid, ""},
		{"an add without an answer may never take effect", `
			add x a 0 -
			add x b 0 10
			get x [b] 20 30`, Valid, ""},
		{"an add without an answer may take effect late", `
			add x a 0 -
			get x [] 20 30
			get x [a] 40 50`, Valid, ""},
		{"an element that was read must stay", `
			add x a 0 -
			get x [a] 20 30
			get x [] 40 50`, Invalid, RuleLostWrite},
		{"two reads at once may find more and less", `
			add x a 0 100
			get x [a] 20 45
			get x [] 40 50`, Valid, ""},
		{"two concurrent adds may be seen in either order", `
			add x a 0 100
			add x b 0 100
			get x [a] 20 30
			get x [a,b] 40 50`, Valid, ""},
		{"but not in both", `
			add x a 0 100
			add x b 0 100
			get x [a] 20 30
			get x [b] 20 30`, Invalid, RuleStaleRead},
		{"an element that was added before another is there with it", `
			add x a 0 10
			add x b 20 100
			get x [b] 5 50`, Invalid, RuleLostWrite},
		{"an element that was added together with another need not be", `
			add x a 0 20
			add x b 20 100
			get x [b] 5 50`, Valid, ""},
		{"one of two adds of an element is enough", `
			get x [] 0 5
			add x a 0 10
			add x a 40 50
			get x [a] 20 30`, Valid, ""},
		{"but each of them is", `
			add x a 0 10
			add x a 40 50
			get x [] 20 30`, Invalid, RuleLostWrite},
		{"a read that is no set", `
			add x a 0 10
			get x a 20 30`, Invalid, RuleTornValue},
		{"reads of nothing prove nothing", `
			add x a 0 -
			get x [] 0 10`, Unknown, ""},
	})
}

func setSpec(state string, o *history.Operation) []string {
	names := strings.Fields(state)
	if o.Kind == history.Get {
		found, err := []string(nil), error(nil)
		if o.Present {
			found, err = history.ParseElements(o.Value)
		}
		slices.Sort(found)
		if err != nil || !slices.Equal(slices.Compact(found), names) {
			return nil
		}
		return []string{state}
	}
	names = append(names, o.Value)
	slices.Sort(names)
	return []string{strings.Join(slices.Compact(names), " ")}
}

// randomSet draws up to eight operations; most of the time what a correct set
// would answer.
func randomSet(r *rand.Rand) []history.Operation {
	ops := make([]history.Operation, 2+r.IntN(7))
	unknown := 4 + r.IntN(8)
	correct := r.IntN(4) > 0
	unique := r.IntN(2) == 0
	state := ""
	var added []string
	for i := range ops {
		o := &ops[i]
		o.ID, o.Kind, o.Value = int64(i), history.Add, fmt.Sprint("e", i)
		if !unique {
			o.Value = fmt.Sprint("e", r.IntN(3))
		}
		if i == 0 || r.IntN(2) == 0 {
			added = append(added, o.Value)
		} else {
			o.Kind, o.Present = history.Get, true
			found := strings.Fields(state)
			if !correct {
				found = slices.DeleteFunc(slices.Clone(added), func(string) bool { return r.IntN(3) == 0 })
			}
			r.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
			o.Value = history.FormatElements(found)
			if len(found) == 0 && r.IntN(2) == 0 {
				o.Present, o.Value = false, ""
			}
		}
		if correct && o.Kind == history.Add {
			state = setSpec(state, o)[0]
		}
		if !correct {
			randomTimes(r, o, 4+r.IntN(12), unknown)
		}
	}
	if correct {
		simulated(r, ops, unknown)
	}
	return ops
}

func TestSetAgreesWithAllOrders(t *testing.T) {
	(&trial{
		model: growOnlySet(), spec: setSpec, random: randomSet, without: withoutAdds, rounds: 20_000, decides: true,
		rules: []Rule{RuleNeverWritten, RuleFailedVisible, RuleLostWrite, RuleStaleRead},
	}).run(t)
}

// A proof holds the adds of all that its reads found, but not hundreds of them.
func TestAProofAboutALargeSetStaysSmall(t *testing.T) {
	for _, tc := range []struct{ elements, want int }{{10, 12}, {1000, 2}} {
		var b strings.Builder
		var names []string
		for i := range tc.elements {
			fmt.Fprintf(&b, "add x e%d 0 10\n", i)
			names = append(names, fmt.Sprint("e", i))
		}
		fmt.Fprintf(&b, "add x lost 0 10\nget x [%s] 20 30\n", strings.Join(names, ","))
		v, err := Check(t.Context(), parseKinds(t, "set", b.String()), Options{})
		if err != nil || v.Status != Invalid {
			t.Fatalf("%d elements: %+v, %v", tc.elements, v, err)
		}
		if got := len(v.Violations[0].Operations); got != tc.want {
			t.Errorf("%d elements: %d operations, want %d", tc.elements, got, tc.want)
		}
	}
}
