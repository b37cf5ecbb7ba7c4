package main

import (
	"path/filepath"
	"slices"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/challenges/kvstore"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
)

// A subject is a store to be judged: correct, or with one bug.
type subject struct {
	name, title string
	// bug is nil for a correct store.
	bug *kvnode.Bug
	// dir is its folder in the repository, empty for none, and needs a program that it
	// needs, empty for none.
	dir, needs string
	// command starts a node, behind the name of this program if dir is empty.
	command []string
	// stages judge it, in order, and briefly those of the short form.
	stages, briefly []string
	// towards is the stage that a correct store is built up to; that of a bug is the one
	// that judges it.
	towards string
}

// The names of the stages.
const (
	httpAPI           = "http-api"
	persistence       = "persistence"
	crashRecovery     = "crash-recovery"
	clustering        = "clustering"
	readReplicas      = "read-replicas"
	faultTolerance    = "fault-tolerance"
	strongConsistency = "strong-consistency"
	sharding          = "sharding"
)

// families are the stages that one kind of store passes. Bugs before fault-tolerance are
// mistakes of a store whose leader is fixed, which could not pass the last two stages even
// without them.
func families() [][]string {
	return [][]string{
		{httpAPI, persistence, crashRecovery, clustering, readReplicas},
		{faultTolerance, strongConsistency, sharding},
	}
}

// bugs are the subjects with a bug, each with its own stage and the later ones of its family.
func bugs() []subject {
	var out []subject
	for _, b := range kvnode.Bugs() {
		s := subject{name: b.Name, title: b.Title, bug: &b, command: []string{nodeArgument, "--bug", b.Name}}
		for _, family := range families() {
			if at := slices.Index(family, b.Stage); at >= 0 {
				s.stages, s.briefly = family[at:], family[at:at+1]
			}
		}
		out = append(out, s)
	}
	return out
}

// correct are the stores that must pass.
func correct() []subject {
	alone := []string{httpAPI, persistence, crashRecovery}
	lagging := []string{clustering, readReplicas}
	elected := []string{clustering, readReplicas, faultTolerance, strongConsistency, sharding}
	python, javascript := filepath.Join("examples", "python"), filepath.Join("examples", "node")
	run, node := "./run.sh", nodeArgument
	return []subject{
		{name: "correct/go", title: "reference node (Go), alone", command: []string{node}, stages: alone, briefly: alone, towards: crashRecovery},
		{name: "correct/raft", title: "reference node, Raft", command: []string{node}, stages: elected, briefly: elected, towards: sharding},
		{name: "correct/async", title: "reference node, fixed leader, copies that lag", command: []string{node, "--replication", "async", "--reads", "local"}, stages: lagging, briefly: lagging, towards: readReplicas},
		{name: "correct/python", title: "examples/python", dir: python, needs: "python3", command: []string{run}, stages: slices.Concat(alone, lagging), briefly: lagging, towards: readReplicas},
		{name: "correct/javascript", title: "examples/node", dir: javascript, needs: "node", command: []string{run}, stages: alone, briefly: alone, towards: crashRecovery},
		{name: "correct/javascript-raft", title: "examples/node-raft", dir: filepath.Join("examples", "node-raft"), needs: "node", command: []string{run}, stages: elected, towards: sharding},
		{name: "correct/raft-redirect", title: "reference node, Raft, redirects", command: []string{node, "--forward", "redirect"}, stages: elected, towards: sharding},
		{name: "correct/async-leader-reads", title: "reference node, fixed leader, which alone reads", command: []string{node, "--replication", "async", "--reads", "leader"}, stages: []string{clustering}, towards: clustering},
		{name: "correct/python-leader-reads", title: "examples/python, the leader alone reads", dir: python, needs: "python3", command: []string{run, "--reads", "leader"}, stages: []string{clustering}, towards: clustering},
	}
}

// stage is the stage as it judges the subject.
func (s *subject) stage(name string) (challenges.Stage, error) {
	towards := s.towards
	if s.bug != nil {
		towards = name
	}
	c := kvstore.Challenge()
	soFar, err := c.SoFar(name, towards)
	if err != nil {
		return challenges.Stage{}, err
	}
	return soFar[len(soFar)-1], nil
}

// start is the command line in a stage. A bug must not fail a later stage for what is no
// part of it: followers have to answer reads in read-replicas, and must not do so from
// their own copies in strong-consistency. Bugs that are about this do not listen.
func (s *subject) start(self, stage string) []string {
	if s.dir != "" {
		return s.command
	}
	line := append([]string{self}, s.command...)
	switch {
	case s.bug != nil && stage == readReplicas:
		line = append(line, "--reads", "local")
	case s.bug != nil && (stage == strongConsistency || stage == sharding):
		line = append(line, "--reads", "leader")
	}
	return line
}
