package challenges

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/cluster"
)

// tells lets the scripted node answer something about a key's shard.
func tells(t *testing.T, e *Env, key, answer string) {
	t.Helper()
	if err := e.ExpectStatus(t.Context(), Request{Method: "PUT", Path: ShardPath(key), Body: answer}, 200); err != nil {
		t.Fatal(err)
	}
}

func TestTheShardOfAKeyIsWhatTheNodeSays(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t, cluster.Shard{Name: "s1"})
	tells(t, e, "a", `{"key":"a","shard":"s1"}`)
	tells(t, e, "b", `{"key":"b"}`)
	tells(t, e, "c", `!503 later`)
	if shard, err := e.ShardOf(t.Context(), "a"); shard != "s1" || err != nil {
		t.Errorf("got %q, %v", shard, err)
	}
	for key, want := range map[string]string{
		"b":     `GET /cluster/shards/b on n1: "shard" is missing`,
		"c":     "GET /cluster/shards/c on n1: it answered 503 Service Unavailable, want 200 OK",
		"never": "GET /cluster/shards/never on n1: it answered 404 Not Found",
	} {
		_, err := e.ShardOf(t.Context(), key)
		if _, ok := errors.AsType[*cluster.InfoError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

func TestAKeyOfAShardIsFoundOrTheSpreadIsAtFault(t *testing.T) {
	t.Parallel()
	e := newTestEnv(t, cluster.Shard{Name: "s1"}, cluster.Shard{Name: "s2"})
	for i := range keyTries {
		shard := "s1"
		if i == 7 {
			shard = "s2"
		}
		key := e.Key(fmt.Sprint("k.", i))
		tells(t, e, key, fmt.Sprintf(`{"key":%q,"shard":%q}`, key, shard))
	}
	for shard, want := range map[string]string{"s1": e.Key("k.0"), "s2": e.Key("k.7")} {
		if got, err := e.KeyIn(t.Context(), shard, "k"); got != want || err != nil {
			t.Errorf("%s: got %s, %v", shard, got, err)
		}
	}
	_, err := e.KeyIn(t.Context(), "s3", "k")
	if f, ok := errors.AsType[*Failure](err); !ok || f.Rule != RuleSpread {
		t.Errorf("got %v", err)
	}
}

func TestMembersOfAShardedStageAreNumberedGroupByGroup(t *testing.T) {
	t.Parallel()
	stage := Stage{Nodes: 6, Shards: 2}
	if got := fmt.Sprint(IDs(stage.Members()), Groups(stage.Members())); got != "[n1 n2 n3 n4 n5 n6] [{s1 [n1 n2 n3]} {s2 [n4 n5 n6]}]" {
		t.Error(got)
	}
	stage = Stage{Nodes: 2}
	if got := fmt.Sprint(IDs(stage.Members()), Groups(stage.Members())); got != "[n1 n2] []" {
		t.Error(got)
	}
}
