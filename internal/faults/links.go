package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// network makes the conditions active in these directions, until it is healed.
func network(env *Env, c netsim.Conditions, directions []netsim.Direction, detail func(netsim.Counts) string) (Injection, error) {
	if env.Network == nil {
		return Injection{}, errNoLinks
	}
	f, err := env.Network.Inject(c, directions...)
	if err != nil {
		return Injection{}, err
	}
	return Injection{
		Detail: func() string { return detail(f.Counts()) },
		Hits:   func() int { return f.Counts().Hits() },
		Heal: func(context.Context) error {
			f.Heal()
			return nil
		},
	}, nil
}

var errNoLinks = errors.New("the nodes have no links")

// linksOf returns both directions of every link that has one of the targets at an end.
func linksOf(targets, nodes []string) []netsim.Direction {
	var out []netsim.Direction
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to && (slices.Contains(targets, from) || slices.Contains(targets, to)) {
				out = append(out, netsim.Direction{From: from, To: to})
			}
		}
	}
	return out
}

// oneWay returns the directions from each of these nodes to each of those.
func oneWay(from, to []string) []netsim.Direction {
	var out []netsim.Direction
	for _, f := range from {
		for _, t := range to {
			out = append(out, netsim.Direction{From: f, To: t})
		}
	}
	return out
}

// bothWays returns the directions between each of these nodes and each of those.
func bothWays(a, b []string) []netsim.Direction { return append(oneWay(a, b), oneWay(b, a)...) }

// touched is as in "57 segments of 3 connections".
func touched(c netsim.Counts) string {
	return fmt.Sprintf("%s of %s", counted(c.Segments, "segment"), counted(c.Connections, "connection"))
}
