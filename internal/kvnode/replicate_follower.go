package kvnode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// stallTime is how long a fetch may stand still: longer than a question for records waits by itself, and than
	// a lost segment takes to be sent again a few times.
	stallTime = pollTime + 1500*time.Millisecond
	// fetchAgain is the pause after a fetch that failed.
	fetchAgain = 100 * time.Millisecond
)

// logReceiver is a follower's part of log shipping: it asks the leader for the records behind its own, makes them
// durable in its own log and only then visible, as the leader did. Log and position cannot disagree, because the
// position is the number of records.
type logReceiver struct {
	engine *engine
	leader *peerClient
	logf   logFunc
	bugs   receiverBugs
}

func newLogReceiver(e *engine, leader string, logf logFunc) *logReceiver {
	f := &logReceiver{engine: e, leader: newPeerClient(leader, 1), logf: logf}
	f.bugs.receiver = f
	return f
}

func (f *logReceiver) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "this node is not the leader", http.StatusServiceUnavailable)
}

// run fetches until ctx ends. It logs the first failure of several, and when they are over.
func (f *logReceiver) run(ctx context.Context) {
	defer f.leader.close()
	failed, fetched := false, false
	for {
		err := f.fetch(ctx)
		fetched = fetched || err == nil
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && fetched && f.engine.bug == neverReconnects:
			return
		case err != nil:
			if !failed {
				f.logf("replication stands still: %v", err)
			}
			select {
			case <-time.After(fetchAgain):
			case <-ctx.Done():
				return
			}
		case failed:
			f.logf("replication goes on")
		}
		failed = err != nil
	}
}

// fetch asks the leader once for more.
func (f *logReceiver) fetch(ctx context.Context) error {
	if err := f.bugs.beforeFetch(ctx); err != nil {
		return err
	}
	epoch, position := f.engine.at()
	query := url.Values{"epoch": {epoch}, "after": {strconv.FormatInt(position, 10)}}
	got, err := f.get(ctx, url.URL{Path: logPath, RawQuery: query.Encode()})
	switch {
	case err != nil:
		return err
	case got.status == http.StatusGone:
		return f.fetchSnapshot(ctx)
	case got.status != http.StatusOK:
		return fmt.Errorf("the leader answers %d %.100s", got.status, got.body)
	}
	found := scan(got.body, binaryFormat{})
	if found.torn {
		return errors.New("the leader's records are damaged")
	}
	if len(found.records) == 0 {
		return nil
	}
	position, records, err := f.bugs.misreceive(got.header, position, found.records)
	if err != nil {
		return err
	}
	return f.engine.replicate(epoch, position, records)
}

func (f *logReceiver) fetchSnapshot(ctx context.Context) error {
	start := time.Now()
	s, size, err := f.snapshot(ctx)
	if err != nil {
		return err
	}
	f.bugs.merge(&s)
	if err := f.engine.install(s); err != nil {
		return fmt.Errorf("install the leader's snapshot: %w", err)
	}
	f.logf("fetched a snapshot of %d bytes at position %d in %v", size, s.position, since(start))
	return nil
}

// snapshot returns the leader's snapshot and its size in bytes.
func (f *logReceiver) snapshot(ctx context.Context) (snapshot, int, error) {
	got, err := f.get(ctx, url.URL{Path: snapshotPath})
	if err != nil {
		return snapshot{}, 0, err
	}
	if got.status != http.StatusOK {
		return snapshot{}, 0, fmt.Errorf("the leader answers %d %.100s", got.status, got.body)
	}
	s := snapshot{values: make(map[string]string)}
	if err := s.fill(scan(got.body, binaryFormat{})); err != nil {
		return snapshot{}, 0, fmt.Errorf("the leader's snapshot is damaged: %w", err)
	}
	return s, len(got.body), nil
}

func (f *logReceiver) get(ctx context.Context, from url.URL) (answer, error) {
	return f.leader.do(ctx, peerRequest{method: http.MethodGet, url: from, limit: f.bugs.stallTime(), stalls: true})
}
