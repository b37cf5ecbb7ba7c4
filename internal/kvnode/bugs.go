package kvnode

import (
	"fmt"
	"strings"
)

// A Bug is a mistake that can be switched on with --bug.
type Bug struct {
	Name  string
	Title string // one sentence: what the node does wrong
	Stage string // the stage that must catch it, such as "http-api" or "fault-tolerance"
}

// bug is the name of the bug that is switched on, noBug for a correct node. Each name is declared where its code is.
type bug string

const noBug bug = ""

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

// Bugs lists all bugs in the order of the stages that must catch them. None is caught by an earlier stage.
func Bugs() []Bug {
	list := func(stage string, b bug, title string) Bug { return Bug{Name: string(b), Title: title, Stage: stage} }
	return []Bug{
		list(httpAPI, mapCopyRace, "Each write copies the map, changes the copy and stores it, without a lock, so concurrent writes undo each other."),
		list(httpAPI, staleCache, "Reads are cached for a moment, and writes do not invalidate the cache."),
		list(httpAPI, tornValue, "Large values are replaced chunk by chunk, and a reader sees them half replaced."),
		list(httpAPI, slowApply, "A write is acknowledged first and applied some milliseconds later."),
		list(httpAPI, cacheMissesDelete, "A PUT invalidates the read cache, a DELETE does not."),
		list(httpAPI, caseInsensitiveKeys, "Keys that differ only in upper and lower case are the same key."),
		list(httpAPI, deleteAbsent404, "DELETE of an absent key answers 404."),
		list(httpAPI, emptyValueAccepted, "An empty value is stored."),
		list(httpAPI, trimsValue, "White space and newlines around a value are stripped."),
		list(httpAPI, bodyLimit8k, "Only the first 8 kB of a value are kept."),
		list(httpAPI, wrong405, "An unknown method is answered with 404."),
		list(httpAPI, asciiValues, "Bytes of a value that are not ASCII become question marks."),
		list(httpAPI, clearForgetsNothing, "DELETE /clear answers 200 and does nothing."),
		list(httpAPI, keyLimit64, "Keys are cut to 64 characters, so long keys collide."),
		list(httpAPI, emptyKeyAccepted, "The empty key is a key like any other."),
		list(httpAPI, absentIsEmpty, "GET of an absent key answers 200 with nothing in it."),
		list(httpAPI, refusedButStored, "A PUT that meets another write is answered with 409, and stored all the same."),

		list(persistence, memoryOnly, "The data is only in memory."),
		list(persistence, deleteNotLogged, "A DELETE changes memory but not the log."),
		list(persistence, clearNotLogged, "DELETE /clear changes memory but not the log."),
		list(persistence, replayStopsAtDuplicate, "Replay stops at the first key that it has already seen."),
		list(persistence, textLogBreaks, "The log is lines of text without escaping, and quotes or newlines in a value break it."),
		list(persistence, dropsInFlight, "SIGTERM ends the node at once, and requests in flight get no answer."),
		list(persistence, snapshotBeforeDrain, "SIGTERM saves a snapshot first and finishes the requests in flight after it, so their writes are lost."),
		list(persistence, waitsForIdle, "Shutdown waits until the clients have closed every kept-alive connection."),
		list(persistence, leavesChild, "A helper process in a session of its own survives SIGTERM."),
		list(persistence, expiresOnRestart, "A restart keeps only the newest 100 keys."),
		list(persistence, lazySave, "The data is saved once a second, and not at shutdown."),
		list(persistence, keepsOneRun, "Shutdown saves what was written since the start, over everything from before."),

		list(crashRecovery, ackBeforeLog, "A write is acknowledged some milliseconds before it is written to the log."),
		list(crashRecovery, logNotFlushed, "The log is buffered, and flushed only when the buffer is full or at shutdown."),
		list(crashRecovery, dirtyRead, "A write is visible before it is in the log, so a crash takes back what was read."),
		list(crashRecovery, logOrder, "Concurrent writes of one key are logged in another order than they are applied in."),
		list(crashRecovery, snapshotDropsConcurrent, "Writes acknowledged while a snapshot is written are dropped with the log that it replaces."),
		list(crashRecovery, truncateBeforeSnapshot, "A checkpoint removes the log first and writes the snapshot then."),
		list(crashRecovery, snapshotInPlace, "The snapshot is overwritten in place, and half a snapshot is loaded as far as it goes."),
		list(crashRecovery, tornTailKept, "A torn record is skipped but not cut off, and the next replay stops at it and loses what was appended behind it."),
		list(crashRecovery, halfValue, "A torn record is replayed with as much of the value as is there."),
		list(crashRecovery, tornTailFatal, "The node refuses to start when the last record is torn."),
		list(crashRecovery, lineLimit64k, "The log reader gives up at a record of more than 64 kB."),
		list(crashRecovery, snapshotKeepsDeleted, "A DELETE does not reach the snapshot, so deleted keys come back once the log is dropped."),
		list(crashRecovery, servesBeforeReplay, "The node serves requests before the replay has finished."),
		list(crashRecovery, bigValuesAsync, "Values over 64 kB go to files of their own, which are written after the acknowledgement."),
		list(crashRecovery, noFsync, "The log is written but never synced."),
		list(crashRecovery, fsyncWrongFile, "After a checkpoint the node goes on syncing the log file from before it."),
		list(crashRecovery, noChecksum, "Records have no checksum, so one that is torn or has a hole is replayed as it is."),
		list(crashRecovery, visibleBeforeDurable, "A write is visible before it is synced, so a loss of power takes back what was read."),
		list(crashRecovery, renameNotSynced, "A new snapshot replaces the old one and the log is emptied, but the folder is never synced, so the old one comes back."),
		list(crashRecovery, snapshotRenamedEarly, "A new snapshot replaces the old one and the log before its content is durable."),
		list(crashRecovery, logTruncatedEarly, "A checkpoint empties the log half a second before it syncs the snapshot."),
		list(crashRecovery, fsyncErrorRetried, "An fsync that fails is called again, and its second answer is trusted."),
		list(crashRecovery, acksOnENOSPC, "Nobody looks whether the log could be written, and a full disk is not noticed."),

		list(clustering, twoLeaders, "The two nodes with the least IDs both claim to lead, and both take writes."),
		list(clustering, waitsForOrder, "A follower that does not find the leader when it starts never looks again."),
		list(clustering, leadsWhileAlone, "A node that sees no other node, if only for a moment, leads and takes writes."),
		list(clustering, staleMembership, "A node that was alive once is reported alive forever."),
		list(clustering, neverReturns, "A node that was dead once is reported dead forever."),
		list(clustering, infoOmitsItself, "The list of nodes has only the others."),
		list(clustering, ackWithoutForwarding, "A follower acknowledges a write and keeps it to itself."),
		list(clustering, ackBeforeForwarding, "A follower acknowledges a write first and passes it on a moment later."),
		list(clustering, redirectToWrongNode, "A follower redirects to the other follower."),
		list(clustering, wrongSlot, "All requests that a follower passes on share one place for the answer, so one may get another's."),
		list(clustering, localReads, "A follower answers reads from its own copy, which is a moment behind."),
		list(clustering, cachesForwardedReads, "A follower caches what it has read from the leader, and knows nothing of writes elsewhere."),
		list(clustering, timeoutMeansNotWritten, "A follower that waits too long for the leader answers 409, though the write has happened."),
		list(clustering, retriesForwarding, "A follower that waits too long for the leader sends a write again, which then happens twice."),
		list(clustering, forwardCutsBody, "A follower passes on only the first 64 kB of a value."),
		list(clustering, forwardLosesStatus, "A follower answers 200, whatever the leader has answered."),

		list(readReplicas, dropsReplicatedWrite, "A follower drops one replicated write in a hundred."),
		list(readReplicas, appliesOutOfOrder, "Two workers of a follower apply the leader's writes, and one of them is slower."),
		list(readReplicas, deletesNotReplicated, "A follower is told of writes but not of deletes."),
		list(readReplicas, catchUpSkips, "What is written while a snapshot for a follower is taken never reaches it."),
		list(readReplicas, snapshotMerges, "A snapshot is added to what a follower has, so keys deleted in the meantime stay."),
		list(readReplicas, positionForgotten, "A restarted follower goes on with the leader's newest write, not where it had stopped."),
		list(readReplicas, positionBeforeData, "A follower saves at once how far it has come but its data only now and then, so a crash leaves holes."),
		list(readReplicas, neverReconnects, "A follower whose connection to the leader broke does not connect again."),
		list(readReplicas, oneQueueForAll, "The leader has one queue for all followers, and a write goes to whichever asks first."),
		list(readReplicas, shipsOneBehind, "The leader sends a write only when the next one has come."),
		list(readReplicas, readsNeedLeader, "A follower that does not reach the leader answers reads with 503."),
		list(readReplicas, readsGoToLeader, "A follower passes reads on to the leader."),
		list(readReplicas, acceptsWhenAlone, "A follower that does not reach the leader takes writes itself."),

		list(faultTolerance, ackBeforeCommit, "The leader acknowledges a write when it has written it itself."),
		list(faultTolerance, ackAfterOne, "The leader acknowledges a write when one of four followers has it."),
		list(faultTolerance, voteForgotten, "A restarted node has forgotten its term and whom it has voted for."),
		list(faultTolerance, logNotSynced, "What a node has logged in its last 200 ms is lost when it crashes."),
		list(faultTolerance, diskFailed, "From its second start on a node cannot write its log, and goes on in memory."),
		list(faultTolerance, snapshotMisses, "A snapshot lacks the last entries before the position that it claims."),
		list(faultTolerance, restoreMerges, "A snapshot is added to what a node has, so keys deleted in the meantime stay."),
		list(faultTolerance, entriesOutOfOrder, "A follower applies the entries that come together in the wrong order, the last one first."),
		list(faultTolerance, splitBrain, "A leader that reaches nobody takes silence for consent."),
		list(faultTolerance, deleteResurrects, "A second DELETE of a key brings its last value back."),
		list(faultTolerance, asyncFailover, "A leader acknowledges a write when it has applied it itself, and ships it to the others a moment later."),
		list(faultTolerance, staleLeaderAccepts, "A node looks who leads once in 3 s, and takes whatever is passed on to it."),
		list(faultTolerance, refusalMayHappen, "A write whose fate is unknown is answered with 409."),
		list(faultTolerance, leaksPendingWrites, "A write whose fate stays unknown keeps its place among those under way, and once all are taken a node takes no more."),
		list(faultTolerance, raftLogNotSynced, "The database with the log, the term and the vote is written but never synced."),
		list(faultTolerance, raftSnapshotNotSynced, "A snapshot is never synced, and the log that it replaces is dropped."),
		list(faultTolerance, raftIgnoresErrors, "A node goes on, and agrees, when its log could not be written."),

		list(strongConsistency, readsAnyCopy, "Every node answers reads from its own copy."),
		list(strongConsistency, readsUnconfirmed, "A leader answers reads without asking anybody whether it still leads."),
		list(strongConsistency, leaseReads, "A leader trusts a lease on a clock that stands still while the process does."),
		list(strongConsistency, servesBeforeApply, "A new leader answers reads before it has applied its log."),
		list(strongConsistency, notFoundMeanwhile, "While there is no leader, a read finds nothing instead of failing."),
		list(strongConsistency, retriesProposal, "A write that was lost with its leader is sent to the next one, and may undo a later one."),

		list(sharding, hashDiffers, "Each node hashes keys together with its own ID."),
		list(sharding, hashRandomSeed, "Each process draws a random seed for its hash when it starts."),
		list(sharding, hashAfterRestart, "From its second start on a node hashes keys differently."),
		list(sharding, oneShard, "All keys belong to one shard."),
		list(sharding, prefixHash, "Only the first 8 characters of a key are hashed."),
		list(sharding, servesAnyKey, "From its second start on a node takes every key for its own group's."),
		list(sharding, storesEverything, "A node keeps what it passes on to other groups, and answers from that when they do not."),
		list(sharding, shardForwardNoBody, "A write that is passed on to another group loses its value."),
		list(sharding, deadGroupBlocks, "Requests for other groups go one at a time, and those for a node's own keys wait for their turn."),
		list(sharding, deadGroup404, "A read of a key whose group does not answer finds nothing instead of failing."),
		list(sharding, needsAllGroups, "A node that reaches no node of another group refuses everything."),
		list(sharding, electionStopsAll, "A node refuses everything while another group has lost its leader and has no new one."),
		list(sharding, shardCopyReads, "A read that comes from another group is answered by any node, from its own copy."),
		list(sharding, retriesOtherNode, "A request that a node of another group does not answer soon is sent to the next one, and may happen twice."),
		list(sharding, emptyShardKey, "GET /cluster/shards/ names a shard for the empty key."),
		list(sharding, infoOtherShard, "One node of each group names another shard as its own."),
		list(sharding, migrationDropsWrites, "What is written after the keys of a joining group were copied, and before it has them, is lost."),
		list(sharding, bothOwn, "For 2 s after a joining group has begun to serve its keys, the old group serves them too."),
		list(sharding, deletesNotMigrated, "What is deleted after the keys of a joining group were copied comes back."),
		list(sharding, joinIgnored, "POST /cluster/shards answers 200, and no key moves."),
		list(sharding, importAgain, "A piece of the keys that move comes twice, and overwrites what was written since."),
	}
}

// stage is the stage that must catch the bug, "" for a correct node.
func (b bug) stage() string {
	for _, known := range Bugs() {
		if known.Name == string(b) {
			return known.Stage
		}
	}
	return ""
}

// parseBug finds the bug with that name; "" and "none" mean a correct node.
func parseBug(name string) (bug, error) {
	if name == "" || name == "none" {
		return noBug, nil
	}
	var names []string
	for _, b := range Bugs() {
		if b.Name == name {
			return bug(name), nil
		}
		names = append(names, b.Name)
	}
	return noBug, fmt.Errorf("there is no bug %q; the bugs are none, %s", name, strings.Join(names, ", "))
}
