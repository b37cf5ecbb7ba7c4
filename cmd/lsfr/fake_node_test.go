package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// fakeNodeCommand makes the test's program a node; scripts find it in $FAKE_NODE.
const fakeNodeCommand = "fake-node"

// fakeNode is a member of a cluster that n2 leads. Its followers redirect every
// request to one location, wherever that is, and n2 has no keys.
func fakeNode(args []string) int {
	flags := flag.NewFlagSet(fakeNodeCommand, flag.ContinueOnError)
	port := flags.Int("port", 0, "")
	id := flags.String("id", "", "")
	peers := flags.String("peers", "", "")
	location := flags.String("location", "", "")
	flags.String("working-dir", "", "")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	type member struct {
		ID    string `json:"id"`
		Alive bool   `json:"alive"`
	}
	const leader = "n2"
	role := map[bool]string{true: "leader", false: "follower"}[*id == leader]
	members := []member{{*id, true}}
	for peer := range strings.SplitSeq(*peers, ",") {
		name, _, _ := strings.Cut(peer, "=")
		members = append(members, member{name, true})
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/cluster/info":
			_ = json.NewEncoder(w).Encode(map[string]any{"id": *id, "role": role, "leader": leader, "term": 0, "nodes": members})
		case role == "follower":
			w.Header().Set("Location", *location+r.URL.Path)
			w.WriteHeader(http.StatusTemporaryRedirect)
		default:
			_, _ = io.Copy(io.Discard, r.Body) // or the connection cannot be used again
			http.Error(w, "key not found", http.StatusNotFound)
		}
	}
	err := http.ListenAndServe(net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)), http.HandlerFunc(handle))
	fmt.Fprintln(os.Stderr, err)
	return 1
}
