package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/st3v3nmw/lsfr/internal/disk"
)

// ErrNoDisk is returned where only a node on a disk of lsfr can do what was asked.
var ErrNoDisk = errors.New("its working folder is no disk of lsfr")

// mount puts the node's working folder on a disk of lsfr, if the cluster has disks.
// What belongs to the disk is in a folder beside it.
func (c *Cluster) mount(ctx context.Context, n *Node) error {
	if !c.cfg.Disks {
		return nil
	}
	dir := c.inDir(n.workingDir)
	d, err := disk.Mount(ctx, dir, dir+".disk", disk.Options{Strict: c.cfg.StrictDisks})
	n.disk = d
	return err
}

// closeDisks makes the working folders plain again, when every process is gone.
func (c *Cluster) closeDisks(nodes []*Node) error {
	var errs []error
	for _, n := range nodes {
		if n.disk == nil {
			continue
		}
		if err := n.disk.Close(context.Background()); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", n.id, err))
		}
	}
	return errors.Join(errs...)
}

// LosePower kills the node and takes from its disk what was not durable, as the seed
// decides. Errors are those of Kill, ErrNoDisk, and those of the disk.
func (n *Node) LosePower(ctx context.Context, seed int64) (disk.Loss, error) {
	if n.disk == nil {
		return disk.Loss{}, fmt.Errorf("take the power of node %s: %w", n.id, ErrNoDisk)
	}
	if err := n.disk.CutPower(func(dead func()) error { return n.kill(ctx, dead) }); err != nil {
		return disk.Loss{}, err
	}
	loss, err := n.disk.LosePower(ctx, seed)
	if err != nil {
		return loss, fmt.Errorf("take the power of node %s: %w", n.id, err)
	}
	n.log.event("lost power: %s", loss)
	return loss, nil
}

// LimitSpace lets the disk be full once so many more bytes are written. It and the
// methods below need a node on a disk of lsfr.
func (n *Node) LimitSpace(bytes int64) (heal func()) {
	n.log.event("the disk has %d bytes left", bytes)
	free := n.disk.LimitSpace(bytes)
	return func() {
		free()
		n.log.event("the disk has space again")
	}
}

// FailSync lets the next sync fail with EIO, once.
func (n *Node) FailSync() (heal func()) {
	n.log.event("the next fsync fails with EIO")
	return n.disk.FailSync()
}

// SlowSync lets each sync take some time.
func (n *Node) SlowSync(least, most time.Duration, seed int64) (heal func()) {
	n.log.event("each fsync takes %s to %s", least, most)
	fast := n.disk.SlowSync(least, most, seed)
	return func() {
		fast()
		n.log.event("fsync is fast again")
	}
}

// DiskStats counts what the disk did.
func (n *Node) DiskStats() disk.Stats { return n.disk.Stats() }

// AtRisk is what the node would lose if power went now.
func (n *Node) AtRisk() disk.Risk { return n.disk.AtRisk() }

// Tolerate says whether it is no failure from now on if the node exits by itself: when
// its disk fails, that is a sound way to go.
func (n *Node) Tolerate(yes bool) { n.tolerant.Store(yes) }

// empty removes what is in a folder, and makes it if it is not there. The folder itself
// stays: it may be where a disk is mounted.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
