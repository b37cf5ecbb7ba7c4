package kvnode

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestEveryBugHasANameATitleAndAStage(t *testing.T) {
	order := map[string]int{httpAPI: 1, persistence: 2, crashRecovery: 3, clustering: 4, readReplicas: 5, faultTolerance: 6, strongConsistency: 7, sharding: 8}
	seen := make(map[string]bool)
	stage := 0
	for _, b := range Bugs() {
		if b.Name == "" || seen[b.Name] {
			t.Errorf("name %q is empty or not unique", b.Name)
		}
		seen[b.Name] = true
		if b.Title == "" || !strings.HasSuffix(b.Title, ".") {
			t.Errorf("%s: title %q is no sentence", b.Name, b.Title)
		}
		if order[b.Stage] == 0 || order[b.Stage] < stage {
			t.Errorf("%s: stage %q is unknown or not in order", b.Name, b.Stage)
		}
		stage = order[b.Stage]
		if parsed, err := parseBug(b.Name); err != nil || string(parsed) != b.Name {
			t.Errorf("parseBug(%q) = %q, %v", b.Name, parsed, err)
		}
	}
}

// A symptom drives a node with a bug, or a correct one, and reports whether it misbehaves.
type symptom func(t *testing.T, b bug) bool

// TestEveryBugMisbehavesAndACorrectNodeDoesNot runs each symptom twice. Where a symptom needs the bug to hit a
// moment, a few rounds are allowed, and the correct node has to stand all of them.
func TestEveryBugMisbehavesAndACorrectNodeDoesNot(t *testing.T) {
	symptoms := map[bug]symptom{
		mapCopyRace:         rounds(10, concurrentWritesUndone),
		staleCache:          rounds(10, overwriteNotRead),
		slowApply:           rounds(10, overwriteNotRead),
		tornValue:           rounds(10, mixedValueRead),
		cacheMissesDelete:   answers("PUT /kv/k v", "GET /kv/k", "DELETE /kv/k", "GET /kv/k → 404 key not found"),
		caseInsensitiveKeys: answers("PUT /kv/k v", "PUT /kv/K w", "GET /kv/k → 200 v"),
		deleteAbsent404:     answers("DELETE /kv/k → 200 "),
		emptyValueAccepted:  answers("PUT /kv/k → 400 value cannot be empty"),
		trimsValue:          answers("PUT /kv/k  v\n", "GET /kv/k → 200  v\n"),
		bodyLimit8k:         answers("PUT /kv/k "+strings.Repeat("x", 10_000), "GET /kv/k → 200 "+strings.Repeat("x", 10_000)),
		wrong405:            answers("POST /kv/k v → 405 method not allowed"),
		asciiValues:         answers("PUT /kv/k 😀", "GET /kv/k → 200 😀"),
		clearForgetsNothing: answers("PUT /kv/k v", "DELETE /clear", "GET /kv/k → 404 key not found"),
		keyLimit64:          answers("PUT /kv/"+long+"1 v", "PUT /kv/"+long+"2 w", "GET /kv/"+long+"1 → 200 v"),
		emptyKeyAccepted:    answers("PUT /kv/ v → 400 key cannot be empty"),
		absentIsEmpty:       answers("GET /kv/k → 404 key not found"),
		refusedButStored:    rounds(10, refusedValueRead),

		keepsOneRun:            twoRunsLater,
		memoryOnly:             reopened(map[string]string{"k": "v"}, put("k", "v")),
		deleteNotLogged:        reopened(map[string]string{"k": ""}, put("k", "v"), del("k")),
		clearNotLogged:         reopened(map[string]string{"k": ""}, put("k", "v"), record{op: opClear}),
		replayStopsAtDuplicate: reopened(map[string]string{"k": "w", "l": "v"}, put("k", "v"), put("k", "w"), put("l", "v")),
		textLogBreaks:          either(reopened(map[string]string{"k": `a"b`}, put("k", `a"b`)), reopened(map[string]string{"k": "a\nb"}, put("k", "a\nb"))),
		expiresOnRestart:       expires,
		lazySave:               rounds(3, reopened(map[string]string{"k": "v"}, put("k", "v"))),
		dropsInFlight:          rounds(10, inFlightUnanswered), // the other half may come just before the end
		snapshotBeforeDrain:    inFlightLost,
		waitsForIdle:           servesOnAfterSIGTERM,
		leavesChild:            childSurvives,

		ackBeforeLog:            rounds(10, lostInCrash(put("k", "v"))),
		logNotFlushed:           lostInCrash(put("k", "v")),
		lineLimit64k:            lostInCrash(put("big", strings.Repeat("x", 100_000)), put("k", "v")),
		servesBeforeReplay:      rounds(10, lostInCrash(put("k", "v"))),
		bigValuesAsync:          rounds(3, lostInCrash(put("k", strings.Repeat("x", 100_000)))),
		dirtyRead:               rounds(50, readIsTakenBack),
		logOrder:                rounds(20, orderChanges),
		snapshotDropsConcurrent: rounds(5, lostAtSomeMoment),
		truncateBeforeSnapshot:  rounds(5, lostAtSomeMoment),
		snapshotInPlace:         oldKeysLostAtSomeMoment,
		snapshotKeepsDeleted:    deletedComesBack,
		tornTailKept:            tornTailMisread,
		halfValue:               tornTailMisread,
		tornTailFatal:           tornTailMisread,

		fsyncErrorRetried: fsyncIsTrusted,
		acksOnENOSPC:      lostOnAFullDisk,
		noChecksum:        either(holeIsRead, tornTailMisread),
	}
	maps.Copy(symptoms, powerSymptoms())
	maps.Copy(symptoms, clusterSymptoms())
	maps.Copy(symptoms, raftSymptoms())
	maps.Copy(symptoms, shardSymptoms())
	for _, b := range Bugs() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			misbehaves, ok := symptoms[bug(b.Name)]
			if !ok {
				t.Fatal("no symptom is known")
			}
			if !misbehaves(t, bug(b.Name)) {
				t.Error("with the bug it does not misbehave")
			}
			if misbehaves(t, noBug) {
				t.Error("without the bug it misbehaves")
			}
		})
	}
}

