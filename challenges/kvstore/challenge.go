// Package kvstore is the challenge of building a key-value store, from one
// process to a sharded cluster.
package kvstore

import (
	"embed"

	"github.com/st3v3nmw/lsfr/challenges"
)

//go:embed guides/*.md
var guides embed.FS

// Challenge returns the challenge; a new stage is one line here and one file.
func Challenge() challenges.Challenge {
	c := challenges.Challenge{
		Name:  "kv-store",
		Title: "Key-value store",
		Overview: "You build a key-value store, in any language: first one process that answers HTTP requests, then one that " +
			"survives restarts and crashes, and in later stages a cluster that stays right while its nodes and its network fail.",
		Stages: []challenges.Stage{
			httpAPI(),
			persistence(),
			crashRecovery(),
			clustering(),
			readReplicas(),
			faultTolerance(),
			strongConsistency(),
			sharding(),
		},
	}
	for i := range c.Stages {
		c.Stages[i].Guide = guide(c.Stages[i].Name)
	}
	return c
}

// guide returns a stage's guide; a test makes sure that every stage has one.
func guide(stage string) string {
	text, err := guides.ReadFile("guides/" + stage + ".md")
	if err != nil {
		return ""
	}
	return string(text)
}
