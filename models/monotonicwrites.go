package models

// monotonicWrites: everyone sees the writes of one client in the order in which
// it made them. Who has seen one of them must not find, on any key, what an
// earlier one of that client had replaced (after Terry et al., Session Guarantees for
// Weakly Consistent Replicated Data, PDIS 1994, told by what clients can observe).
func monotonicWrites() Model {
	return Model{
		Name:  "monotonic-writes",
		Title: "everyone sees the writes of one client in the order in which it made them",
		Kinds: registerKinds(),
		whole: bySessions(oldReadRule(RuleWritesReordered, follows{ww: true, rr: true})),
	}
}
