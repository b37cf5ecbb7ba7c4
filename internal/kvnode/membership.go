package kvnode

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A member is another node of the cluster.
type member struct {
	id    string
	shard string // the group that it belongs to, "" where there are none
	// address is how this node reaches it, HOST:PORT. Other nodes have other addresses for it.
	address string
}

// parsePeers reads what --peers says on the node named self, which belongs to the shard or, if it is "", to none. No peers
// are no cluster.
func parsePeers(self, shard, list string) ([]member, error) {
	if list == "" {
		return nil, nil
	}
	if err := checkID(self); err != nil {
		return nil, fmt.Errorf("--id: %w", err)
	}
	var peers []member
	seen := map[string]bool{self: true}
	for item := range strings.SplitSeq(list, ",") {
		name, address, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fmt.Errorf("--peers: %q is not ID=HOST:PORT", item)
		}
		group, id, err := splitShard(name, shard)
		if err != nil {
			return nil, fmt.Errorf("--peers: %q: %w", item, err)
		}
		if err := checkID(id); err != nil {
			return nil, fmt.Errorf("--peers: %q: %w", item, err)
		}
		host, port, err := net.SplitHostPort(address)
		number, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || number == 0 || host == "" {
			return nil, fmt.Errorf("--peers: %q: %q is not HOST:PORT", item, address)
		}
		if seen[id] {
			return nil, fmt.Errorf("--peers: %q: the node %s is there already", item, id)
		}
		seen[id] = true
		peers = append(peers, member{id: id, shard: group, address: address})
	}
	slices.SortFunc(peers, func(a, b member) int { return compareIDs(a.id, b.id) })
	return peers, nil
}

// splitShard reads SHARD/ID where the node itself belongs to a shard, and ID where it does not.
func splitShard(name, shard string) (group, id string, err error) {
	group, id, divided := strings.Cut(name, "/")
	switch {
	case !divided && shard == "":
		return "", name, nil
	case !divided:
		return "", "", errors.New("with --shard each peer is SHARD/ID=HOST:PORT")
	case shard == "":
		return "", "", errors.New("it names a shard, but there is no --shard")
	case checkID(group) != nil:
		return "", "", fmt.Errorf("%q is no name of a shard", group)
	}
	return group, id, nil
}

func checkID(id string) error {
	if id == "" {
		return errors.New("a node needs a name")
	}
	if strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Errorf("the name %q has a space in it", id)
	}
	return nil
}

// compareIDs orders names that end in numbers by the numbers: n2 is before n10.
func compareIDs(a, b string) int {
	nameA, numberA := splitID(a)
	nameB, numberB := splitID(b)
	return cmp.Or(
		cmp.Compare(nameA, nameB),
		cmp.Compare(len(numberA), len(numberB)),
		cmp.Compare(numberA, numberB),
		cmp.Compare(a, b),
	)
}

// splitID cuts off the number at the end, without leading zeros.
func splitID(id string) (name, number string) {
	name = strings.TrimRight(id, "0123456789")
	return name, strings.TrimLeft(id[len(name):], "0")
}

// An election says who leads.
type election interface {
	// leader returns the leader's ID, "" while there is none, and its term, which grows with each change.
	leader() (id string, term uint64)
}

// fixedLeader is the election's outcome where nobody votes.
type fixedLeader string

func (f fixedLeader) leader() (string, uint64) { return string(f), 0 }
