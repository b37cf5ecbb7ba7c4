package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/simulate"
)

// writing is what a child reads: a history, and the file to write it to.
type writing struct {
	Config simulate.Config
	File   string
}

// The endings of the files that a history is written to, beside File itself.
const (
	gzipped    = ".gz"
	zstdPacked = ".zst"
)

// printWholeProcess measures lsfr check as its user sees it: start, read, judge,
// print. The files are written by a child, because a process starts with the peak
// memory of the one that started it (Linux), and this one has to stay small.
func printWholeProcess(ctx context.Context, p plan, stdout, stderr io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "lsfr-benchmark-")
	if err != nil {
		return fmt.Errorf("make a folder for histories: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	binary := filepath.Join(folder, "lsfr")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/st3v3nmw/lsfr/cmd/lsfr").CombinedOutput(); err != nil {
		fmt.Fprintln(stdout, "Not measured: cmd/lsfr does not build.")
		return fmt.Errorf("build lsfr: %w: %s", err, lastLine(out))
	}
	fmt.Fprintf(stdout, "%s operations, 20 clients, no unknown outcomes. Runs of each file, right after it was written: %d.\n\n",
		thousands(p.wholeOperations), p.wholeRuns)
	fmt.Fprintln(stdout, `| keys | file | size | time | peak memory |
| ---: | --- | ---: | ---: | ---: |`)
	var errs []error
	for _, keys := range p.wholeKeys {
		file := filepath.Join(folder, "history.json")
		w := writing{Config: shape{keys: keys, clients: 20}.config(p.wholeOperations), File: file}
		if err := child(ctx, grace, writeArgument, w, &struct{}{}); err != nil {
			return err
		}
		for _, ending := range []string{"", gzipped, zstdPacked} {
			line, err := checkWhole(ctx, binary, file+ending, p.wholeRuns)
			if err != nil {
				errs = append(errs, err)
			}
			fmt.Fprintf(stdout, "| %d | %s | %s |\n", keys, filepath.Base(file)+ending, line)
			fmt.Fprintf(stderr, "judged %s with %d keys\n", filepath.Base(file)+ending, keys)
		}
	}
	return errors.Join(errs...)
}

// checkWhole runs lsfr check on a file, and returns the last cells of its row.
func checkWhole(ctx context.Context, binary, file string, runs int) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "**failed** | |", fmt.Errorf("measure lsfr check: %w", err)
	}
	size := mebibytes(uint64(info.Size()))
	var times []time.Duration
	var peak uint64
	for range runs {
		cmd := exec.CommandContext(ctx, binary, "check", file)
		began := time.Now()
		out, err := cmd.CombinedOutput()
		times = append(times, time.Since(began))
		if err != nil {
			return size + " | **failed** | ", fmt.Errorf("lsfr check %s: %w: %s", filepath.Base(file), err, lastLine(out))
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, maxResident(usage))
		}
	}
	spread := seconds(slices.Min(times))
	if longest := seconds(slices.Max(times)); longest != spread {
		spread += " to " + longest
	}
	return fmt.Sprintf("%s | %s | %s", size, spread, mebibytes(peak)), nil
}

// writeCommand writes a history plain, gzipped and zstd packed, in one pass.
func writeCommand(stdin io.Reader, stdout io.Writer) (err error) {
	var w writing
	if err := json.NewDecoder(stdin).Decode(&w); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	h := simulate.History(w.Config)
	if h == nil {
		return fmt.Errorf("no place for a %s in %d operations", w.Config.Defect, w.Config.Operations)
	}
	var files [3]*os.File
	for i, ending := range []string{"", gzipped, zstdPacked} {
		if files[i], err = os.Create(w.File + ending); err != nil {
			return fmt.Errorf("write a history: %w", err)
		}
		defer func() { err = errors.Join(err, files[i].Close()) }()
	}
	gz := gzip.NewWriter(files[1])
	zst, err := zstd.NewWriter(files[2])
	if err != nil {
		return fmt.Errorf("write a history: %w", err)
	}
	if err := history.Encode(io.MultiWriter(files[0], gz, zst), h); err != nil {
		return err //nolint:wrapcheck // it says what it did
	}
	if err := errors.Join(gz.Close(), zst.Close()); err != nil {
		return fmt.Errorf("write a history: %w", err)
	}
	_, err = io.WriteString(stdout, "{}\n")
	return err //nolint:wrapcheck // it names the file
}
