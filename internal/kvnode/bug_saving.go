package kvnode

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

const (
	lazySave            bug = "lazy-save"
	snapshotBeforeDrain bug = "snapshot-before-drain"
	keepsOneRun         bug = "keeps-one-run"
)

// oneRunStore saves at shutdown what was written since the start, over all that was there before: bug
// keeps-one-run.
type oneRunStore struct {
	*savingStore
	run *savingStore // what was written since the start
}

func openOneRunStore(dir string, logf logFunc) (*oneRunStore, error) {
	all, err := openSavingStore(dir, keepsOneRun, logf)
	if err != nil {
		return nil, err
	}
	return &oneRunStore{savingStore: all, run: &savingStore{memoryStore: newMemoryStore(), dir: dir}}, nil
}

func (s *oneRunStore) write(r record) error {
	return errors.Join(s.savingStore.write(r), s.run.write(r))
}

func (s *oneRunStore) close() error {
	return errors.Join(s.savingStore.close(), s.run.save())
}

// savingStore has no log: it is memory, saved as a whole every second (lazy-save) or when SIGTERM
// arrives (snapshot-before-drain; shutdown.run calls save).
type savingStore struct {
	*memoryStore
	dir     string
	closing chan struct{}
	closed  chan struct{}
}

func openSavingStore(dir string, b bug, logf logFunc) (*savingStore, error) {
	loaded, _, err := loadSnapshot(dir, false)
	if err != nil {
		return nil, err
	}
	s := &savingStore{
		memoryStore: &memoryStore{values: loaded.values},
		dir:         dir,
		closing:     make(chan struct{}),
		closed:      make(chan struct{}),
	}
	logf("loaded %d keys", len(loaded.values))
	go func() {
		defer close(s.closed)
		if b == lazySave {
			s.saveNowAndThen(logf)
		}
	}()
	return s, nil
}

func (s *savingStore) saveNowAndThen(logf logFunc) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := s.save(); err != nil {
				logf("%v", err)
			}
		case <-s.closing:
			return
		}
	}
}

func (s *savingStore) save() error {
	s.mu.RLock()
	values := maps.Clone(s.values)
	s.mu.RUnlock()
	if _, err := (snapshot{first: 1, values: values}).save(s.dir); err != nil {
		return fmt.Errorf("save the data: %w", err)
	}
	return nil
}

func (s *savingStore) close() error {
	close(s.closing)
	<-s.closed
	return nil
}
