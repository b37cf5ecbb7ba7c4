// Package watch tells when the files of a folder change: those that people write, not
// what .gitignore names.
package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quietTime is how long nothing must happen until changes are told, and longestTime
	// how long they wait for that at most.
	quietTime   = 200 * time.Millisecond
	longestTime = 2 * time.Second
	// pollTime is how often the folder is looked at where there are no events.
	pollTime = time.Second
)

// Watcher watches a folder until Close.
type Watcher struct {
	root   string
	out    chan []Change
	events *fsnotify.Watcher // nil if it polls
	now    *snapshot
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	polling string
}

// New watches the folder dir for changes from now on. Where the file system does not
// tell of changes, or with poll, it looks at the folder every second.
func New(dir string, poll bool) (*Watcher, error) {
	root, err := filepath.EvalSymlinks(dir) // links below are not followed, but this may be one
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	w := &Watcher{root: root, out: make(chan []Change), now: &snapshot{}}
	if poll {
		w.polling = "as --poll says"
	} else if system := eventless(root); system != "" {
		w.polling = fmt.Sprintf("this is on %s, which does not tell of all changes", system)
	} else if w.events, err = fsnotify.NewWatcher(); err != nil {
		w.polling = fmt.Sprintf("the system does not tell of changes: %v", err)
	}
	w.rescan()
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.ended.Go(func() { w.loop(ctx) })
	return w, nil
}

// Polling says why the folder is looked at every second; empty if the system tells of
// changes. That may end while it watches.
func (w *Watcher) Polling() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.polling
}

// Changes sends what has changed, by name, since it last did or since New.
func (w *Watcher) Changes() <-chan []Change { return w.out }

// Close ends watching.
func (w *Watcher) Close() error {
	w.cancel()
	w.ended.Wait()
	if w.events == nil {
		return nil
	}
	return w.events.Close()
}

func (w *Watcher) loop(ctx context.Context) {
	rest := newDebouncer(quietTime, longestTime)
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	var pending []Change
	for {
		var events <-chan fsnotify.Event
		var problems <-chan error
		var poll <-chan time.Time
		if w.events != nil {
			events, problems = w.events.Events, w.events.Errors
		} else {
			poll = tick.C
		}
		var out chan<- []Change
		if len(pending) > 0 {
			out = w.out
		}
		select {
		case <-ctx.Done():
			return
		case out <- pending:
			pending = nil
		case e := <-events:
			if w.matters(e.Name) {
				rest.event()
			}
		case <-problems: // some events are lost
			rest.event()
		case <-rest.rest():
			rest.told()
			pending = union(pending, w.rescan())
		case <-poll:
			pending = union(pending, w.rescan())
		}
	}
}

// matters reports whether what happened to a path may be a change.
func (w *Watcher) matters(path string) bool {
	name, err := filepath.Rel(w.root, path)
	if err != nil {
		return true
	}
	name = filepath.ToSlash(name)
	rules, ok := w.now.folders[filepath.ToSlash(filepath.Dir(name))]
	return !ok || !rules.match(name, false) || !rules.match(name, true)
}

// rescan looks at the folder again, and returns what has changed. New folders are
// watched, and then looked at once more: what came into them before is not told.
func (w *Watcher) rescan() []Change {
	before := w.now
	for {
		now := scan(w.root, w.now)
		fresh := false
		for name := range now.folders {
			_, known := w.now.folders[name]
			fresh = fresh || !known
			// Also those that are known: one of the same name may have taken its place.
			w.add(name)
		}
		w.now = now
		if !fresh {
			return changes(before, now)
		}
	}
}

// add watches a folder, or gives up watching for polling: part of the events are
// worse than none.
func (w *Watcher) add(folder string) {
	if w.events == nil {
		return
	}
	err := w.events.Add(filepath.Join(w.root, filepath.FromSlash(folder)))
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	}
	_ = w.events.Close() // what it cannot end, ends with the process
	w.events = nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling = fmt.Sprintf("the system watches no more folders: %v", err)
}

// union adds changes of files; the later one of a file counts.
func union(a, b []Change) []Change {
	out := slices.DeleteFunc(slices.Clone(a), func(old Change) bool {
		return slices.ContainsFunc(b, func(c Change) bool { return c.Name == old.Name })
	})
	out = append(out, b...)
	slices.SortFunc(out, byName)
	return out
}

func byName(a, b Change) int { return cmp.Compare(a.Name, b.Name) }
