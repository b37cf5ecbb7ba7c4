package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// startedNode is what run.sh noted of a node.
type startedNode struct {
	marker, port string
	id           string            // empty if it is alone
	peers        map[string]string // names to the ports of the relays that lead there
}

func startedNodes(t *testing.T, dir string) []startedNode {
	t.Helper()
	notes, err := os.ReadFile(filepath.Join(dir, "nodes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var nodes []startedNode
	for line := range strings.Lines(string(notes)) {
		words := strings.Fields(line)
		if len(words) != 2 && len(words) != 4 {
			t.Fatalf("run.sh noted %q, want a marker and a port, and of a member of a cluster its name and peers", line)
		}
		n := startedNode{marker: words[0], port: words[1], peers: make(map[string]string)}
		if len(words) == 4 {
			n.id = words[2]
			for peer := range strings.SplitSeq(words[3], ",") {
				id, address, _ := strings.Cut(peer, "=")
				_, n.peers[id], _ = strings.Cut(address, ":")
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func (n startedNode) listens() bool { return listens(n.port) }

func listens(port string) bool {
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// hasProcess reports whether a process has the marker of the node's run, stopped or
// not. A zombie has none. Only Linux lets others' variables be read: elsewhere it
// knows no better than listens.
func (n startedNode) hasProcess() bool {
	if runtime.GOOS != "linux" {
		return n.listens()
	}
	return len(processesWith("LSFR_RUN="+n.marker)) > 0
}

// processesWith returns the folders in /proc of all processes with that variable.
func processesWith(variable string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+variable+"\x00")) {
			found = append(found, filepath.Dir(file))
		}
	}
	return found
}

// assertGone waits until nothing is left of the nodes that dir's run.sh started:
// neither a process with their marker, nor their guard, nor a listener on their
// ports or on those of the links between them.
func assertGone(t *testing.T, dir string) {
	t.Helper()
	seen := make(map[string]bool)
	once := func(what string, condition func() bool) {
		if !seen[what] {
			seen[what] = true
			waitFor(t, what, condition)
		}
	}
	for _, n := range startedNodes(t, dir) {
		once("no process with LSFR_RUN="+n.marker, func() bool { return !n.hasProcess() })
		once("no guard of run "+n.marker, func() bool { return len(processesWith("LSFR_GUARD="+n.marker)) == 0 })
		once("no listener on port "+n.port, func() bool { return !n.listens() })
		for _, port := range n.peers {
			once("no relay on port "+port, func() bool { return !listens(port) })
		}
	}
}

// assertGoneAtOnce is for an lsfr that has ended its nodes itself. A port may have
// gone to somebody else by now, so only processes are looked for without waiting.
func assertGoneAtOnce(t *testing.T, dir string) {
	t.Helper()
	for _, n := range startedNodes(t, dir) {
		for _, variable := range []string{"LSFR_RUN=", "LSFR_GUARD="} {
			if left := processesWith(variable + n.marker); len(left) > 0 {
				t.Fatalf("%s%s is left in %v", variable, n.marker, left)
			}
		}
	}
	assertGone(t, dir)
}
