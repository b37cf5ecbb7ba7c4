package report

import "github.com/st3v3nmw/lsfr/models"

// causes says, for each rule, what the requirement is and what usually breaks it.
var causes = map[models.Rule]string{
	models.RuleTornValue: "A value has to come back byte for byte as one client wrote it. A read that returns part of a value, or parts of two, " +
		"usually saw a write half done: the value was changed in place while it was being read, a large body or log record was read " +
		"in pieces and only the first piece was used, or a record that a crash had cut off was taken for a whole one after the restart.",
	models.RuleNeverWritten: "Only what a client wrote to this key, and had written by then, may be read from it. A foreign value usually means that keys or " +
		"records were mixed up: buffers shared between requests, a record boundary lost when a value holds a newline, a quote or a " +
		"separator, an encoding that does not give back what it was given, or data of an earlier run in the working directory.",
	models.RuleFailedVisible: "An answer that refuses a write (4xx) is a promise that it never takes effect. Usually the write had been " +
		"applied before the check that refused it. If the outcome is open, the answer has to be a 5xx or none at all.",
	models.RuleLostWrite: "An acknowledged write must be found until it is overwritten or deleted, whatever happens to the process. Look at the moment of the " +
		"answer: is the write by then everywhere it has to be? If the fault timeline shows a crash or a restart in between, look at what is " +
		"durable before the answer is sent, and at what recovery skips: the end of the log, what came after a snapshot, records it cannot " +
		"parse. Without a fault in between, look at two writers that both change a copy, of which the last one wins.",
	models.RuleDeletedCameBack: "A delete that was answered is a write like any other: it must survive whatever a put survives. Look at whether it is recorded as durably " +
		"as puts are, in the same order, and whether anything (a snapshot, an old log, a cache) can put the old value back after it.",
	models.RuleStaleRead: "Once an answer has shown that a newer value is there, every later read, by any client, must return it or one newer still. " +
		"A stale read usually comes from a second copy of the data that lags behind: a cache that is not updated together with the store, a snapshot that " +
		"readers still hold, a write applied only after its answer was sent. After a crash, it also means that writes were recovered " +
		"in another order than clients saw them.",
	models.RuleNotLinearizable: "Operations that overlap may take effect in either order, but all clients must be able to agree on one order. " +
		"Here there is none. Look for reads and writes of the same key that do not exclude each other, for a check and a change made in two " +
		"separate steps, and for readers that can see a write before it is certain to last.",
	models.RuleDuplicate: "What was written once may be taken once. Usually a request was carried out again: a client or a node tried again after an " +
		"answer had been lost, or a log was applied a second time after a restart. Give each request a number, and remember which were done.",
	models.RuleCopiesDisagree: "Once faults have healed and nobody writes any more, all copies must come to hold the same. A copy that stays behind usually missed " +
		"something while it was cut off or down and was never told: look at how it finds out what it lacks. If it holds something that the others " +
		"do not, look at writes that were applied before they were certain, and never taken back.",
	models.RuleOwnWriteMissed: "A client that was told of its write's success must find it, or something newer, whichever copy it asks next. " +
		"Reads went to a copy that the write had not reached: let them wait for it, or go where the writes go.",
	models.RuleWentBackwards: "A client that has seen a value must not see an older one afterwards. Two of its reads went to two copies, the second of which was further behind: " +
		"keep a client on one copy, or let it say how much it has seen.",
	models.RuleWritesReordered: "What one client wrote first must show first. Look at how writes reach the copies: by several connections, in parallel, or " +
		"over again after a failure, a later one can overtake an earlier one.",
	models.RuleEffectBeforeCause: "A write that was made by someone who had seen another must not show before that other. Look at how a copy decides that it may apply a " +
		"write: it has to wait for what the write rests on.",
	models.RuleNotCausal: "Whoever sees a write must also find what led to it, and all must agree on which of two writes to a key is the later. " +
		"Look at copies that apply writes in different orders, and at reads that move from one copy to another that is further behind.",
	models.RuleNotSequential: "All operations must fit into one order that keeps each client's own. Here none does: two parts of the store went on for a while without each other, " +
		"and what each of them showed contradicts the other.",
}

// checkCauses is the same for what checks find violated, where the check's own hint does
// not say it.
var checkCauses = map[string]string{
	"no single leader": "Two nodes that both believe to lead, or nodes that cannot agree on one. Two leaders in one term mean that some node voted twice, often " +
		"because it forgot its vote in a restart; two in different terms are allowed for a moment, if the old one cannot have anything acknowledged. If " +
		"nobody leads for long, elections collide: their timeouts are the same on all nodes, or shorter than a round of requests takes.",
	"term went back": "A term must only ever grow, on each node and across restarts. Usually it was kept in memory, or written after it had been used.",
	"unavailable": "A majority that is connected has to go on. Usually nobody notices that the leader is gone, votes split again and again, or a request that " +
		"never ends holds a lock or a connection that everybody needs.",
	"acknowledged without a majority": "A write that only a minority holds is gone when the others elect a leader of their own. Count the copies before the answer " +
		"is sent: more than half of all members, not of those that can be reached.",
	"value missing":          "An acknowledged write must be found. Look at where the write is at the moment of its answer, and which node was asked for it.",
	"groups not independent": "A group that waits for another one shares its failures. Look for what all groups go through: a lock, a queue, one pool of connections, a leader of all.",
}
