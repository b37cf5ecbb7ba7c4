package kvnode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func writes(keys ...string) []*pendingWrite {
	var batch []*pendingWrite
	for _, key := range keys {
		batch = append(batch, &pendingWrite{record: put(key, "value")})
	}
	return batch
}

func keysOf(records []record) string {
	var keys []string
	for _, r := range records {
		keys = append(keys, r.key)
	}
	return strings.Join(keys, " ")
}

func TestATailKeepsTheLastRecordsWithinItsLimits(t *testing.T) {
	size := put("a", "value").size()
	for _, limits := range []*tail{newTail(3, 1000*size), newTail(1000, 3*size)} {
		limits.begin(10)
		limits.append(writes("a", "b"))
		limits.append(writes("c", "d", "e"))
		for _, c := range []struct {
			after    int64
			maxBytes int
			keys     string
			ok       bool
		}{
			{11, 1000, "", false},
			{12, 1000, "c d e", true},
			{13, 1000, "d e", true},
			{12, 2 * size, "c d", true},
			{12, 1, "c", true},
			{15, 1000, "", true},
			{16, 1000, "", false},
		} {
			records, _, ok := limits.after(c.after, c.maxBytes)
			if ok != c.ok || keysOf(records) != c.keys {
				t.Errorf("after %d, %d bytes: %q, %v; want %q, %v", c.after, c.maxBytes, keysOf(records), ok, c.keys, c.ok)
			}
		}
	}
}

func TestATailTellsWhenThereIsMore(t *testing.T) {
	tail := newTail(10, 1000)
	_, changed, _ := tail.after(0, 1000)
	select {
	case <-changed:
		t.Error("it tells before there is anything")
	default:
	}
	tail.append(writes("a"))
	<-changed
}

