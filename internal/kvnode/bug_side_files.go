package kvnode

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const bigValuesAsync bug = "big-values-async"

const (
	bigValueBytes = 64 << 10
	// sideFileDelay makes it likely that a kill finds a file missing, although large values are few.
	sideFileDelay = 300 * time.Millisecond
)

// sideFiles counts the files with large values, and waits for those still to be written.
type sideFiles struct {
	count   int
	pending sync.WaitGroup
}

func sideFileName(segment, count int) string { return fmt.Sprintf("value-%06d-%06d", segment, count) }

// divert puts references in the place of large values, which a goroutine writes to their files later.
func (b *engineBugs) divert(records []record) []record {
	for i, r := range records {
		if r.op != opPut || len(r.value) <= bigValueBytes {
			continue
		}
		name := b.nextSideFile()
		records[i] = record{op: opPutSide, key: r.key, value: name}
		b.side.pending.Go(func() {
			time.Sleep(sideFileDelay)
			if err := os.WriteFile(filepath.Join(b.engine.dir, name), []byte(r.value), 0o644); err != nil {
				b.engine.logf("write a large value: %v", err)
			}
		})
	}
	return records
}

// nextSideFile finds a name that no earlier run has used for this segment.
func (b *engineBugs) nextSideFile() string {
	for {
		b.side.count++
		name := sideFileName(b.engine.log.number, b.side.count)
		if _, err := os.Lstat(filepath.Join(b.engine.dir, name)); err != nil {
			return name
		}
	}
}

// loadSideFiles puts the values back in the place of their references. It gives up at the first that is
// missing, and what was logged after it is lost too.
func loadSideFiles(dir string, records []record) []record {
	for i, r := range records {
		if r.op != opPutSide {
			continue
		}
		value, err := os.ReadFile(filepath.Join(dir, r.value))
		if err != nil {
			return records[:i]
		}
		records[i] = record{op: opPut, key: r.key, value: string(value)}
	}
	return records
}

// dropSideFiles removes those that belong to segments before first.
func dropSideFiles(dir string, first int) error {
	paths, err := filepath.Glob(filepath.Join(dir, "value-*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if filepath.Base(path) < sideFileName(first, 0) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
