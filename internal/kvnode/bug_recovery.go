package kvnode

import (
	"encoding/binary"
	"errors"
	"time"
)

// Mistakes in the recovery.
const (
	replayStopsAtDuplicate bug = "replay-stops-at-duplicate"
	expiresOnRestart       bug = "expires-on-restart"
	tornTailKept           bug = "torn-tail-kept"
	halfValue              bug = "half-value"
	tornTailFatal          bug = "torn-tail-fatal"
	lineLimit64k           bug = "line-limit-64k"
	servesBeforeReplay     bug = "serves-before-replay"
)

const (
	keptKeys         = 100
	recordLimitBytes = 64 << 10
	// Replay takes half a second, however short the log is, so that clients come while it runs.
	slowReplaySteps = 20
	slowReplayPause = 25 * time.Millisecond
)

// misread changes what the scan of a segment has found.
func (b bug) misread(data []byte, found scanned) (scanned, error) {
	if !found.torn {
		return found, nil
	}
	switch b {
	case tornTailKept:
		found.torn = false
	case halfValue, noChecksum:
		if r, ok := halfRecord(data[found.whole:]); ok {
			found.records = append(found.records, r)
		}
	case tornTailFatal:
		return scanned{}, errors.New("the log is corrupt")
	}
	return found, nil
}

// halfRecord reads a put that is cut short somewhere in its value.
func halfRecord(tail []byte) (record, bool) {
	if len(tail) < frameBytes || int64(binary.LittleEndian.Uint32(tail)) <= int64(len(tail)-frameBytes) {
		return record{}, false
	}
	r, ok := decodePayload(tail[frameBytes:])
	return r, ok && r.op == opPut && r.value != ""
}

// misreplay is what the replay makes of the log's records.
func (b bug) misreplay(dir string, records []record) []record {
	switch b {
	case replayStopsAtDuplicate:
		seen := make(map[string]bool)
		for i, r := range records {
			if seen[r.key] {
				return records[:i]
			}
			seen[r.key] = true
		}
	case lineLimit64k:
		for i, r := range records {
			if len(r.key)+len(r.value) > recordLimitBytes {
				return records[:i]
			}
		}
	case bigValuesAsync:
		return loadSideFiles(dir, records)
	}
	return records
}

// toleratesGaps says that recovery does not miss segments: the bug has made the gap itself.
func (b bug) toleratesGaps() bool { return b == truncateBeforeSnapshot || b == snapshotInPlace }

func (b bug) breaksRecovery() bool {
	return b == servesBeforeReplay || b == expiresOnRestart || b == snapshotKeepsDeleted
}

// recoverWrongly applies the records to memory.
func (b *engineBugs) recoverWrongly(records []record) {
	e := b.engine
	if e.bug == servesBeforeReplay {
		b.replayed = make(chan struct{})
		go b.replaySlowly(records)
		return
	}
	for _, r := range records {
		apply(e.values, r)
	}
	switch e.bug {
	case expiresOnRestart:
		expireOldest(e.values, records)
	case snapshotKeepsDeleted:
		for key, value := range e.values {
			b.ghosts[key] = value
		}
	}
}

// expireOldest leaves the keys that were written last; those that only the snapshot has are the oldest.
func expireOldest(values map[string]string, records []record) {
	kept := make(map[string]bool)
	for i := len(records) - 1; i >= 0 && len(kept) < keptKeys; i-- {
		if _, ok := values[records[i].key]; ok {
			kept[records[i].key] = true
		}
	}
	for key := range values {
		if !kept[key] && len(kept) < keptKeys {
			kept[key] = true
		}
		if !kept[key] {
			delete(values, key)
		}
	}
}

func (b *engineBugs) replaySlowly(records []record) {
	defer close(b.replayed)
	if len(records) == 0 {
		return
	}
	for step := range slowReplaySteps {
		time.Sleep(slowReplayPause)
		b.engine.mu.Lock()
		for _, r := range records[len(records)*step/slowReplaySteps : len(records)*(step+1)/slowReplaySteps] {
			apply(b.engine.values, r)
		}
		b.engine.mu.Unlock()
	}
}
