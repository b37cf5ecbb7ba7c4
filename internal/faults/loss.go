package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// How many files, and how many names, are told of a node: more if it is the only one.
const toldAlone, toldOfMany = 3, 1

// losses collects what losses of power took.
type losses struct {
	mu sync.Mutex
	by map[string]disk.Loss // by node
}

func (l *losses) add(node string, loss disk.Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = make(map[string]disk.Loss)
	}
	l.by[node] = loss
}

// detail says which files were not durable, and what became of them: it is where the
// learner has to look.
func (l *losses) detail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := toldAlone
	if len(l.by) > 1 {
		told = toldOfMany
	}
	var out []string
	for node, loss := range l.by {
		if loss.Writes+loss.Names == 0 {
			continue
		}
		text := describeLoss(loss, told)
		if len(l.by) > 1 {
			text = node + ": " + text
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "everything was durable"
	}
	slices.Sort(out)
	return "not durable: " + strings.Join(out, "; ")
}

func describeLoss(l disk.Loss, told int) string {
	var out []string
	files := slices.SortedStableFunc(slices.Values(l.Files), func(a, b disk.FileLoss) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, f := range files[:min(len(files), told)] {
		out = append(out, fmt.Sprintf("%s to %s (%s)", counted(f.Writes, "write"), f.Path, fate(f)))
	}
	if more := len(files) - told; more > 0 {
		out = append(out, counted(more, "more file"))
	}
	if l.Names > 0 {
		text := counted(l.Names, "name")
		if l.NamesLost > 0 {
			text += fmt.Sprintf(", of which %d lost (%s", l.NamesLost, strings.Join(l.Lost[:min(len(l.Lost), told)], ", "))
			if l.NamesLost > told {
				text += ", …"
			}
			text += ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func fate(f disk.FileLoss) string {
	switch {
	case f.Gone:
		return "the file is gone"
	case f.Bytes == 0:
		return string(f.Kind)
	case f.Kept == 0:
		return "nothing kept"
	case f.Kept >= f.Bytes:
		return "all kept"
	}
	return fmt.Sprintf("%s of %s kept", size(f.Kept), size(f.Bytes))
}
