package challenges

import "slices"

// Rule names in a few standard words what a node violated, so that a script need not
// read sentences. Where a consistency model has a rule for the same, the words are its.
type Rule string

// The rules that checks find violated.
const (
	// RuleWrongAnswer is a status or a body that the API does not have for this request.
	RuleWrongAnswer Rule = "wrong answer"
	// RuleNoAnswer is a request that got no complete answer.
	RuleNoAnswer Rule = "no answer"
	// RuleUnavailable is an answer by which a node declines what it has to do.
	RuleUnavailable Rule = "unavailable"
	// RuleWrongRedirect is a redirect that leads out of the cluster or round in circles.
	RuleWrongRedirect Rule = "wrong redirect"
	// RuleValueMissing is a value that was acknowledged and is not there.
	RuleValueMissing Rule = "value missing"
	// RuleWrongValue is another value than was acknowledged.
	RuleWrongValue Rule = "wrong value"
	// RuleDeletedCameBack is a value under a key that is not to have one.
	RuleDeletedCameBack Rule = "deleted value came back"
	// RuleTornValue is part of a value.
	RuleTornValue Rule = "torn value"
	// RuleStaleRead is something older than what was acknowledged elsewhere.
	RuleStaleRead Rule = "stale read"
	// RuleCopiesDisagree is two nodes that answer differently once all is well.
	RuleCopiesDisagree Rule = "copies disagree"
	// RuleNoMajority is a write that was acknowledged without a majority.
	RuleNoMajority Rule = "acknowledged without a majority"
	// RuleFailedVisible is a write that was refused, and took effect all the same.
	RuleFailedVisible Rule = "write reported failed but visible"
	// RuleNoSingleLeader is nodes that do not agree on one leader in time.
	RuleNoSingleLeader Rule = "no single leader"
	// RuleTermWentBack is a term that has not grown where it must.
	RuleTermWentBack Rule = "term went back"
	// RuleClusterInfo is an answer to GET /cluster/info that breaks its form.
	RuleClusterInfo Rule = "cluster info"
	// RuleMembership is a node that is reported alive and is not, or the reverse.
	RuleMembership Rule = "wrong membership"
	// RuleShard is nodes that name different shards for a key, or other ones than before.
	RuleShard Rule = "shard changed"
	// RuleSpread is a shard with far more or fewer of the keys than its share.
	RuleSpread Rule = "uneven shards"
	// RuleDivision is data outside the group that it belongs to.
	RuleDivision Rule = "data not divided"
	// RuleInterrupted is a group that does not work while only another one is disturbed.
	RuleInterrupted Rule = "groups not independent"
	// RuleTooSlow is a check that was given up after a long time, and proves nothing.
	RuleTooSlow Rule = "too slow"
)

var rules = [...]Rule{
	RuleWrongAnswer, RuleNoAnswer, RuleUnavailable, RuleWrongRedirect, RuleValueMissing, RuleWrongValue, RuleDeletedCameBack,
	RuleTornValue, RuleStaleRead, RuleCopiesDisagree, RuleNoMajority, RuleFailedVisible, RuleNoSingleLeader, RuleTermWentBack, RuleClusterInfo,
	RuleMembership, RuleShard, RuleSpread, RuleDivision, RuleInterrupted, RuleTooSlow,
}

// Rules lists them.
func Rules() []Rule { return slices.Clone(rules[:]) }
