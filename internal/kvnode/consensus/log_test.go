package consensus

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

func entries(term uint64, first, last uint64) []*raft.Log {
	var list []*raft.Log
	for i := first; i <= last; i++ {
		list = append(list, &raft.Log{Index: i, Term: term, Data: []byte("x")})
	}
	return list
}

func TestALogBehindASnapshotHasNothingFromBefore(t *testing.T) {
	s := &logStore{LogStore: raft.NewInmemStore()}
	if err := s.StoreLogs(entries(2, 1, 10)); err != nil { // 6 to 10 were never committed
		t.Fatal(err)
	}
	if err := s.beginAfter(logBegin{index: 20, term: 5}); err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLogs(entries(5, 21, 23)); err != nil {
		t.Fatal(err)
	}
	for index, term := range map[uint64]uint64{1: 0, 10: 0, 11: 0, 19: 0, 20: 5, 21: 5, 23: 5, 24: 0} {
		var got raft.Log
		err := s.GetLog(index, &got)
		if term == 0 && !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d is there: %v, %v", index, got, err)
		}
		if term != 0 && (err != nil || got.Term != term || got.Index != index) {
			t.Errorf("entry %d is %v, %v", index, got, err)
		}
	}
	if first, err := s.FirstIndex(); err != nil || first != 21 {
		t.Errorf("the log begins at %d, %v", first, err)
	}
}

func TestASnapshotMayEndWithTheFirstEntry(t *testing.T) {
	s := &logStore{LogStore: raft.NewInmemStore()}
	if err := errors.Join(s.StoreLogs(entries(2, 7, 9)), s.beginAfter(logBegin{index: 7, term: 5})); err != nil {
		t.Fatal(err)
	}
	if first, err := s.FirstIndex(); err != nil || first != 8 {
		t.Errorf("the log begins at %d, %v", first, err)
	}
	if !s.has(7, 5) || s.has(7, 2) {
		t.Error("the last entry of the snapshot is still the one from the log")
	}
}

func TestALogThatGoesOnBehindASnapshotIsKept(t *testing.T) {
	s := &logStore{LogStore: raft.NewInmemStore()}
	if err := s.StoreLogs(entries(2, 1, 10)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		index, term uint64
		want        bool
	}{{5, 2, true}, {10, 2, true}, {5, 3, false}, {11, 2, false}} {
		if got := s.has(test.index, test.term); got != test.want {
			t.Errorf("has entry %d of term %d: %t", test.index, test.term, got)
		}
	}
}
