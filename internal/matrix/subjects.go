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
	name string
	// bug is nil for a correct store.
	bug *kvnode.Bug
	// dir is its folder, empty for an empty one, and command starts a node in it.
	dir     string
	command []string
	stages  []challenges.Stage
}

// families are the stages that one kind of store is built for: a node that is alone,
// one that ships its log behind a fixed leader, one that elects. A bug of a family is
// in none of the others' code.
var families = [][]string{
	{"http-api", "persistence", "crash-recovery"},
	{"clustering", "read-replicas"},
	{"fault-tolerance", "strong-consistency"},
}

// bugs returns a subject for each bug of the reference node, with the stage that must
// catch it and, if later is set, those of its family that come after.
func bugs(self string, later bool) ([]subject, error) {
	c := kvstore.Challenge()
	var out []subject
	for _, b := range kvnode.Bugs() {
		s := subject{name: b.Name, bug: &b, command: []string{self, "node", "--bug", b.Name}}
		for _, family := range families {
			at := slices.Index(family, b.Stage)
			if at < 0 {
				continue
			}
			if !later {
				family = family[:at+1]
			}
			for _, name := range family[at:] {
				_, stage, err := c.Stage(name)
				if err != nil {
					return nil, err
				}
				s.stages = append(s.stages, *stage)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// correct returns the stores that must pass, each with the stages it was built for.
func correct(self string) ([]subject, error) {
	c := kvstore.Challenge()
	var err error
	upTo := func(from int, name string) []challenges.Stage {
		stages, e := c.SoFar(name, name)
		if e != nil {
			err = e
			return nil
		}
		return stages[from:]
	}
	python, js := filepath.Join("examples", "python"), filepath.Join("examples", "node")
	run := func(args ...string) []string { return append([]string{"./run.sh"}, args...) }
	node := func(args ...string) []string { return append([]string{self, "node"}, args...) }
	out := []subject{
		{name: "reference node", command: node(), stages: upTo(0, "strong-consistency")},
		{name: "reference node, redirects", command: node("--forward", "redirect"), stages: upTo(3, "strong-consistency")},
		{name: "reference node, fixed leader", command: node("--replication", "async"), stages: upTo(3, "clustering")},
		{name: "reference node, copies that lag", command: node("--replication", "async", "--reads", "local"), stages: upTo(3, "read-replicas")},
		{name: "examples/python", dir: python, command: run(), stages: upTo(0, "read-replicas")},
		{name: "examples/python, reads by the leader", dir: python, command: run("--reads", "leader"), stages: upTo(3, "clustering")},
		{name: "examples/node", dir: js, command: run(), stages: upTo(0, "crash-recovery")},
	}
	return out, err
}
