package kvstore

import (
	"context"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/faults"
)

func persistence() challenges.Stage {
	last := faults.Stop()
	return challenges.Stage{
		Name:    "persistence",
		Title:   "Persistence",
		Summary: "a restart loses nothing that was acknowledged, and requests in flight are still answered",
		Nodes:   1,
		Checks: []challenges.Check{
			{
				Name: "keeps data across a restart",
				Hint: "After SIGTERM and a new start with the same --working-dir, every key has the value that was last acknowledged.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkKept(ctx, e, e.Restart) },
			},
			{
				Name: "keeps deletes across a restart",
				Hint: "A deleted key must stay deleted after a restart: what is written down has to record deletes as well.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkDeletesKept(ctx, e, e.Restart) },
			},
			{
				Name: "keeps a clear across a restart",
				Hint: "After DELETE /clear and a restart, no key from before the clear may be there, and every key from after it must be.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkClearKept(ctx, e, e.Restart) },
			},
			{
				Name: "keeps every byte across a restart",
				Hint: "Quotes, line breaks, Unicode and values of many kilobytes must come back from disk as they were written: look at how your file format tells where a key or a value ends.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkBytesKept(ctx, e, e.Restart, 50_000) },
			},
			{
				Name: "keeps hundreds of keys, some written several times",
				Hint: "Every key must come back with its latest value, no matter how many keys there are and how often each was written.",
				Run:  func(ctx context.Context, e *challenges.Env) error { return checkManyKept(ctx, e, e.Restart) },
			},
			{
				Name: "keeps data across several restarts",
				Hint: "What one run of your program wrote must survive the next ones too, also when those write little or nothing.",
				Run:  checkSeveralRestarts,
			},
			{
				Name: "answers requests that are in flight at SIGTERM",
				Hint: "On SIGTERM, stop accepting new connections, but finish every request that has begun: read the rest of it, do it, write it down, answer it. Only then exit.",
				Run:  checkInFlight,
			},
			{
				Name: "ends within 15 s of SIGTERM while clients stay connected",
				Hint: "Clients keep their connections open when they are idle. Do not wait for them to close: close idle connections yourself. Every process that run.sh started must end, helpers included.",
				Run:  checkIdleConnections,
			},
		},
		Scenarios: []challenges.Scenario{{
			Name:     "restarts-under-load",
			Title:    "clients while the node is restarted with SIGTERM, judged by their history",
			Hint:     "A write that was answered with 200 must be there after the restart, whatever the shutdown was doing at that moment. Look at what happens to requests that are answered while your program is already shutting down.",
			Model:    "linearizable",
			Mix:      hotMix(),
			Clients:  10,
			Rate:     250,
			Duration: 10 * time.Second,
			Faults: []faults.Track{{{
				Fault: faults.Stop(), Weight: 1,
				Gap: faults.Range{Min: 300 * time.Millisecond, Max: 900 * time.Millisecond},
			}}},
			MinFaults: 3,
			Last:      &last,
		}},
	}
}
