package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/simulate"
)

// The test binary is the program that children start again.
func TestMain(m *testing.M) {
	if childCommand(os.Args[1:]) != nil {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// hopeless is a history that porcupine searches for minutes.
func hopeless() simulate.Config {
	return shape{keys: 1, clients: 50, unknown: 0.1}.config(5000)
}

func TestBothEnginesDecideInAChild(t *testing.T) {
	for _, engine := range []string{engineLsfr, enginePorcupine} {
		for _, defect := range []simulate.Defect{simulate.Correct, simulate.StaleRead, simulate.LostWrite} {
			cfg := shape{keys: 20, clients: 5, defect: defect}.config(1000)
			o, err := inChild(t.Context(), job{Engine: engine, Config: cfg, Bounds: Bounds{time.Minute, 4 * gib}})
			if err != nil {
				t.Fatalf("%s, %s: %v", engine, defect, err)
			}
			if o.Status != expected(defect) || o.Exceeded != none {
				t.Errorf("%s calls a history with a %s %q, exceeded %q", engine, defect, o.Status, o.Exceeded)
			}
			if o.Took <= 0 || o.Base == 0 || o.Peak < o.Base {
				t.Errorf("%s, %s: took %s, peak memory %d after %d", engine, defect, o.Took, o.Peak, o.Base)
			}
		}
	}
}

func TestABoundEndsAHopelessSearch(t *testing.T) {
	for _, test := range []struct {
		name   string
		bounds Bounds
		want   bound
	}{
		{"time", Bounds{time.Millisecond, 64 * gib}, timeExceeded},
		{"memory", Bounds{10 * time.Minute, 1}, tooMuch},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := inChild(t.Context(), job{Engine: enginePorcupine, Config: hopeless(), Bounds: test.bounds})
			if err != nil {
				t.Fatal(err)
			}
			if o.Exceeded != test.want || o.Status != "" {
				t.Errorf("exceeded %q with the status %q, want %q and none", o.Exceeded, o.Status, test.want)
			}
		})
	}
}

func TestAChildThatDoesNotEndIsKilled(t *testing.T) {
	endless := job{Engine: enginePorcupine, Config: hopeless(), Bounds: Bounds{time.Hour, 64 * gib}}
	var o outcome
	err := child(t.Context(), 200*time.Millisecond, measureArgument, endless, &o)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestAChildThatFailsSaysWhy(t *testing.T) {
	for _, j := range []job{
		{Engine: "oracle", Config: simulate.Config{Operations: 10}},
		{Engine: engineLsfr, Config: simulate.Config{Operations: 1, Defect: simulate.LostWrite}},
		{Engine: engineLsfr, Config: simulate.Config{Operations: 10}, Variant: "upside down"},
	} {
		_, err := inChild(t.Context(), j)
		if err == nil || !strings.Contains(err.Error(), "benchmark measure: ") {
			t.Errorf("%+v: got %v, want the child's own words", j, err)
		}
	}
}

func TestEveryShapeOfThePlansHasAHistory(t *testing.T) {
	p := full()
	quick := small()
	if n := len(p.shapes()) * len(p.operations); n != 216 {
		t.Errorf("the full plan has %d histories, want 216", n)
	}
	least := p.operations[0]
	for _, s := range append(p.shapes(), quick.shapes()...) {
		if simulate.History(s.config(least)) == nil {
			t.Errorf("%s: no history of %d operations", s, least)
		}
	}
}

func TestVariantsOfCorrectHistoriesStayCorrect(t *testing.T) {
	for _, v := range []variant{asGenerated, concurrent, repeated} {
		for _, engine := range []string{engineLsfr, enginePorcupine} {
			for seed := range uint64(20) {
				j := job{
					Engine: engine, Variant: v, Bounds: Bounds{Time: time.Minute},
					Config: simulate.Config{Operations: 12, Keys: 1, Clients: 3, Unknown: 0.1, Seed: seed},
				}
				decide, err := prepare(j)
				if err != nil {
					t.Fatal(err)
				}
				var o outcome
				if err := decide(&o); err != nil {
					t.Fatal(err)
				}
				if o.Status == "invalid" {
					t.Errorf("seed %d: %s calls the variant %q invalid", seed, engine, v)
				}
			}
		}
	}
}

func TestVariantsAreWhatTheySay(t *testing.T) {
	h := simulate.History(simulate.Config{Operations: 500, Keys: 1, Clients: 5})
	if err := concurrent.change(h); err != nil {
		t.Fatal(err)
	}
	last := h.Operations[len(h.Operations)-1].Call
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Return < last || o.Client != i {
			t.Fatalf("operation %d does not overlap with the last one, called at %d: %+v", i, last, o)
		}
	}
	if err := repeated.change(h); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]bool)
	for i := range h.Operations {
		if o := &h.Operations[i]; o.Kind == history.Put {
			values[o.Value] = true
		}
	}
	if len(values) != different {
		t.Errorf("%d values, want %d", len(values), different)
	}
}

