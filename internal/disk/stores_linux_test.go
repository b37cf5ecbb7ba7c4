package disk

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// writer commits transactions 1, 2, … to a database on a disk, and prints the number of
// each that is committed; check says how many there are, without a gap.
type writer struct {
	start func(t *testing.T, path string, syncs bool) *child
	check func(t *testing.T, path string) (uint64, error)
	file  string
}

func boltWriter(*testing.T) writer {
	return writer{
		file: "bolt.db",
		start: func(t *testing.T, path string, syncs bool) *child {
			mode := "nosync"
			if syncs {
				mode = "sync"
			}
			return startChild(t, "bolt", path, mode)
		},
		// A child, for this process must not map what it serves itself, nor die of a damaged file.
		check: func(_ *testing.T, path string) (uint64, error) { return counted(childCommand("bolt-check", path)) },
	}
}

const sqliteWriter = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=" + sys.argv[2])
db.execute("PRAGMA wal_autocheckpoint=50")
db.execute("CREATE TABLE IF NOT EXISTS t (i INTEGER PRIMARY KEY, v BLOB)")
i = db.execute("SELECT coalesce(max(i), 0) FROM t").fetchone()[0]
while True:
    i += 1
    db.execute("INSERT INTO t VALUES (?, ?)", (i, bytes(i % 5000)))
    print(i, flush=True)
`

const sqliteCheck = `
import os, sqlite3, sys
if not os.path.exists(sys.argv[1]):
    print(0); sys.exit()
db = sqlite3.connect(sys.argv[1])
ok = db.execute("PRAGMA integrity_check").fetchone()[0]
if ok != "ok":
    sys.exit("integrity check: " + ok)
if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 't'").fetchone():
    print(0); sys.exit()
most, n = db.execute("SELECT coalesce(max(i), 0), count(*) FROM t").fetchone()
if most != n:
    sys.exit("%d rows, up to %d" % (n, most))
print(n)
`

func sqlite(t *testing.T) writer {
	if err := exec.Command("python3", "-c", "import sqlite3").Run(); err != nil {
		t.Skip("python3 with its module sqlite3 is needed to test SQLite:", err)
	}
	return writer{
		file: "sqlite.db",
		start: func(t *testing.T, path string, syncs bool) *child {
			mode := "OFF"
			if syncs {
				mode = "FULL"
			}
			return start(t, exec.Command("python3", "-c", sqliteWriter, path, mode))
		},
		check: func(_ *testing.T, path string) (uint64, error) {
			return counted(exec.Command("python3", "-c", sqliteCheck, path))
		},
	}
}

// counted is the number that a program prints.
func counted(cmd *exec.Cmd) (uint64, error) {
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		return 0, fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64)
}

// round lets a writer work, kills it, and takes the power away. It returns how many
// transactions were committed, and how many there are.
func (w writer) round(t *testing.T, d *Disk, dir string, syncs bool, seed int64) (committed, there uint64, err error) {
	t.Helper()
	path := filepath.Join(dir, w.file)
	c := w.start(t, path, syncs)
	if c.line() == "" {
		t.Fatal("the writer commits nothing")
	}
	time.Sleep(time.Duration(50+40*seed) * time.Millisecond) // any moment is as good as another
	last := c.kill()
	if last != "" {
		if committed, err = strconv.ParseUint(last, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	l := lose(t, d, seed)
	there, err = w.check(t, path)
	t.Logf("committed %d, there are %d; %v; %v", committed, there, l, err)
	return committed, there, err
}

func TestADatabaseThatSyncsLosesNothing(t *testing.T) {
	for name, make := range map[string]func(*testing.T) writer{"BoltDB": boltWriter, "SQLite": sqlite} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, strict %v", name, strict), func(t *testing.T) {
				t.Parallel()
				w := make(t)
				d, dir := mount(t, Options{Strict: strict})
				if strict && name == "BoltDB" { // which never syncs the folder of its file
					s := newScript(t, dir)
					s.run("create bolt.db\n syncdir .\n close bolt.db")
				}
				for seed := range int64(6) {
					committed, there, err := w.round(t, d, dir, true, seed)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if there < committed {
						t.Fatalf("seed %d: %d of %d committed transactions are there", seed, there, committed)
					}
				}
			})
		}
	}
}

func TestADatabaseThatDoesNotSyncIsCaught(t *testing.T) {
	for name, make := range map[string]func(*testing.T) writer{"BoltDB": boltWriter, "SQLite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := make(t)
			for seed := range int64(6) {
				d, dir := mount(t, Options{})
				committed, there, err := w.round(t, d, dir, false, seed)
				if err != nil || there < committed {
					return // caught
				}
			}
			t.Error("nothing was ever lost")
		})
	}
}
