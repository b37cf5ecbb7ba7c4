package kvnode

import (
	"context"
	"time"
)

// Mistakes while keys move to a group that joins. With the first three a copy is made while the old group goes on.
const (
	migrationDropsWrites bug = "migration-drops-writes"
	deletesNotMigrated   bug = "deletes-not-migrated"
	bothOwn              bug = "both-own"
	joinIgnored          bug = "join-ignored"
	importAgain          bug = "import-again"
)

const (
	// copiedTime is how long the old group goes on serving after the copy, and bothTime after the new one has begun.
	copiedTime = 500 * time.Millisecond
	bothTime   = 2 * time.Second
	// importAgainTime is how late a piece comes for the second time.
	importAgainTime = 300 * time.Millisecond
)

// beforeLeaving is what the bug does while its group still has the keys.
func (b *shardBugs) beforeLeaving(ctx context.Context, to string) error {
	wait := copiedTime
	switch b.shards.cluster.bug {
	case migrationDropsWrites, deletesNotMigrated:
	case bothOwn:
		wait = bothTime
	default:
		return nil
	}
	if err := b.shards.deliverAll(ctx, to, b.shards.store.going(to)); err != nil {
		return err
	}
	if b.shards.cluster.bug == bothOwn {
		if err := b.shards.deliver(ctx, to, record{op: opArrived, key: b.shards.cluster.shard}); err != nil {
			return err
		}
	}
	return pause(ctx, wait)
}

// copiedBefore says that the values are not copied again when they do not change any more.
func (b *shardBugs) copiedBefore() bool {
	return b.shards.cluster.bug == migrationDropsWrites || b.shards.cluster.bug == bothOwn
}

// afterLeaving is what the bug does when the new group has the keys.
func (b *shardBugs) afterLeaving(ctx context.Context, to string, values []record) error {
	if b.shards.cluster.bug != importAgain {
		return nil
	}
	if err := pause(ctx, importAgainTime); err != nil {
		return err
	}
	return b.shards.deliverAll(ctx, to, values)
}

func pause(ctx context.Context, limit time.Duration) error {
	select {
	case <-time.After(limit):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
