package kvnode

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

const (
	logPath      = "/internal/log"      // ?epoch=EPOCH&after=POSITION: the records that follow
	snapshotPath = "/internal/snapshot" // all data, in the format of a snapshot file

	pollTime = 500 * time.Millisecond // a question for records waits that long for the first one
	// gatherRecordsTime lets several commits share one answer. It is the price of it, too: a copy is that much behind.
	gatherRecordsTime = 5 * time.Millisecond
	sendBytes         = 256 << 10 // about the size of an answer, so that a narrow link shows progress
)

// logSender is the leader's part of log shipping. Followers ask for the records that follow a position. They are
// answered from memory with what is committed, and so durable; who is too far behind for that is told to fetch a
// snapshot first. A leader keeps no account of its followers.
type logSender struct {
	engine *engine
	tail   *tail
	ending <-chan struct{}
	bugs   senderBugs
}

// newLogSender prepares the leader's data; questions that wait are answered when ctx ends.
func newLogSender(ctx context.Context, id string, e *engine) (*logSender, error) {
	// Positions mean something only within one history, and a history has one leader, whose folder is the proof of it: with
	// an empty one a new history begins, and positions in the old one say nothing any more.
	if epoch, _ := e.at(); !strings.HasPrefix(epoch, id+"-") {
		if err := e.beginEpoch(newEpoch(id)); err != nil {
			return nil, err
		}
	}
	s := &logSender{engine: e, tail: newTail(e.bug.tailRecords(), tailBytes), ending: ctx.Done()}
	s.bugs.sender = s
	return s, e.keepTail(s.tail)
}

// run has nothing to do: the followers ask.
func (s *logSender) run(context.Context) {}

func (s *logSender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case r.URL.Path == logPath:
		s.serveLog(w, r)
	case r.URL.Path == snapshotPath:
		w.Header().Set("Content-Type", "application/octet-stream")
		copied := s.bugs.misdate(s.engine.copyOut())
		// An error means that the follower has gone; half a snapshot is none.
		_ = durable.Write(w, func(w io.Writer) error {
			_, err := copied.writeTo(w)
			return err
		})
	default:
		http.Error(w, "not found", http.StatusNotFound)
	}
}

func (s *logSender) serveLog(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := strconv.ParseInt(query.Get("after"), 10, 64)
	if err != nil {
		http.Error(w, "after is not a position", http.StatusBadRequest)
		return
	}
	epoch, _ := s.engine.at()
	if query.Get("epoch") != epoch {
		http.Error(w, "this is another history, a snapshot is needed", http.StatusGone)
		return
	}
	records, ok := s.wait(r.Context(), w, after)
	if !ok {
		http.Error(w, "these records are not kept any more, a snapshot is needed", http.StatusGone)
		return
	}
	var body []byte
	for _, r := range records {
		body = binaryFormat{}.encode(body, r)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// wait returns the records after a position, none if there are none for a while. ok is false if they are not
// in the tail.
func (s *logSender) wait(ctx context.Context, w http.ResponseWriter, after int64) (records []record, ok bool) {
	timer := time.NewTimer(pollTime)
	defer timer.Stop()
	for {
		records, changed, ok := s.bugs.after(w, after)
		if !ok || len(records) > 0 {
			return records, ok
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, true
		case <-s.ending:
			return nil, true
		case <-ctx.Done():
			return nil, true
		}
		select {
		case <-time.After(gatherRecordsTime):
		case <-s.ending:
		}
	}
}