func rounds(n int, s symptom) symptom {
	return func(t *testing.T, b bug) bool {
		for range n {
			if s(t, b) {
				return true
			}
		}
		return false
	}
}

func either(a, b symptom) symptom {
	return func(t *testing.T, with bug) bool { return a(t, with) || b(t, with) }
}

// Symptoms that HTTP requests show.

var long = strings.Repeat("k", 99)

// answers sends requests, "METHOD PATH BODY → STATUS ANSWER", and compares the answers that are given.
func answers(requests ...string) symptom {
	return func(t *testing.T, b bug) bool {
		s := newServeTest(t, b)
		for _, request := range requests {
			request, want, compared := strings.Cut(request, " → ")
			parts := append(strings.SplitN(request, " ", 3), "")
			status, answer := s.do(parts[0], parts[1], parts[2])
			if compared && fmt.Sprintf("%d %s", status, answer) != want {
				return true
			}
		}
		return false
	}
}

func overwriteNotRead(t *testing.T, b bug) bool {
	return answers("PUT /kv/k v", "GET /kv/k", "PUT /kv/k w", "GET /kv/k → 200 w")(t, b)
}

func concurrentWritesUndone(t *testing.T, b bug) bool {
	st := mustOpen(t, t.TempDir(), b)
	defer mustClose(t, st)
	const writers = 8
	want := make(map[string]string)
	var running sync.WaitGroup
	for w := range writers {
		key := fmt.Sprintf("k%d", w)
		want[key] = "v"
		running.Go(func() { mustWrite(t, st, put(key, "v")) })
	}
	running.Wait()
	return !has(st, want)
}

