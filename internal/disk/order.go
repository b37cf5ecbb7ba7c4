package disk

// place is an entry of a folder, whether or not it holds anything.
type place struct {
	dir  *inode
	name string
}

// entry is a place that changes what it holds. Either of from and to may be nil.
type entry struct {
	place
	from, to *inode
}

// nameChange is one operation on names. It becomes durable as a whole.
type nameChange struct {
	entries []entry
	// text says what it did, in paths as they were.
	text string
	// moves says that a folder went from one folder to another.
	moves bool
}

// within reports whether the change sets an entry of the folder, about whether it puts n
// anywhere or takes it from there.
func (c *nameChange) within(dir *inode) bool {
	for _, e := range c.entries {
		if e.dir == dir {
			return true
		}
	}
	return false
}

func (c *nameChange) about(n *inode) bool {
	for _, e := range c.entries {
		if e.from == n || e.to == n {
			return true
		}
	}
	return false
}

// puts reports whether the change gives n a name.
func (c *nameChange) puts(n *inode) bool {
	for _, e := range c.entries {
		if e.to == n {
			return true
		}
	}
	return false
}

// maxPending bounds the changes of names that wait for a sync. Beyond it the older half
// becomes durable, as it does on a real disk after some seconds.
const maxPending = 1 << 16

// choose divides changes, which are in order, into those that become durable, because
// wanted says so or because one of these builds upon them, and the rest.
//
// A change builds upon earlier ones of the same places; removing a folder, upon what
// happened in it; with parents, also upon those that put the folders of its places
// where they are. Moving a folder builds upon everything: the tree could become a
// circle otherwise. What a change builds upon is always earlier, so one pass from the
// last to the first finds all.
func choose(changes []*nameChange, parents bool, wanted func(*nameChange) bool) (chosen, rest []*nameChange) {
	places := map[place]bool{}
	removed := map[*inode]bool{}
	folders := map[*inode]bool{}
	everything := false
	builtUpon := func(c *nameChange) bool {
		for _, e := range c.entries {
			if places[e.place] || removed[e.dir] || folders[e.to] {
				return true
			}
		}
		return false
	}
	take := make([]bool, len(changes))
	n := 0
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		if !everything && !wanted(c) && !builtUpon(c) {
			continue
		}
		take[i] = true
		n++
		everything = everything || c.moves
		for _, e := range c.entries {
			places[e.place] = true
			if parents {
				folders[e.dir] = true
			}
			if e.from != nil && e.from.isDir() && !c.puts(e.from) {
				removed[e.from] = true
			}
		}
	}
	chosen, rest = make([]*nameChange, 0, n), make([]*nameChange, 0, len(changes)-n)
	for i, c := range changes {
		if take[i] {
			chosen = append(chosen, c)
		} else {
			rest = append(rest, c)
		}
	}
	return chosen, rest
}
