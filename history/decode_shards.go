package history

const (
	groupShard = iota
	groupNodes
)

var groupMembers = []string{groupShard: "shard", groupNodes: "nodes"}

func (d *decoder) group() error {
	var g Group
	err := d.object("an object", groupMembers, func(m int) (err error) {
		switch m {
		case groupShard:
			_, err = d.readText(&g.Shard)
		case groupNodes:
			err = d.readTexts(&g.Nodes)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.h.Groups = append(d.h.Groups, g)
	return nil
}

// readShards reads an object of keys and their shards. One that breaks off is
// dropped as a whole: which keys are missing from it nobody knows.
func (d *decoder) readShards() error {
	const want = "an object of keys and their shards"
	if err := d.open('{', want); err != nil {
		return err
	}
	var shards map[string]string
	seen := make(map[string]bool)
	for d.dec.PeekKind() != '}' {
		quoted, err := d.dec.ReadValue()
		if err != nil {
			return d.explain(err)
		}
		key := d.unquote(quoted)
		if seen[key] {
			return d.fail("%q has two members %q", d.member, shorten(key))
		}
		seen[key] = true
		v, err := d.value()
		switch {
		case err != nil:
			return err
		case len(v) == 0: // null is as good as a missing key
			continue
		case v[0] != '"':
			return d.fail("%q holds something else than a string for the key %q, want %s", d.member, shorten(key), want)
		}
		if shards == nil {
			shards = make(map[string]string)
		}
		shards[key] = d.unquote(v)
	}
	if err := d.close(); err != nil {
		return err
	}
	d.h.Shards = shards
	return nil
}
