package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/workspace"
	"github.com/st3v3nmw/lsfr/models"
)

// The exit codes; the README lists them.
const (
	exitPassed      = 0
	exitViolation   = 1
	exitUsage       = 2
	exitUnknown     = 3
	exitInternal    = 4
	exitInterrupted = 130
)

// exit is a result that was shown already; only the code is left.
type exit struct{ code int }

func (e exit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// usageError is something that the user can correct in the command line.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// exitCode shows an error and turns it into an exit code.
func (a *app) exitCode(err error) int {
	var done exit
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &done):
		return done.code
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "lsfr: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(a.stderr, "lsfr: %v\n", err)
	if node, ok := errors.AsType[*cluster.NodeError](err); ok {
		for _, line := range node.Details() {
			fmt.Fprintf(a.stderr, "      %s\n", line)
		}
	}
	if isUsage(err) {
		return exitUsage
	}
	fmt.Fprintln(a.stderr, "      this is a failure of lsfr or of this machine, not of your program")
	return exitInternal
}

// isUsage tells what the user can mend from what lsfr failed to do.
func isUsage(err error) bool {
	return is[usageError](err) || is[*challenges.UnknownStageError](err) || is[*models.UnknownModelError](err) || is[*models.KindError](err) ||
		is[*workspace.ConfigError](err) || is[*workspace.ExistsError](err) || is[*workspace.LockedError](err) ||
		is[*workspace.NotWritableError](err) || is[*workspace.UnknownRunError](err) || is[*workspace.NoRecordError](err) || is[*history.SyntaxError](err) || is[*cluster.NodeError](err) ||
		is[*fs.PathError](err) || errors.Is(err, syscall.ENOTDIR) // a file is where a folder should be
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// resultCode is the exit code of a run.
func resultCode(r *report.Result) int {
	switch {
	case r.Interrupted:
		return exitInterrupted
	case r.Status == report.Passed:
		return exitPassed
	case r.Status == report.Failed:
		return exitViolation
	}
	return exitUnknown
}
