package kvnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// shardsName is the file that keeps what a node of a sharded cluster cannot ask anybody.
const shardsName = "shards.json"

// knownShards is what that file says.
type knownShards struct {
	// Founders are the shards that were there at this folder's first start. Which shards --peers names later says nothing
	// about who has which keys.
	Founders []string `json:"founders"`
	// Joined is the group that joined later, if this node was told of one.
	Joined *joinedGroup `json:"joined,omitempty"`
}

// A joinedGroup is a new shard, and how this node reaches its nodes.
type joinedGroup struct {
	Shard string       `json:"shard"`
	Nodes []joinedNode `json:"nodes"`
}

type joinedNode struct {
	ID      string `json:"id"`
	Address string `json:"address"`
}

// save replaces the file in dir, durably.
func (k knownShards) save(dir string) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	err = durable.Replace(dir, shardsName, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("remember the shards: %w", err)
	}
	return nil
}

// loadShards reads the file in dir. found is false if there is none, as at the first start.
func loadShards(dir string) (k knownShards, found bool, err error) {
	path := filepath.Join(dir, shardsName)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return knownShards{}, false, nil
	case err != nil:
		return knownShards{}, false, fmt.Errorf("load the shards: %w", err)
	}
	if err := json.Unmarshal(data, &k); err != nil || len(k.Founders) == 0 {
		return knownShards{}, false, fmt.Errorf("the file %s is damaged (%q)", path, data[:min(len(data), 100)])
	}
	return k, true, nil
}

// recall completes the configuration with what the folder remembers; at the first start it remembers what the command
// line says.
func (c *clusterConfig) recall(dir string, b bug) error {
	if c.shard == "" {
		return nil
	}
	known, found, err := loadShards(dir)
	if err != nil {
		return err
	}
	if !found {
		if !c.join {
			known.Founders = append(known.Founders, c.shard)
		}
		for _, m := range c.members {
			if m.shard != c.shard {
				known.Founders = append(known.Founders, m.shard)
			}
		}
		known.Founders = sorted(known.Founders)
	}
	// Also what was found is saved: the node may have ended before it was durable. On a full disk it is left as it is.
	if err := known.save(dir); err != nil && !(found && durable.IsFull(err)) {
		return err
	}
	if slices.Contains(known.Founders, c.shard) == c.join {
		return fmt.Errorf("--shard %s and --join do not fit the folder %s, which began with %q", c.shard, dir, known.Founders)
	}
	c.known, c.placement = known, newPlacement(known.Founders, b, c.id, found)
	c.restarted = found
	if known.Joined != nil {
		c.members = known.Joined.addTo(c.members)
	}
	return nil
}

// addTo returns the members and those of the group that are not among them: what the command line says is newer.
func (g joinedGroup) addTo(members []member) []member {
	members = slices.Clone(members)
	for _, node := range g.Nodes {
		if !slices.ContainsFunc(members, func(m member) bool { return m.id == node.ID }) {
			members = append(members, member{id: node.ID, shard: g.Shard, address: node.Address})
		}
	}
	slices.SortFunc(members, func(a, b member) int { return compareIDs(a.id, b.id) })
	return members
}
