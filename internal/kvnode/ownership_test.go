package kvnode

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shardMachine is a machine of a group. A shard s3 has joined s1 and s2.
func shardMachine(t *testing.T, shard string, b bug) *machine {
	t.Helper()
	m := newMachine(t, b)
	m.keys = newOwnership(clusterConfig{shard: shard, join: shard == "s3", placement: placement{shards: twoShards, bug: b}})
	return m
}

// applies has a machine apply entries, each of its own record, together, and returns how many it refuses.
func applies(t *testing.T, m *machine, records ...record) (refused int) {
	t.Helper()
	for _, err := range m.Apply(1, entries(records...)) {
		switch {
		case errors.Is(err, errLeft):
			refused++
		case err != nil:
			t.Errorf("refused with %v", err)
		}
	}
	return refused
}

// imports has a machine apply a piece that comes from a group.
func imports(m *machine, from string, values ...record) {
	m.Apply(1, [][]byte{bytes.Join(entries(append([]record{{op: opImport, key: from}}, values...)...), nil)})
}

func TestAGroupRefusesKeysFromTheMomentTheyLeave(t *testing.T) {
	m := shardMachine(t, "s1", noBug)
	goes, stays := moving(1)[0], keysIn("s1", threeShards, "k", 1)[0]
	if refused := applies(t, m, put(goes, "1"), put(stays, "1")); refused != 0 {
		t.Errorf("before, %d are refused", refused)
	}
	// Proposals on their way are applied in the same batch.
	refused := m.Apply(2, entries(put(goes, "2"), record{op: opLeave, key: "s3"}, put(goes, "3"), put(stays, "3"), del(goes)))
	want := []error{nil, nil, errLeft, nil, errLeft}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	s := (*raftStore)(m)
	if value, _, err := s.find(goes); !errors.Is(err, errLeft) {
		t.Errorf("the key that leaves is read: %q, %v", value, err)
	}
	if value, ok, err := s.find(stays); value != "3" || !ok || err != nil {
		t.Errorf("the key that stays: %q, %t, %v", value, ok, err)
	}
	if going := s.going("s3"); len(going) != 1 || going[0] != put(goes, "2") {
		t.Errorf("what is handed over is %v", going)
	}
	applies(t, m, record{op: opLeft, key: "s3"})
	if want := map[string]string{stays: "3"}; !maps.Equal(m.values, want) {
		t.Errorf("what is left is %v, want %v", m.values, want)
	}
	if applies(t, m, put(goes, "4")) != 1 {
		t.Error("a key that has left is written")
	}
	applies(t, m, record{op: opLeave, key: "s4"})
	if to, _ := s.leaving(); to != "s3" || applies(t, m, put(stays, "5")) != 0 {
		t.Errorf("keys leave to %s", to)
	}
}

func TestAGroupThatJoinsHasKeysFromTheMomentTheyHaveArrived(t *testing.T) {
	m := shardMachine(t, "s3", noBug)
	s := (*raftStore)(m)
	key := moving(1)[0]
	imports(m, "s1", put(key, "1"))
	imports(m, "s1", put(key, "1")) // again, as after an answer that was lost
	if applies(t, m, put(key, "2"), del(key)) != 2 {
		t.Error("a key that has not arrived is written")
	}
	if _, _, err := s.find(key); !errors.Is(err, errLeft) {
		t.Errorf("a key that has not arrived is read: %v", err)
	}
	applies(t, m, record{op: opArrived, key: "s2"})
	if applies(t, m, put(key, "3")) != 1 {
		t.Error("a key of s1 is written when those of s2 have arrived")
	}
	applies(t, m, record{op: opArrived, key: "s1"})
	if value, _, err := s.find(key); value != "1" || err != nil {
		t.Errorf("when it has arrived it is %q, %v", value, err)
	}
	if applies(t, m, put(key, "4")) != 0 {
		t.Error("a key that has arrived is refused")
	}
	imports(m, "s1", put(key, "1")) // a link has held it
	if value, _, _ := s.find(key); value != "4" {
		t.Errorf("an old piece makes it %q", value)
	}
	if applies(t, m, put(keysIn("s1", threeShards, "k", 1)[0], "5")) != 1 {
		t.Error("a key of another group is written")
	}
}

