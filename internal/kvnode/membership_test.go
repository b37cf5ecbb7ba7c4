package kvnode

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestPeersAreReadOrRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		peers string
		says  string // "" if they are right
	}{
		{"n2=127.0.0.1:1", ""},
		{"n2=127.0.0.1:1,n3=localhost:65535", ""},
		{"n2=[::1]:80", ""},
		{"s1/n2=127.0.0.1:1,s2/n4=127.0.0.1:2", "there is no --shard"},
		{"n2", `"n2" is not ID=HOST:PORT`},
		{"n2=127.0.0.1:1,", `"" is not ID=HOST:PORT`},
		{"=127.0.0.1:1", "needs a name"},
		{"n 2=127.0.0.1:1", "has a space"},
		{"n2=127.0.0.1", "not HOST:PORT"},
		{"n2=:1", "not HOST:PORT"},
		{"n2=127.0.0.1:0", "not HOST:PORT"},
		{"n2=127.0.0.1:65536", "not HOST:PORT"},
		{"n2=127.0.0.1:http", "not HOST:PORT"},
		{"n2=127.0.0.1:1,n2=127.0.0.1:2", "n2 is there already"},
		{"n1=127.0.0.1:1", "n1 is there already"},
	} {
		var log bytes.Buffer
		_, err := parseArgs([]string{"--working-dir", "x", "--id", "n1", "--peers", c.peers}, &log)
		if (err == nil) != (c.says == "") || !strings.Contains(log.String(), c.says) {
			t.Errorf("--peers %q: error %v; want %q", c.peers, err, c.says)
		}
	}
}

func TestArgumentsOfAClusterThatAreWrongEndTheNode(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"peers that are none", []string{"--peers", "n2"}, 2, "--peers"},
		{"no name", []string{"--id", "", "--peers", "n2=127.0.0.1:1"}, 2, "--id"},
		{"unknown reads", []string{"--reads", "remote"}, 2, `--reads "remote"`},
		{"unknown forward", []string{"--forward", "drop"}, 2, `--forward "drop"`},
		{"unknown replication", []string{"--replication", "paper"}, 2, `--replication "paper"`},
		{"a shard of a node alone", []string{"--shard", "s1"}, 2, "--shard needs --peers"},
		{"a shard that is none", []string{"--shard", "s/1", "--peers", "s1/n2=127.0.0.1:1"}, 2, "no name of a shard"},
		{"a shard, and peers in none", []string{"--shard", "s1", "--peers", "n2=127.0.0.1:1"}, 2, "SHARD/ID=HOST:PORT"},
		{"a shard, and one peer in none", []string{"--shard", "s1", "--peers", "s1/n2=127.0.0.1:1,n3=127.0.0.1:2"}, 2, `"n3=127.0.0.1:2"`},
		{"peers in shards without a shard", []string{"--peers", "n2=127.0.0.1:1,s1/n3=127.0.0.1:2"}, 2, `"s1/n3=127.0.0.1:2"`},
		{"a peer in a shard without a name", []string{"--shard", "s1", "--peers", "/n2=127.0.0.1:1"}, 2, `"" is no name of a shard`},
		{"a shard behind a fixed leader", []string{"--shard", "s1", "--peers", "s1/n2=127.0.0.1:1", "--replication", "async"}, 2, "--shard needs --replication raft"},
		{"joining without a shard", []string{"--join", "--peers", "n2=127.0.0.1:1"}, 2, "--join needs --shard"},
		{"joining nobody", []string{"--join", "--shard", "s1", "--peers", "s1/n2=127.0.0.1:1"}, 2, "peers in other shards"},
		{"a bug of a fixed leader", []string{"--bug", "two-leaders", "--replication", "raft", "--peers", "n2=127.0.0.1:1"}, 2, "two-leaders needs --replication async"},
		{"a bug of elected leaders", []string{"--bug", "split-brain", "--replication", "async", "--peers", "n2=127.0.0.1:1"}, 2, "split-brain needs --replication raft"},
		{"a bug without a log to ship", []string{"--bug", "memory-only", "--peers", "n2=127.0.0.1:1"}, 1, "memory-only works only without --peers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			if code := Main(t.Context(), append(c.args, "--working-dir", t.TempDir()), &log); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(log.String(), c.says) {
				t.Errorf("log %q does not say %q", log.String(), c.says)
			}
		})
	}
}

func TestFlagsComeBeforeTheEnvironmentAndThatBeforeTheDefault(t *testing.T) {
	for _, c := range []struct {
		environment, replicationEnvironment string
		args                                []string
		reads, replication, forward         string
	}{
		{"", "", nil, "leader", "raft", "pass"},
		{"", "", []string{"--bug", "dirty-read"}, "leader", "async", "pass"},
		{"", "", []string{"--bug", "two-leaders"}, "leader", "async", "pass"},
		{"", "", []string{"--bug", "ships-one-behind"}, "local", "async", "pass"},
		{"", "", []string{"--bug", "split-brain"}, "leader", "raft", "pass"},
		{"", "", []string{"--bug", "reads-any-copy"}, "local", "raft", "pass"},
		{"", "", []string{"--replication", "async"}, "leader", "async", "pass"},
		{"local", "async", nil, "local", "async", "pass"},
		{"local", "", []string{"--bug", "two-leaders"}, "local", "async", "pass"},
		{"leader", "", []string{"--bug", "ships-one-behind"}, "leader", "async", "pass"},
		{"leader", "async", []string{"--reads", "local", "--replication", "raft", "--forward", "redirect"}, "local", "raft", "redirect"},
	} {
		t.Setenv(ReadsVariable, c.environment)
		t.Setenv(ReplicationVariable, c.replicationEnvironment)
		cfg, err := parseArgs(append(c.args, "--working-dir", "x", "--peers", "n2=127.0.0.1:1"), io.Discard)
		got := cfg.cluster
		if err != nil || got.reads != c.reads || got.replicated != c.replication || got.forward != c.forward {
			t.Errorf("%q, environment %q %q: %+v, %v", c.args, c.environment, c.replicationEnvironment, got, err)
		}
	}
}

func TestNodesAreOrderedByTheirNumbers(t *testing.T) {
	want := []string{"", "2", "10", "a", "n", "n1", "n2", "n10", "n11", "s1/n2", "s1/n10", "s2/n1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareIDs)
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
	if compareIDs("n2", "n02") == 0 || compareIDs("n2", "n02") != -compareIDs("n02", "n2") {
		t.Error("two names of one number have no order")
	}
}
