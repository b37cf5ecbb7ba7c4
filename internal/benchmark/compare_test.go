package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/internal/simulate"
)

func twoShapes() plan {
	return plan{
		operations: []int{1_000, 10_000, 100_000}, keys: []int{1}, clients: []int{5, 20}, unknown: []float64{0},
		defects: []simulate.Defect{simulate.StaleRead}, bounds: Bounds{20 * time.Second, 4 * gib},
	}
}

func TestAnEngineThatExceededABoundIsNotAskedAboutLongerHistoriesOfThatShape(t *testing.T) {
	var asked []string
	rows, err := compare(t.Context(), twoShapes(), func(_ context.Context, j job) (outcome, error) {
		asked = append(asked, j.Engine+" "+thousands(j.Config.Operations)+" "+thousands(j.Config.Clients))
		o := outcome{Status: "invalid", Took: time.Millisecond, Base: 10 * mib, Peak: 15 * mib}
		if j.Engine == enginePorcupine && j.Config.Clients == 20 && j.Config.Operations >= 10_000 {
			o = outcome{Took: 3 * time.Second, Base: 10 * mib, Peak: 5 * gib, Exceeded: tooMuch}
		}
		return o, nil
	}, func(row) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(asked) != 11 || slices.Contains(asked, "porcupine 100,000 20") {
		t.Errorf("asked %q, want all but porcupine about 100,000 operations of 20 clients", asked)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.String())
	}
	want := []string{
		"| 1,000 | 1 | 5 | 0 % | stale read | 1.00 ms | 5 MiB | 1.00 ms | 5 MiB |",
		"| 10,000 | 1 | 5 | 0 % | stale read | 1.00 ms | 5 MiB | 1.00 ms | 5 MiB |",
		"| 100,000 | 1 | 5 | 0 % | stale read | 1.00 ms | 5 MiB | 1.00 ms | 5 MiB |",
		"| 1,000 | 1 | 20 | 0 % | stale read | 1.00 ms | 5 MiB | 1.00 ms | 5 MiB |",
		"| 10,000 | 1 | 20 | 0 % | stale read | 1.00 ms | 5 MiB | > 4 GiB | > 4 GiB |",
		"| 100,000 | 1 | 20 | 0 % | stale read | 1.00 ms | 5 MiB | (> 4 GiB at 1e4) |  |",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	const worst = "- 10,000 operations: lsfr decided 2 of 2, in at most 1.00 ms (1 key, 20 clients, 0 % unknown, stale read) and 5 MiB (1 key, 20 clients, 0 % unknown, stale read); " +
		"porcupine decided 1 of 2, in at most 1.00 ms (1 key, 5 clients, 0 % unknown, stale read) and 5 MiB (1 key, 5 clients, 0 % unknown, stale read).\n"
	if s := summary(rows); !strings.Contains(s, worst) || strings.Count(s, "\n") != 3 {
		t.Errorf("the summary is\n%swant in it\n%s", s, worst)
	}
}

func TestAWrongVerdictAndAFailureAreErrorsAndCostOnlyTheirOwnCell(t *testing.T) {
	broken := errors.New("out of paper")
	rows, err := compare(t.Context(), twoShapes(), func(_ context.Context, j job) (outcome, error) {
		switch {
		case j.Engine == engineLsfr && j.Config.Operations == 10_000 && j.Config.Clients == 5:
			return outcome{Status: "valid", Took: time.Second}, nil
		case j.Engine == enginePorcupine && j.Config.Operations == 1_000 && j.Config.Clients == 20:
			return outcome{}, broken
		}
		return outcome{Status: "invalid", Took: time.Second}, nil
	}, func(row) {})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "calls the history valid") {
		t.Errorf("got the error %v, want both", err)
	}
	if len(rows) != 6 {
		t.Fatalf("%d rows, want 6", len(rows))
	}
	if got := rows[1].lsfr.time(); got != "**wrong: valid**" {
		t.Errorf("the wrong verdict is shown as %q", got)
	}
	if got := rows[3].porcupine.time(); got != "**failed**" {
		t.Errorf("the failure is shown as %q", got)
	}
	for i, r := range rows {
		if i != 1 && r.lsfr.time() != "1.00 s" || i != 3 && r.porcupine.time() != "1.00 s" {
			t.Errorf("row %d is damaged: %s", i, r)
		}
	}
}

func TestCancellingEndsTheComparison(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rows, _ := compare(ctx, twoShapes(), func(_ context.Context, j job) (outcome, error) {
		if j.Config.Operations == 10_000 {
			cancel()
		}
		return outcome{Status: "invalid"}, ctx.Err()
	}, func(row) {})
	if len(rows) != 1 {
		t.Errorf("%d rows after cancelling during the second, want 1", len(rows))
	}
}

func TestTimesAndSizesAreShownShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "< 1 µs", 1500 * time.Nanosecond: "1.50 µs", 399 * time.Microsecond: "399 µs",
		2440 * time.Microsecond: "2.44 ms", 29160 * time.Microsecond: "29.2 ms", 9960 * time.Microsecond: "10.0 ms",
		269 * time.Millisecond: "269 ms", 1234 * time.Millisecond: "1.23 s", 20 * time.Second: "20.0 s",
	} {
		if got := seconds(d); got != want {
			t.Errorf("%v is shown as %q, want %q", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "< 1 MiB", mib - 1: "< 1 MiB", mib: "1 MiB", 3*mib/2 + 1: "2 MiB", 5 * gib: "5120 MiB"} {
		if got := mebibytes(n); got != want {
			t.Errorf("%d bytes are shown as %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{1: "1", 999: "999", 1_000: "1,000", 1_000_000: "1,000,000"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is shown as %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{1_000: "1e3", 1_000_000: "1e6", 2_000: "2,000", 5: "5"} {
		if got := power(n); got != want {
			t.Errorf("%d is shown as %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{20 * time.Second: "20 s", 300 * time.Millisecond: "300ms"} {
		if got := limit(d); got != want {
			t.Errorf("the bound %v is shown as %q, want %q", d, got, want)
		}
	}
}

func TestACellSaysWhichBoundEndedIt(t *testing.T) {
	bounds := Bounds{20 * time.Second, 4 * gib}
	slow := outcome{Took: 20 * time.Second, Base: 100 * mib, Peak: 300 * mib, Exceeded: timeExceeded}
	for _, test := range []struct {
		cell         cell
		time, memory string
	}{
		{cell{outcome: slow, bounds: bounds}, "> 20 s", "> 200 MiB"},
		{cell{outcome: slow, bounds: bounds, skipped: 100_000}, "(> 20 s at 1e5)", ""},
		{cell{outcome: outcome{Took: time.Second, Peak: mib, Base: 2 * mib}, bounds: bounds}, "1.00 s", "< 1 MiB"},
		{cell{failed: true}, "**failed**", ""},
	} {
		if time, memory := test.cell.time(), test.cell.memory(); time != test.time || memory != test.memory {
			t.Errorf("%+v: got %q and %q, want %q and %q", test.cell, time, memory, test.time, test.memory)
		}
	}
}
