// Package challenges describes what learners build: challenges, their stages,
// and what each stage checks.
package challenges

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

// Challenge is something to build, stage by stage.
type Challenge struct {
	// Name is what the command line and lsfr.yaml call it.
	Name  string
	Title string
	// Overview is a paragraph for the README of a new folder.
	Overview string
	Stages   []Stage
}

// Stage is one step of a challenge. It passes when all its checks and scenarios do.
type Stage struct {
	Name, Title string
	// Summary is one sentence: what to build.
	Summary string
	// Guide is the stage's documentation, Markdown.
	Guide string
	// Nodes is the size of the cluster.
	Nodes int
	// Shards is the number of groups of equal size that the nodes form, s1 with the
	// first of them and so on; 0 for a cluster without shards.
	Shards    int
	Checks    []Check
	Scenarios []Scenario
	// Towards returns the stage as it is judged on the way to a later one, for a
	// program that keeps the later one's promises only; nil if that makes no
	// difference.
	Towards func(later string) Stage
}

// Member is a node of a stage.
type Member struct {
	ID string
	// Shard is the name of its shard group, empty where there are none.
	Shard string
}

// Members are the nodes of the stage: n1, n2 and so on.
func (s *Stage) Members() []Member {
	members := make([]Member, s.Nodes)
	for i := range members {
		members[i].ID = fmt.Sprint("n", i+1)
		if s.Shards > 0 {
			members[i].Shard = fmt.Sprint("s", i*s.Shards/s.Nodes+1)
		}
	}
	return members
}

// Groups are the shard groups that members form, none if they have no shards.
func Groups(members []Member) (groups []history.Group) {
	for _, m := range members {
		if m.Shard == "" {
			continue
		}
		if last := len(groups) - 1; last < 0 || groups[last].Shard != m.Shard {
			groups = append(groups, history.Group{Shard: m.Shard})
		}
		last := &groups[len(groups)-1]
		last.Nodes = append(last.Nodes, m.ID)
	}
	return groups
}

// IDs are the names of members.
func IDs(members []Member) []string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	return ids
}

// ScenarioSeed is the seed of the operations and faults of the stage's scenario with
// this index, in a run with that seed: each scenario has a plan of its own.
func ScenarioSeed(seed int64, index int) int64 { return seed + int64(index) }

// Check is one property of the node's API, checked with a few requests.
type Check struct {
	Name string
	// Hint says what to look for when the check fails. It points at the
	// requirement, not at an implementation.
	Hint string
	// Limit is how long the check may take; 0 means a minute.
	Limit time.Duration
	// Run returns a *Failure if the node got it wrong, a *cluster.NodeError if
	// a node failed, and any other error if lsfr did.
	Run func(ctx context.Context, e *Env) error
}

// Scenario lets clients and faults loose on a cluster and judges the history.
type Scenario struct {
	Name  string
	Title string
	Hint  string
	// Model names the consistency model that the history is judged by.
	Model   string
	Mix     workload.Mix
	Clients int
	// Rate bounds the operations per second of each client; 0 means no bound.
	Rate float64
	// Duration is how long clients run.
	Duration time.Duration
	// Disks puts each node's working folder on a disk that lsfr serves, for faults of
	// disks. Where that is not possible, the scenario is skipped.
	Disks bool
	// Faults are injected while clients run. Tracks run side by side.
	Faults []faults.Track
	// MinFaults is how many faults a run needs as evidence. A slow node makes
	// the scenario longer, up to three times its duration.
	MinFaults int
	// Last is injected once more when the clients have stopped, so that the
	// final reads see what survives it; nil for none.
	Last *faults.Fault
	// Converge is how long the copies may take to agree once all faults have
	// healed and writes have ended; 0 means that they always agree.
	Converge time.Duration
	// Joining are nodes that Alongside may add to the cluster.
	Joining []Member
	// NotBuilt is the sentence to say after ErrNotBuilt.
	NotBuilt string
	// Alongside is what lsfr does itself while clients run, beside the faults; nil for
	// nothing. A *Failure or an error of a node ends the scenario. ErrNotBuilt says that
	// the program does not take part, which it need not: the scenario was not tried then.
	Alongside func(ctx context.Context, e *Env, r *Running) error
	// Available asks for acknowledged writes as long as a majority is left alone.
	Available bool
	// Leaderless reads everything once more on the other nodes while the leader
	// is dead: what they answer then is their own, or with Available what the leader
	// has that they have elected.
	Leaderless bool
}

// Stage returns the stage of that name and its index, or an *UnknownStageError.
func (c *Challenge) Stage(name string) (int, *Stage, error) {
	for i := range c.Stages {
		if c.Stages[i].Name == name {
			return i, &c.Stages[i], nil
		}
	}
	return 0, nil, &UnknownStageError{Challenge: c, Name: name}
}

// SoFar returns the stages up to the one of that name, each as a program is judged
// by it that was built up to the later of that stage and the one called built.
func (c *Challenge) SoFar(name, built string) ([]Stage, error) {
	last, _, err := c.Stage(name)
	if err != nil {
		return nil, err
	}
	later, _, err := c.Stage(built)
	if err != nil {
		return nil, err
	}
	later = max(later, last)
	stages := slices.Clone(c.Stages[:last+1])
	for i := range stages {
		if stages[i].Towards != nil && later > i {
			stages[i] = stages[i].Towards(c.Stages[later].Name)
		}
	}
	return stages, nil
}

// StageNames lists the stages in order.
func (c *Challenge) StageNames() []string {
	names := make([]string, len(c.Stages))
	for i, s := range c.Stages {
		names[i] = s.Name
	}
	return names
}

// UnknownStageError names a stage that the challenge does not have.
type UnknownStageError struct {
	Challenge *Challenge
	Name      string
}

// Error names the stage and lists those that exist.
func (e *UnknownStageError) Error() string {
	return fmt.Sprintf("%s has no stage %q (want %s)", e.Challenge.Name, e.Name, list(e.Challenge.StageNames()))
}

func list(names []string) string {
	s := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			s += " or "
		default:
			s += ", "
		}
		s += n
	}
	return s
}