func TestPositionsSurviveARestartAndCheckpoints(t *testing.T) {
	dir := t.TempDir()
	e, err := openEngine(dir, noBug, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.beginEpoch("n1-test"); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 60; i++ { // several checkpoints
		mustWrite(t, e, put("k", strings.Repeat("x", 100_000)))
		if i%20 != 0 {
			continue
		}
		mustClose(t, e)
		if e, err = openEngine(dir, noBug, t.Logf); err != nil {
			t.Fatal(err)
		}
		if epoch, position := e.at(); epoch != "n1-test" || position != int64(i) {
			t.Errorf("after %d writes: %q, position %d", i, epoch, position)
		}
	}
	mustClose(t, e)
}

func TestRecordsThatDoNotFollowAreRefused(t *testing.T) {
	e := openCopy(t, noBug)
	for _, c := range []struct {
		epoch string
		after int64
		want  error
	}{
		{"n1-test", 0, nil},
		{"n1-test", 0, errGap}, // a second time
		{"n1-test", 3, errGap},
		{"n1-other", 2, errGap},
		{"n1-test", 2, nil},
	} {
		before := e.copyOut()
		err := e.replicate(c.epoch, c.after, []record{put("k", fmt.Sprint(before.position)), del("l")})
		if !errors.Is(err, c.want) {
			t.Errorf("%s after %d: %v, want %v", c.epoch, c.after, err, c.want)
		}
		if now := e.copyOut(); err != nil && (now.position != before.position || !maps.Equal(now.values, before.values)) {
			t.Errorf("%s after %d: refused, and yet the data changed", c.epoch, c.after)
		}
	}
	if _, position := e.at(); position != 4 {
		t.Errorf("position %d, want 4", position)
	}
}

func TestACrashWhileASnapshotIsInstalledLeavesTheOldOrTheNewData(t *testing.T) {
	dir := t.TempDir()
	e, err := openEngine(dir, noBug, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, e, put("old", "1"))
	if err := e.beginEpoch("n1-old"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, e, put("old", "2"))
	fresh := map[string]string{"new": strings.Repeat("x", 1<<20)}
	for i := range 200 {
		fresh[fmt.Sprintf("k%d", i)] = "v"
	}
	oldData := func(e *engine) bool {
		epoch, position := e.at()
		return epoch == "n1-old" && position == 2 && has(e, map[string]string{"old": "2", "new": "", "k0": ""})
	}
	newData := func(e *engine) bool {
		epoch, position := e.at()
		return epoch == "n1-new" && position == 77 && has(e, map[string]string{"old": "", "new": fresh["new"], "k199": "v"})
	}
	installed := make(chan error, 1)
	go func() { installed <- e.install(snapshot{position: 77, epoch: "n1-new", values: fresh}) }()
	for done := false; !done; {
		select {
		case err := <-installed:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		recovered, err := openEngine(copyDir(t, dir), noBug, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		if isOld, isNew := oldData(recovered), newData(recovered); !isNew && (!isOld || done) {
			t.Error("the data is neither the old nor the new one, or still the old one")
		}
		mustClose(t, recovered)
	}
	if !newData(e) {
		t.Error("memory does not have the new data")
	}
	if err := e.replicate("n1-new", 77, []record{put("more", "v")}); err != nil {
		t.Error(err)
	}
	mustClose(t, e)
}

// receive starts a follower of a sender and returns its engine.
func receive(t *testing.T, s http.Handler) (*engine, *logReceiver) {
	t.Helper()
	server := httptest.NewServer(s)
	e, err := openEngine(t.TempDir(), noBug, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	f := newLogReceiver(e, server.Listener.Addr().String(), t.Logf)
	t.Cleanup(func() {
		f.leader.close()
		server.Close()
		mustClose(t, e)
	})
	return e, f
}

func mustFetch(t *testing.T, f *logReceiver, times int) {
	t.Helper()
	for range times {
		if err := f.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFollowerFetchesTheLogWhereItCanAndASnapshotWhereItMust(t *testing.T) {
	leader, s := openSender(t, noBug)
	s.tail.maxRecords = 3
	e, f := receive(t, s)
	same := func(what string) {
		t.Helper()
		from, to := leader.copyOut(), e.copyOut()
		if from.epoch != to.epoch || from.position != to.position || !maps.Equal(from.values, to.values) {
			t.Errorf("%s: position %d of %q, want %d of %q", what, to.position, to.epoch, from.position, from.epoch)
		}
	}
	mustWrite(t, leader, put("a", "1"), put("b", "1"))
	mustFetch(t, f, 1)
	same("an empty folder needs a snapshot")
	mustWrite(t, leader, put("a", "2"), del("b"))
	snapshots := e.log.number
	mustFetch(t, f, 1)
	same("two writes behind")
	if e.log.number != snapshots {
		t.Error("a snapshot was installed where the log had everything")
	}
	mustWrite(t, leader, put("b", "3"), del("a"), put("c", "3"), put("d", "3"))
	mustFetch(t, f, 1)
	same("four writes behind, of which three are kept")
	if e.log.number == snapshots {
		t.Error("no snapshot was installed where the log has a hole")
	}
	mustWrite(t, leader, put("e", "4"))
	mustFetch(t, f, 1)
	same("after a snapshot")
	if err := e.replicate(leader.epoch, leader.position, []record{put("f", "never written at the leader")}); err != nil {
		t.Fatal(err)
	}
	mustFetch(t, f, 1)
	same("ahead of the leader")
	if err := leader.beginEpoch("n1-another"); err != nil {
		t.Fatal(err)
	}
	mustFetch(t, f, 1)
	same("of another history")
}

func TestASnapshotThatIsCutShortIsNotInstalled(t *testing.T) {
	_, s := openSender(t, noBug)
	e, f := receive(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		s.ServeHTTP(whole, r)
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	}))
	if err := f.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("fetch = %v", err)
	}
	if epoch, _ := e.at(); epoch != "" {
		t.Error("it was installed")
	}
}

func TestQuestionsThatWaitAreAnsweredWhenTheLeaderStops(t *testing.T) {
	e := openCopy(t, noBug)
	ctx, stop := context.WithCancel(t.Context())
	s, err := newLogSender(ctx, "n1", e)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if records, ok := s.wait(t.Context(), httptest.NewRecorder(), 0); !ok || len(records) > 0 {
		t.Errorf("%d records, %v", len(records), ok)
	}
}

func TestALeaderBeginsAHistoryOfItsOwn(t *testing.T) {
	e := openCopy(t, noBug)
	for _, c := range []struct {
		id  string
		own bool
	}{{"n1", true}, {"n10", false}, {"n10", true}, {"n1", false}} {
		before, _ := e.at()
		if _, err := newLogSender(t.Context(), c.id, e); err != nil {
			t.Fatal(err)
		}
		if after, _ := e.at(); (after == before) != c.own || !strings.HasPrefix(after, c.id+"-") {
			t.Errorf("leader %s of %q begins %q", c.id, before, after)
		}
	}
}
