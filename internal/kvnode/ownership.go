package kvnode

import "errors"

// ownership is which keys a group has, as its log says, so that all of its nodes agree on the moment when a key leaves or
// arrives. When a group joins, three kinds of entries move the keys of each other group to it:
//
//  1. opLeave, in the old group's log. From then on it refuses what concerns the keys that go, and they stay as they are.
//  2. opImport, in the new group's log, as many as it needs: what these keys hold. They may come twice, as long as nothing
//     was written since; then opArrived, after which the new group has the keys and ignores more imports.
//  3. opLeft, in the old group's log: the data is dropped.
//
// Whoever leads goes on where the log says. A key is never in two groups, because opArrived comes after opLeave.
type ownership struct {
	self   string
	joins  bool      // this group came later
	before placement // of the shards at the beginning
	after  placement // with the group that joins

	leaves  string          // the group that keys leave to, "" before
	left    bool            // they are there, and dropped here
	arrived map[string]bool // at a group that joins: the groups whose keys are all here
}

// errLeft is the refusal of what concerns a key that another group has.
var errLeft = errors.New("another shard group has the key")

func newOwnership(cfg clusterConfig) *ownership {
	o := &ownership{self: cfg.shard, joins: cfg.join, before: cfg.placement, after: cfg.placement, arrived: make(map[string]bool)}
	if o.joins {
		o.after = o.before.with(o.self)
	}
	return o
}

// has tells whether the group has a key that is, was or is going to be its own.
func (o *ownership) has(key string) bool {
	switch {
	case o.joins:
		return o.after.owner(key) == o.self && o.arrived[o.before.owner(key)]
	case o.leaves == "":
		return true
	}
	return o.after.owner(key) != o.leaves
}

// owner names the key's shard, where told is the group that has joined as far as the node knows from elsewhere. Of its own
// keys a group knows by its log.
func (o *ownership) owner(key, told string) string {
	was := o.before.owner(key)
	switch {
	case o.joins:
		if o.has(key) {
			return o.self
		}
		return was
	case was == o.self:
		if o.has(key) {
			return o.self
		}
		return o.leaves
	case told == "":
		told = o.leaves
	}
	if told == "" {
		return was
	}
	return o.before.with(told).owner(key)
}

// leave begins to hand keys over to a group that joins. There is only one.
func (o *ownership) leave(to string) {
	if !o.joins && o.leaves == "" {
		o.leaves, o.after = to, o.before.with(to)
	}
}

// goes tells whether a key is to be handed over.
func (o *ownership) goes(key string) bool { return o.leaves != "" && !o.has(key) }

// records is the state as a snapshot holds it.
func (o *ownership) records() []record {
	var records []record
	if o.leaves != "" {
		records = append(records, record{op: opLeave, key: o.leaves})
	}
	if o.left {
		records = append(records, record{op: opLeft, key: o.leaves})
	}
	for source := range o.arrived {
		records = append(records, record{op: opArrived, key: source})
	}
	return records
}

// restore replaces the state by that of a snapshot.
func (o *ownership) restore(records []record) {
	o.leaves, o.left, o.after = "", false, o.before
	clear(o.arrived)
	if o.joins {
		o.after = o.before.with(o.self)
	}
	for _, r := range records {
		o.apply(nil, []record{r})
	}
}

// apply makes the changes of an entry that concerns the ownership, and tells whether it is one.
func (o *ownership) apply(values map[string]string, entry []record) bool {
	switch first := entry[0]; first.op {
	case opLeave:
		o.leave(first.key)
	case opLeft:
		o.left = true
		for key := range values {
			if o.goes(key) {
				delete(values, key)
			}
		}
	case opImport:
		if o.joins && (!o.arrived[first.key] || o.after.bug == importAgain) {
			for _, r := range entry[1:] {
				apply(values, r)
			}
		}
	case opArrived:
		if o.joins {
			o.arrived[first.key] = true
		}
	default:
		return false
	}
	return true
}