func TestWhoHasAKeyIsInTheSnapshot(t *testing.T) {
	key := moving(1)[0]
	for name, c := range map[string]struct {
		shard   string
		entries []record
	}{
		"before":         {"s1", nil},
		"while it goes":  {"s1", []record{{op: opLeave, key: "s3"}}},
		"when it went":   {"s1", []record{{op: opLeave, key: "s3"}, {op: opLeft, key: "s3"}}},
		"before it came": {"s3", nil},
		"when it came":   {"s3", []record{{op: opArrived, key: "s1"}}},
		"when all came":  {"s3", []record{{op: opArrived, key: "s2"}, {op: opArrived, key: "s1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			m, restored := shardMachine(t, c.shard, noBug), shardMachine(t, c.shard, noBug)
			imports(m, "s1", put(key, "v"))
			applies(t, m, put(key, "v"), put("other", "v"))
			applies(t, m, c.entries...)
			// What the other copy knows is older, or of another time: nothing of it stays.
			applies(t, restored, record{op: opLeave, key: "s3"}, record{op: opArrived, key: "s2"}, record{op: opArrived, key: "s1"})
			if err := restored.Restore(bytes.NewReader(snapshotOf(t, m))); err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(*restored.keys), fmt.Sprint(*m.keys); got != want {
				t.Errorf("restored %s, want %s", got, want)
			}
			if !maps.Equal(restored.values, m.values) {
				t.Errorf("restored %v, want %v", restored.values, m.values)
			}
		})
	}
}

func TestAPieceThatIsBrokenOrOutOfPlaceIsRefused(t *testing.T) {
	s := &shards{cluster: &cluster{clusterConfig: clusterConfig{placement: placement{shards: twoShards}}}}
	piece := func(records ...record) []byte { return bytes.Join(entries(records...), nil) }
	whole := piece(record{op: opImport, key: "s1"}, put("k", "v"), put("l", "w"))
	for name, c := range map[string]struct {
		entry []byte
		taken bool
	}{
		"whole":                  {whole, true},
		"all have arrived":       {piece(record{op: opArrived, key: "s2"}), true},
		"nothing":                {nil, false},
		"cut":                    {whole[:len(whole)-1], false},
		"of nobody":              {piece(record{op: opImport, key: "s4"}, put("k", "v")), false},
		"without a beginning":    {piece(put("k", "v")), false},
		"with a delete":          {piece(record{op: opImport, key: "s1"}, del("k")), false},
		"that ends the import":   {piece(record{op: opImport, key: "s1"}, record{op: opArrived, key: "s1"}), false},
		"with more after an end": {piece(record{op: opArrived, key: "s1"}, put("k", "v")), false},
		"about leaving":          {piece(record{op: opLeave, key: "s1"}), false},
	} {
		if got := s.handedOver(c.entry); got != c.taken {
			t.Errorf("a piece %s: taken %t", name, got)
		}
	}
}

func TestShardsAreRememberedOrTheReasonIsTold(t *testing.T) {
	of := func(shards ...string) []member {
		var members []member
		for i, shard := range shards {
			members = append(members, member{id: fmt.Sprintf("n%d", i+2), shard: shard, address: "127.0.0.1:1"})
		}
		return members
	}
	dir := t.TempDir()
	first := clusterConfig{id: "n1", shard: "s1", members: of("s1", "s2")}
	if err := first.recall(dir, noBug); err != nil {
		t.Fatal(err)
	}
	joined := joinedGroup{Shard: "s3", Nodes: []joinedNode{{"n4", "127.0.0.1:4"}, {"n5", "127.0.0.1:5"}}}
	if err := (knownShards{Founders: first.known.Founders, Joined: &joined}).save(dir); err != nil {
		t.Fatal(err)
	}
	for name, members := range map[string][]member{"with the new nodes": of("s1", "s2", "s3"), "without them": of("s1", "s2")} {
		again := clusterConfig{id: "n1", shard: "s1", members: members}
		if err := again.recall(dir, noBug); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.placement.shards, twoShards) || again.known.Joined.Shard != "s3" || len(again.members) != 4 {
			t.Errorf("%s: %+v", name, again)
		}
		if len(members) == 3 && again.members[2].address != "127.0.0.1:1" {
			t.Error("what the command line says is not taken")
		}
	}
	other := clusterConfig{id: "n1", shard: "s3", join: true, members: of("s1", "s2", "s3")}
	otherDir := t.TempDir()
	if err := other.recall(otherDir, noBug); err != nil || !slices.Equal(other.placement.shards, twoShards) {
		t.Errorf("a group that joins began with %q, %v", other.placement.shards, err)
	}
	other.join = false
	if err := other.recall(otherDir, noBug); err == nil || !strings.Contains(err.Error(), otherDir) {
		t.Errorf("a group that joined is started without --join: %v", err)
	}
	writeFile(t, otherDir+"/"+shardsName, []byte("{"))
	if err := other.recall(otherDir, noBug); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}
}
