package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/watch"
)

// watchFlags are those of lsfr test --watch.
type watchFlags struct {
	on, poll bool
	// built is told when run.sh has built what it builds; nil for nobody.
	built func()
}

func (f *watchFlags) register(fl *pflag.FlagSet) {
	fl.BoolVar(&f.on, "watch", false, "run it again when files of the folder change, with --fail-fast")
	fl.BoolVar(&f.poll, "poll", false, "with --watch: look for changes every second, where the system does not tell of them")
}

func (f *watchFlags) validate(t *testFlags) error {
	switch {
	case f.poll && !f.on:
		return usagef("--poll goes with --watch")
	case f.on && (t.json || t.junit != "" || t.plan || t.repeated.on()):
		return usagef("--watch goes without --json, --junit, --plan, --times and --until-failure")
	}
	return nil
}

// errChanged ends a run whose program has changed meanwhile.
var errChanged = errors.New("files have changed")

// watching is lsfr test --watch.
type watching struct {
	*app
	flags   *testFlags
	args    []string
	watcher *watch.Watcher
	con     *console
	// ended counts for each file how many runs in a row it has ended by changing.
	ended map[string]int
	// polling is what was said of that.
	polling string

	mu    sync.Mutex
	built time.Time // when run.sh had built; zero while it may be building
}

func (a *app) watch(ctx context.Context, f *testFlags, args []string) (err error) {
	if _, _, _, err := f.choose(args); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	w := &watching{app: a, flags: f, args: args, con: a.console(false, f.dir), ended: make(map[string]int)}
	f.failFast = true // the quick checks come first
	f.watch.built = func() { w.setBuilt(time.Now()) }
	if w.watcher, err = watch.New(f.dir, f.watch.poll); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.watcher.Close()) }()
	for {
		changed, err := w.run(ctx)
		if ctx.Err() == nil && err != nil {
			if code := a.exitCode(err); code != exitUsage { // else the next change may mend it
				return exit{code}
			}
		}
		if ctx.Err() == nil && changed == nil {
			w.sayPolling()
			w.con.printf("waiting for changes; Ctrl-C ends it\n")
			for ctx.Err() == nil && len(changed) == 0 {
				select {
				case changes := <-w.watcher.Changes():
					changed = w.written(changes)
				case <-ctx.Done():
				}
			}
		}
		if ctx.Err() != nil {
			return exit{exitInterrupted}
		}
		w.con.printf("\n%s\n\n", w.con.style.bold.Sprint(named(changed)+" changed"))
	}
}

// sayPolling says once why the folder is looked at every second.
func (w *watching) sayPolling() {
	if why := w.watcher.Polling(); why != w.polling {
		w.polling = why
		w.con.printf("looking for changes every second: %s\n", why)
	}
}

// run runs the test once. If files change meanwhile it ends, and returns those.
func (w *watching) run(parent context.Context) (changed []watch.Change, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	w.setBuilt(time.Time{})
	con := w.console(false, w.flags.dir)
	var done sync.WaitGroup
	ended := make(chan struct{})
	done.Go(func() {
		defer close(ended)
		err = w.judgeOnce(ctx, con)
	})
	for {
		select {
		case <-ended:
			done.Wait()
			w.ended = make(map[string]int)
			return nil, err
		case changes := <-w.watcher.Changes():
			if changed = w.written(changes); len(changed) == 0 {
				continue
			}
			con.mute()
			cancel(errChanged)
			done.Wait()
			w.count(changed)
			if errors.Is(err, errChanged) || errors.Is(err, context.Canceled) || parent.Err() != nil {
				err = nil
			}
			return changed, err
		}
	}
}

// judgeOnce judges what lsfr.yaml and the flags say now.
func (w *watching) judgeOnce(ctx context.Context, con *console) error {
	f := w.flags
	space, c, stages, err := f.choose(w.args)
	if err != nil {
		return err
	}
	if !f.seeded {
		f.seed = newSeed()
	}
	release, err := space.Lock()
	if err != nil {
		return err
	}
	defer release()
	results, err := w.runAll(ctx, f, space, c, stages, con)
	if err != nil {
		return err
	}
	last := stages[len(stages)-1].Name
	passed := results[len(results)-1].Status == report.Passed
	if ctx.Err() == nil && passed && last == space.Config.Stage && last != c.Stages[len(c.Stages)-1].Name {
		w.whatNext(f)
	}
	return nil
}

func (w *watching) setBuilt(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.built = at
}

// written leaves out what run.sh has built: what is no text, and was written before the
// first node answered.
func (w *watching) written(changes []watch.Change) []watch.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []watch.Change
	for _, c := range changes {
		if !c.Binary || !w.built.IsZero() && c.Modified.After(w.built) {
			out = append(out, c)
		}
	}
	return out
}

// suspicious is how many runs in a row a file may end before that is mentioned.
const suspicious = 3

// count warns of a file that changes in each run: run.sh or a node may write it.
func (w *watching) count(changed []watch.Change) {
	ended := make(map[string]int)
	for _, c := range changed {
		ended[c.Name] = w.ended[c.Name] + 1
		if ended[c.Name] == suspicious {
			fmt.Fprintf(w.stderr, "lsfr: %s has changed during each of the last %d runs; if your program or run.sh writes it, name it in .gitignore\n", c.Name, suspicious)
		}
	}
	w.ended = ended
}

// named names what has changed, and no more than fits in a line.
func named(changed []watch.Change) string {
	const most = 3
	text := ""
	for i, c := range changed {
		switch {
		case i == most:
			return fmt.Sprintf("%s and %d more", text, len(changed)-most)
		case i > 0:
			text += ", "
		}
		text += visible(c.Name)
	}
	return text
}
