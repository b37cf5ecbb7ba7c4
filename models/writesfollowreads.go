package models

// writesFollowReads: everyone sees a write after the writes that its client had
// read before. Who has seen the one must not find what one of the others had
// replaced (after Terry et al., Session Guarantees for Weakly Consistent Replicated
// Data, PDIS 1994, told by what clients can observe).
func writesFollowReads() Model {
	return Model{
		Name:  "writes-follow-reads",
		Title: "whoever sees a write also sees what its client had read before it",
		Kinds: registerKinds(),
		whole: bySessions(oldReadRule(RuleEffectBeforeCause, follows{rw: true, rr: true})),
	}
}
