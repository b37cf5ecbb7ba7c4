package kvnode

import (
	"fmt"
	"os"
	"time"
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

// recover loads the snapshot, replays the segments behind it and opens the last one for appending.
func (e *engine) recover() error {
	start := time.Now()
	s, size, err := loadSnapshot(e.dir, e.bug == snapshotInPlace)
	if err != nil {
		return err
	}
	// The last checkpoint may have been interrupted before it dropped all that it covers, and even before the
	// snapshot's new name was durable: it has to be before its log goes.
	if err := syncDir(e.dir); err != nil {
		return err
	}
	if err := dropBefore(e.dir, s.first); err != nil {
		return err
	}
	e.values, e.snapshotBytes, e.epoch = s.values, size, s.epoch
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

// replay reads the segments from first on. The last one may have a torn tail, records that were
// being written when the node died and that nobody was told are durable: it is cut off, so that new records
// do not end up behind it. Anything else that is not a whole record is damage, and only a person can decide
// what to do about it.
func (e *engine) replay(first int) ([]record, error) {
	numbers, err := segmentNumbers(e.dir)
	if err != nil {
		return nil, err
	}
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
	// Records may be there that the last run wrote but did not live to sync. They are about to be visible.
	if err := e.log.file.Sync(); err != nil {
		return nil, fmt.Errorf("sync the log: %w", err)
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
	if !found.torn {
		return found.records, nil
	}
	if !last {
		return nil, fmt.Errorf("the log segment %s is damaged at byte %d, and it is not the last one", path, found.whole)
	}
	e.logf("cutting a torn tail of %d bytes off %s", len(data)-found.whole, path)
	if err := truncate(path, int64(found.whole)); err != nil {
		return nil, fmt.Errorf("cut off a torn tail: %w", err)
	}
	return found.records, nil
}

// truncate cuts a file durably.
func truncate(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = file.Truncate(size)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