func TestPorcupineGetsEverythingButWhatSaysNothing(t *testing.T) {
	h := &history.History{Operations: []history.Operation{
		{Kind: history.Put, Key: "a", Value: "1", Outcome: history.OK, Call: 1, Return: 2},
		{Kind: history.Put, Key: "b", Value: "2", Outcome: history.Unknown, Call: 3},
		{Kind: history.Put, Key: "a", Value: "3", Outcome: history.Failed, Call: 4, Return: 5},
		{Kind: history.Get, Key: "a", Outcome: history.Unknown, Call: 6},
		{Kind: history.Get, Key: "a", Value: "1", Present: true, Outcome: history.OK, Call: 7, Return: 8},
		{Kind: history.Delete, Key: "b", Outcome: history.OK, Call: 9, Return: 10},
		{Kind: history.Get, Key: "b", Outcome: history.OK, Call: 11, Return: 12},
	}}
	type seen struct {
		in        plainInput
		call, ret int64
	}
	var got []seen
	for _, o := range plainOperations(h) {
		got = append(got, seen{*o.Input.(*plainInput), o.Call, o.Return})
	}
	const open = 1<<63 - 1
	want := []seen{
		{plainInput{0, false, int32(1)}, 1, 2},
		{plainInput{1, false, int32(2)}, 3, open},
		{plainInput{0, true, int32(1)}, 7, 8},
		{plainInput{1, false, absent}, 9, 10},
		{plainInput{1, true, absent}, 11, 12},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAHistoryIsWrittenAsAFileThatCanBeReadAgain(t *testing.T) {
	w := writing{Config: shape{keys: 3, clients: 5, unknown: 0.1}.config(200), File: filepath.Join(t.TempDir(), "history.json")}
	in, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := writeCommand(bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(w.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := history.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := simulate.History(w.Config); !reflect.DeepEqual(h.Operations, want.Operations) {
		t.Error("the file holds other operations than were generated")
	}
	for ending, magic := range map[string]string{gzipped: "\x1f\x8b", zstdPacked: "\x28\xb5\x2f\xfd"} {
		data, err := os.ReadFile(w.File + ending)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte(magic)) {
			t.Errorf("%s begins with % x", ending, data[:4])
		}
	}
}

func TestCheckingAFileAsAWholeTellsTimeAndMemoryOrWhatWentWrong(t *testing.T) {
	folder := t.TempDir()
	script := func(name, text string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	input := script("history.json", "not looked at")
	line, err := checkWhole(t.Context(), script("good", `[ "$1" = check ] && [ -r "$2" ]`), input, 2)
	if cells := strings.Split(line, " | "); err != nil || len(cells) != 3 || cells[0] != "< 1 MiB" || cells[1] == "" || cells[2] == "" {
		t.Errorf("a check that succeeds: %q, %v", line, err)
	}
	line, err = checkWhole(t.Context(), script("bad", "echo it is broken >&2; exit 1"), input, 2)
	if err == nil || !strings.Contains(err.Error(), "it is broken") || !strings.Contains(line, "**failed**") {
		t.Errorf("a check that fails: %q, %v", line, err)
	}
}

func TestUnknownArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-fast"}, {"everything"}, {"-time-cap", "-1s"}} {
		var out, problem bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &problem); code != 2 || problem.Len() == 0 || out.Len() > 0 {
			t.Errorf("%q: code %d, said %q, printed %q", args, code, problem.String(), out.String())
		}
	}
}
