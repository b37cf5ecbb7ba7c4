package kvnode

import "errors"

// A store keeps the data behind the HTTP handlers. It is safe for concurrent use.
type store interface {
	// get returns the key's value, and whether it has one.
	get(key string) (string, bool)
	// write carries out a put, a delete or a clear. It returns once the change is durable and visible;
	// after an error the change may or may not have happened, now or after a restart.
	write(r record) error
	// close ends the store after the last write has returned.
	close() error
}

// errClosed is returned for a write to a store that is being closed.
var errClosed = errors.New("the store is closed")

// openStore opens the data in dir: the correct engine, or what the bug has in its place.
func openStore(dir string, b bug, logf logFunc) (store, error) {
	switch b {
	case memoryOnly:
		return newMemoryStore(), nil
	case mapCopyRace:
		return newMapCopyStore(), nil
	case tornValue:
		return newChunkStore(), nil
	case slowApply:
		return newSlowStore(), nil
	case lazySave, snapshotBeforeDrain:
		return openSavingStore(dir, b, logf)
	case keepsOneRun:
		return openOneRunStore(dir, logf)
	}
	e, err := openEngine(dir, b, logf)
	if err != nil {
		return nil, err
	}
	switch b {
	case staleCache, cacheMissesDelete:
		return newCacheStore(e, b), nil
	}
	return e, nil
}

// A logFunc writes one line to the node's log.
type logFunc func(format string, args ...any)
