package consensus

import (
	"crypto/rand"
	"strconv"
	"sync"

	"github.com/hashicorp/raft"
)

// earlyAcks is what AckBeforeCommit and AckAfterOne need: proposals carry a name in the log, by which they are found
// when they have come to the place that is enough for the mistake.
type earlyAcks struct {
	node string // this process

	mu      sync.Mutex
	count   uint64
	waiting map[string]chan<- error
}

func newEarlyAcks(f Faults) *earlyAcks {
	if !f.AckBeforeCommit && !f.AckAfterOne {
		return nil
	}
	return &earlyAcks{node: rand.Text(), waiting: make(map[string]chan<- error)}
}

// apply proposes an entry. done gets nil too early, or else the library's answer.
func (e *earlyAcks) apply(r *raft.Raft, entry []byte, done chan<- error) {
	e.mu.Lock()
	e.count++
	name := e.node + strconv.FormatUint(e.count, 10)
	e.waiting[name] = done
	e.mu.Unlock()
	err := r.ApplyLog(raft.Log{Data: entry, Extensions: []byte(name)}, 0).Error()
	e.acknowledge([]*raft.Log{{Extensions: []byte(name)}}, err)
}

// acknowledge answers those of this node's proposals that are among the entries.
func (e *earlyAcks) acknowledge(entries []*raft.Log, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, entry := range entries {
		if done, ok := e.waiting[string(entry.Extensions)]; ok {
			delete(e.waiting, string(entry.Extensions))
			done <- err
		}
	}
}

// earlyLog acknowledges what this node has in its own log.
type earlyLog struct {
	raft.LogStore
	acks *earlyAcks
}

func (l *earlyLog) StoreLogs(entries []*raft.Log) error {
	err := l.LogStore.StoreLogs(entries)
	if err == nil {
		l.acks.acknowledge(entries, nil)
	}
	return err
}
