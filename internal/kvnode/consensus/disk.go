package consensus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// disk is the file with log, term and vote. A node whose file could not be written must not go on: the library would
// take what it has refused for what it has, and after a failed sync nobody knows what a restart will find. So it ends.
type disk struct {
	*raftboltdb.BoltStore
	written func(error) error // is given the result of every write
}

func (d *disk) StoreLog(entry *raft.Log) error { return d.StoreLogs([]*raft.Log{entry}) }

func (d *disk) StoreLogs(entries []*raft.Log) error { return d.written(d.BoltStore.StoreLogs(entries)) }

func (d *disk) DeleteRange(first, last uint64) error {
	return d.written(d.BoltStore.DeleteRange(first, last))
}

func (d *disk) Set(key, value []byte) error { return d.written(d.BoltStore.Set(key, value)) }

func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.written(d.BoltStore.SetUint64(key, value))
}

// written ends the node if its file could not be written.
func (n *Node) written(err error) error {
	if err == nil || n.cfg.Faults.IgnoresErrors {
		return nil
	}
	n.fail(fmt.Errorf("log.db cannot be written, and what it holds is in doubt until a restart: %w", err))
	return err
}

// fail ends the node, unless it is closing: then its files may be closed already.
func (n *Node) fail(err error) {
	select {
	case <-n.closing:
		return
	default:
	}
	n.cfg.Fatal(err)
	<-n.closing
}

// bolt are the database's options. It writes pages, syncs, writes the page that makes them count, and syncs again.
func (c Config) bolt(path string) raftboltdb.Options {
	return raftboltdb.Options{
		Path: path,
		BoltOptions: &bbolt.Options{
			Timeout: lockTime, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
			NoGrowSync: c.Faults.NothingSynced,
		},
		NoSync: c.Faults.NothingSynced,
	}
}

// openFolder creates what is not there, so that a loss of power leaves it there or not, but nothing half made.
func (c Config) openFolder() error {
	path := filepath.Join(c.Dir, "log.db")
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return durable.MakeFolder(filepath.Join(c.Dir, snapshotsName))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	// Without a log nothing here is worth anything; the folder itself may not be durable.
	if err := os.RemoveAll(c.Dir); err != nil {
		return fmt.Errorf("clear the folder: %w", err)
	}
	for _, dir := range []string{c.Dir, filepath.Join(c.Dir, snapshotsName)} {
		if err := durable.MakeFolder(dir); err != nil {
			return fmt.Errorf("create the folder: %w", err)
		}
	}
	correct := c
	correct.Faults = Faults{}
	db, err := raftboltdb.New(correct.bolt(filepath.Join(c.Dir, durable.TempName("log.db"))))
	if err == nil {
		err = db.Close()
	}
	if err == nil {
		err = durable.Install(c.Dir, "log.db")
	}
	if err != nil {
		return fmt.Errorf("create log.db: %w", err)
	}
	return nil
}
