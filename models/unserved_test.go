package models

import (
	"fmt"
	"testing"
)

// Each outage stands beside twins that differ in one detail and are none.
func TestAnOutageOfOneNodeWithoutAnyFaultIsForbidden(t *testing.T) {
	const others = `

		put n1 1 1.1
		put n1 4 4.1
		put n1 8 8.1
		put n1 12 12.1
		put n1 16 16.1`
	for _, tc := range []struct{ name, run, want string }{
		{"all others acknowledge, and it does not for ten seconds", `
			tries n2 2 12 2` + others, "n2 from 2 to 12, 6 writes"},
		{"a little less is within the contract", `
			tries n2 2 11.9 1.98` + others, "none"},
		{"three writes are too few", `
			tries n2 2 14 6` + others, "none"},
		{"four are enough, however far apart, while others are tried", `
			tries n2 2 14 4` + others, "n2 from 2 to 14, 4 writes"},
		{"an acknowledged write on it ends it", `
			tries n2 2 12 2
			put n2 7 7.5` + others, "none"},
		{"also one that was under way in the first moment", `
			tries n2 2 12 2
			put n2 1 2` + others, "none"},
		{"a slow one may have been accepted at any time", `
			tries n2 2 12 2
			put n2 0 11` + others, "none"},
		{"one on another node does not", `
			tries n2 2 12 2
			put n3 7 7.5` + others, "n2 from 2 to 12, 6 writes"},
		{"a fault on any node is a reason", `
			slow n3 0 30
			tries n2 2 12 2` + others, "none"},
		{"so is one that ends in between", `
			slow n3 0 6
			tries n2 2 12 2` + others, "none"},
		{"or begins", `
			slow n3 6 30
			tries n2 2 12 2` + others, "none"},
		{"the time begins anew after a fault", `
			slow n3 0 6
			tries n2 2 17 1` + others, "n2 from 7 to 17, 11 writes"},
		{"where nothing is tried anywhere, lsfr stood still", `
			put n1 0 1
			tries n2 2 6 1
			tries n2 11 14 1`, "none"},
		{"the longest of several", `
			tries n2 2 12 2
			tries n3 1 13 1` + others, "n3 from 1 to 13, 13 writes"},
		{"a node that nobody knows", `
			tries n9 2 12 2` + others, "none"},
	} {
		h := parseRun(t, 3, tc.run)
		got := "none"
		if u := MeasureAvailability(h).Unavailable; u != nil {
			got = fmt.Sprintf("%s from %g to %g, %d writes", u.Node, u.From.Seconds(), u.To.Seconds(), u.Writes)
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
	h := parseRun(t, 1, "tries n1 2 12 2")
	if u := MeasureAvailability(h).Unavailable; u == nil || u.Node != "" {
		t.Errorf("a single node is the whole cluster, and not %+v", u)
	}
}
