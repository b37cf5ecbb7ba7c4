package kvnode

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// scanned is what a scan of a file found.
type scanned struct {
	records []record
	ends    []int // the offset behind each record
	whole   int   // bytes of whole records
	torn    bool  // there are more bytes, which are no record
}

// scan reads records until the first that is cut short or damaged.
func scan(data []byte, f format) scanned {
	var found scanned
	for found.whole < len(data) {
		r, size, err := f.decode(data[found.whole:])
		if err != nil {
			found.torn = true
			break
		}
		found.whole += size
		found.records = append(found.records, r)
		found.ends = append(found.ends, found.whole)
	}
	return found
}

// recover loads the snapshot, replays the segments behind it and opens the last one for appending. What is found may be
// less durable than it looks: the node may have died before a sync, or because one had failed. So whatever new records
// rely on is written again.
func (e *engine) recover() error {
	start := time.Now()
	s, size, err := loadSnapshot(e.dir, e.bug == snapshotInPlace)
	if err != nil {
		return err
	}
	if err := e.renewSnapshot(s); err != nil {
		return err
	}
	e.values, e.epoch = s.values, s.epoch
	e.snapshotBytes.Store(size)
	e.log = &segmentLog{dir: e.dir, bug: e.bug, format: e.bug.logFormat()}
	records, err := e.replay(s.first)
	if err != nil {
		return err
	}
	e.position = s.position + int64(len(records))
	if e.bug.breaksRecovery() {
		e.bugs.recoverWrongly(records)
	} else {
		for _, r := range records {
			apply(e.values, r)
		}
	}
	e.logf("loaded a snapshot of %d bytes and replayed %d records in %v", size, len(records), since(start))
	return nil
}

// renewSnapshot writes the snapshot again if it has replaced data of another history, by install, and segments from before
// are still there: without it, the records that follow would be read as the next ones of that history. A snapshot of the
// own history needs no such care, because the segments that it covers stay until the next one is durable.
func (e *engine) renewSnapshot(s snapshot) error {
	numbers, err := segmentNumbers(e.dir)
	if err != nil || s.epoch == "" || len(numbers) == 0 || numbers[0] >= s.first {
		return err
	}
	if _, err := s.save(e.dir); err != nil {
		return err
	}
	return dropBefore(e.dir, s.first)
}

// replay reads the segments from first on. The last one may have a torn tail, records that were
// being written when the node died and that nobody was told are durable: it is cut off, so that new records
// do not end up behind it. Anything else that is not a whole record is damage, and only a person can decide
// what to do about it.
func (e *engine) replay(first int) ([]record, error) {
	numbers, err := segmentNumbers(e.dir)
	if err != nil {
		return nil, err
	}
	numbers = slices.DeleteFunc(numbers, func(number int) bool { return number < first }) // The snapshot covers them.
	var records []record
	for i, number := range numbers {
		if want := first + i; number != want && !e.bug.toleratesGaps() {
			return nil, fmt.Errorf("the log segment %s is missing", segmentPath(e.dir, want))
		}
		found, err := e.replaySegment(number, i == len(numbers)-1)
		if err != nil {
			return nil, err
		}
		records = append(records, found...)
	}
	last := first
	if len(numbers) > 0 {
		last = numbers[len(numbers)-1]
	}
	if err := e.log.open(last); err != nil {
		return nil, err
	}
	return e.bug.misreplay(e.dir, records), nil
}

func (e *engine) replaySegment(number int, last bool) ([]record, error) {
	path := segmentPath(e.dir, number)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("replay the log: %w", err)
	}
	found, err := e.bug.misread(data, scan(data, e.log.format))
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", path, err)
	}
	e.log.bytes += int64(found.whole)
	switch {
	case !last && found.torn:
		return nil, fmt.Errorf("the log segment %s is damaged at byte %d, and it is not the last one", path, found.whole)
	case !last:
		return found.records, nil // It was durable before the next one was begun.
	case found.torn:
		e.logf("cutting a torn tail of %d bytes off %s", len(data)-found.whole, path)
		data = data[:found.whole]
	}
	if err := e.bug.renewSegment(path, data); err != nil {
		return nil, fmt.Errorf("make %s durable: %w", path, err)
	}
	return found.records, nil
}

// renewSegment makes what the last segment has durable: records may be there that the last run wrote but did not sync, and
// they are about to be visible. An empty one may be there whose name could not be synced; it is created anew.
func renewSegment(path string, data []byte) error {
	if len(data) == 0 {
		return os.Remove(path)
	}
	return durable.Rewrite(path, data)
}