func mixedValueRead(t *testing.T, b bug) bool {
	st := mustOpen(t, t.TempDir(), b)
	defer mustClose(t, st)
	before, after := strings.Repeat("a", 50_000), strings.Repeat("b", 50_000)
	mustWrite(t, st, put("k", before))
	written := make(chan struct{})
	go func() {
		defer close(written)
		mustWrite(t, st, put("k", after))
	}()
	defer func() { <-written }()
	for {
		switch value, _ := st.get("k"); value {
		case before:
		case after:
			return false
		default:
			return true
		}
	}
}

// Symptoms that a clean restart shows.

func reopened(want map[string]string, records ...record) symptom {
	return func(t *testing.T, b bug) bool {
		dir := t.TempDir()
		st := mustOpen(t, dir, b)
		mustWrite(t, st, records...)
		if !has(st, want) {
			t.Error("it misbehaves before the restart")
		}
		mustClose(t, st)
		st = mustOpen(t, dir, b)
		defer mustClose(t, st)
		return !has(st, want)
	}
}

// twoRunsLater reports whether a value is gone after a run that did not write it.
func twoRunsLater(t *testing.T, b bug) bool {
	dir := t.TempDir()
	for _, r := range []record{put("k", "v"), put("l", "w")} {
		st := mustOpen(t, dir, b)
		mustWrite(t, st, r)
		mustClose(t, st)
	}
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	return !has(st, map[string]string{"k": "v", "l": "w"})
}

// refusedValueRead reports whether a value can be read whose write was refused.
func refusedValueRead(t *testing.T, b bug) bool {
	s := newServeTest(t, b)
	const writers = 8
	refused := make([]bool, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			status, _ := s.do("PUT", fmt.Sprintf("/kv/k%d", i), "v")
			refused[i] = status != http.StatusOK
		})
	}
	wg.Wait()
	for i := range writers {
		if status, _ := s.do("GET", fmt.Sprintf("/kv/k%d", i), ""); refused[i] && status == http.StatusOK {
			return true
		}
	}
	return false
}

func expires(t *testing.T, b bug) bool {
	want := make(map[string]string)
	var records []record
	for i := range keptKeys + 1 {
		r := put(fmt.Sprintf("k%d", i), "v")
		want[r.key] = r.value
		records = append(records, r)
	}
	return reopened(want, records...)(t, b)
}

func inFlightUnanswered(t *testing.T, b bug) bool {
	return !halfPut(t, startNode(t, t.TempDir(), b), "k", "half", "other")
}

func inFlightLost(t *testing.T, b bug) bool {
	dir := t.TempDir()
	n := startNode(t, dir, b)
	if !halfPut(t, n, "k", "half", "other") {
		t.Error("the request in flight was not answered")
	}
	n.end(syscall.SIGTERM)
	n = startNode(t, dir, b)
	status, _, err := n.do(newClient(t), "GET", "/kv/k", "")
	if err != nil {
		t.Error(err)
	}
	return status != http.StatusOK
}

// servesOnAfterSIGTERM keeps one connection alive. A correct node closes it, after one more answer at most;
// it is called misbehaving when it answers again and again.
func servesOnAfterSIGTERM(t *testing.T, b bug) bool {
	n := startNode(t, t.TempDir(), b)
	conn, err := net.Dial("tcp", n.address)
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	answered := func() bool {
		fmt.Fprint(conn, "GET /health HTTP/1.1\r\nHost: node\r\n\r\n")
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return false
		}
		return response.Body.Close() == nil
	}
	if !answered() {
		t.Fatal("no answer before SIGTERM")
	}
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n.waitUntilRefused()
	misbehaves := true
	for range 3 {
		misbehaves = misbehaves && answered()
	}
	conn.Close()
	if code := n.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after the client closed its connection, want 0", code)
	}
	return misbehaves
}

func childSurvives(t *testing.T, b bug) bool {
	n := startNode(t, t.TempDir(), b)
	// Reading on to the end of the log is no proof that all is gone: the child has not inherited it.
	n.end(syscall.SIGTERM)
	for _, line := range n.log {
		var pid int
		if _, err := fmt.Sscanf(line, "started a helper, process %d", &pid); err == nil {
			alive := syscall.Kill(pid, 0) == nil
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Errorf("end the helper: %v", err)
			}
			return alive
		}
	}
	return false
}

// Symptoms that a crash shows: the folder is copied while the store is open, and the copy is opened.

func lostInCrash(records ...record) symptom {
	return func(t *testing.T, b bug) bool {
		dir := t.TempDir()
		st := mustOpen(t, dir, b)
		defer mustClose(t, st)
		mustWrite(t, st, records...)
		last := records[len(records)-1]
		recovered := mustOpen(t, copyDir(t, dir), b)
		defer mustClose(t, recovered)
		return !has(recovered, map[string]string{last.key: last.value})
	}
}

func readIsTakenBack(t *testing.T, b bug) bool {
	dir := t.TempDir()
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	written := make(chan struct{})
	go func() {
		defer close(written)
		mustWrite(t, st, put("k", "v"))
	}()
	defer func() { <-written }()
	for {
		if _, ok := st.get("k"); ok {
			break
		}
	}
	recovered := mustOpen(t, copyDir(t, dir), b)
	defer mustClose(t, recovered)
	return !has(recovered, map[string]string{"k": "v"})
}

func orderChanges(t *testing.T, b bug) bool {
	dir := t.TempDir()
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	var running sync.WaitGroup
	for w := range 4 {
		running.Go(func() { mustWrite(t, st, put("k", fmt.Sprintf("v%d", w))) })
	}
	running.Wait()
	value, _ := st.get("k")
	recovered := mustOpen(t, copyDir(t, dir), b)
	defer mustClose(t, recovered)
	return !has(recovered, map[string]string{"k": value})
}

func lostAtSomeMoment(t *testing.T, b bug) bool {
	return crashWhileWriting(t, b, 4, 100, func(i int) string {
		return fmt.Sprintf("%d %s", i, strings.Repeat("x", 200))
	}) != ""
}

// oldKeysLostAtSomeMoment looks for keys that were written long ago, and so are in the snapshot only.
func oldKeysLostAtSomeMoment(t *testing.T, b bug) bool {
	dir := t.TempDir()
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	old := make(map[string]string)
	for i := range 50 {
		r := put(fmt.Sprintf("old%d", i), strings.Repeat("x", 200))
		old[r.key] = r.value
		mustWrite(t, st, r)
	}
	for i := range 100 {
		mustWrite(t, st, put("new", fmt.Sprintf("%d %s", i, strings.Repeat("x", 200))))
		recovered := mustOpen(t, copyDir(t, dir), b)
		lost := !has(recovered, old)
		mustClose(t, recovered)
		if lost {
			return true
		}
	}
	return false
}

func deletedComesBack(t *testing.T, b bug) bool {
	dir := t.TempDir()
	st := mustOpen(t, dir, b)
	defer mustClose(t, st)
	mustWrite(t, st, put("k", "v"), del("k"))
	for range 2 { // makes the first checkpoint due, and waits for it where it is slow
		mustWrite(t, st, put("l", strings.Repeat("x", eagerCheckpointBytes)))
	}
	recovered := mustOpen(t, copyDir(t, dir), b)
	defer mustClose(t, recovered)
	return !has(recovered, map[string]string{"k": ""})
}

// tornTailMisread opens a log that ends in a torn record, and writes something behind it.
func tornTailMisread(t *testing.T, b bug) bool {
	dir := t.TempDir()
	log := binaryFormat{}.encode(nil, put("whole", "v"))
	log = binaryFormat{}.encode(log, put("torn", "some value"))
	writeFile(t, segmentPath(dir, 1), log[:len(log)-4])
	st, err := openStore(dir, b, t.Logf)
	if err != nil {
		return true
	}
	right := has(st, map[string]string{"whole": "v", "torn": ""})
	mustWrite(t, st, put("behind", "v"))
	mustClose(t, st)
	st = mustOpen(t, dir, b)
	defer mustClose(t, st)
	return !right || !has(st, map[string]string{"whole": "v", "torn": "", "behind": "v"})
}
