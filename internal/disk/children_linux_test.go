package disk

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

func children() map[string]func(args []string) error {
	return map[string]func(args []string) error{
		"bolt": boltChild,

		"bolt-check": boltCheckChild,
		"mmap":       mmapChild,
		"msync":      msyncChild,
		"serve":      serveChild,
		"sit":        sitChild,
		"user":       userChild,
	}
}

// child is a process that prints lines.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	in    io.WriteCloser
}

func start(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	in, err := cmd.StdinPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	c := &child{cmd: cmd, lines: bufio.NewScanner(out), in: in}
	t.Cleanup(func() { c.kill() })
	return c
}

func startChild(t *testing.T, role string, args ...string) *child {
	t.Helper()
	return start(t, childCommand(role, args...))
}

func childCommand(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	return cmd
}

// line reads a line, or "" at the end.
func (c *child) line() string {
	if !c.lines.Scan() {
		return ""
	}
	return c.lines.Text()
}

// kill ends the process with SIGKILL, and returns what it had printed last.
func (c *child) kill() (last string) {
	c.cmd.Process.Kill()
	for c.lines.Scan() {
		last = c.lines.Text()
	}
	c.in.Close()
	c.cmd.Wait()
	return last
}

// boltChild commits transactions until it is killed, and prints the number of each that is
// committed. In the bucket, key i says in which transaction it was set last.
func boltChild(args []string) error {
	db, err := bbolt.Open(args[0], 0o600, &bbolt.Options{NoSync: args[1] == "nosync", NoGrowSync: args[1] == "nosync"})
	if err != nil {
		return err
	}
	first, err := boltCount(db)
	if err != nil {
		return err
	}
	for i := first + 1; ; i++ {
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			value := binary.BigEndian.AppendUint64(nil, i)
			return b.Put(fmt.Appendf(nil, "key%d", i), append(value, make([]byte, i%5000)...))
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// boltCheckChild prints how many transactions there are, without a gap; it fails if the
// database is damaged.
func boltCheckChild(args []string) error {
	if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
		fmt.Println(0)
		return nil
	}
	db, err := bbolt.Open(args[0], 0o600, &bbolt.Options{Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	n, err := boltCount(db)
	fmt.Println(n)
	return err
}

func boltCount(db *bbolt.DB) (n uint64, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			// What checks goes on, for long in a damaged file, and needs tx until it ends.
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		b := tx.Bucket([]byte("b"))
		if b == nil {
			return nil
		}
		for {
			v := b.Get(fmt.Appendf(nil, "key%d", n+1))
			if v == nil {
				break
			}
			if binary.BigEndian.Uint64(v) != n+1 {
				return fmt.Errorf("key%d has another value", n+1)
			}
			n++
		}
		if got := uint64(b.Stats().KeyN); got != n {
			return fmt.Errorf("%d keys, but the first %d without a gap", got, n)
		}
		return nil
	})
	return n, err
}

// msyncChild maps a file of mappedBytes, fills it, and says what msync says.
func msyncChild(args []string) error {
	fd, err := unix.Open(args[0], unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	mapped, err := unix.Mmap(fd, 0, mappedBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	for i := range mapped {
		mapped[i] = 'm'
	}
	if err := unix.Msync(mapped, unix.MS_SYNC); err != nil {
		fmt.Println(err)
		return nil
	}
	fmt.Println("durable")
	return nil
}

const mappedBytes = 64 << 10

// mmapChild maps a file, changes it in memory, makes the first half of the changes
// durable with msync, and waits.
func mmapChild(args []string) error {
	f, err := os.OpenFile(args[0], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	const size = 8 * page
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	for i := range data {
		data[i] = 'm'
	}
	if err := unix.Msync(data, unix.MS_SYNC); err != nil {
		return err
	}
	for i := range data {
		data[i] = 'n'
	}
	fmt.Println("mapped")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// serveChild serves a disk with one file in it until it is killed.
func serveChild(args []string) error {
	_, err := Mount(context.Background(), args[0], args[1], Options{})
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(args[0], "file"))
	if err != nil {
		return err
	}
	if _, err := f.WriteString("durable"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if _, err := f.WriteString(" and seen"); err != nil {
		return err
	}
	fmt.Println("served")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// sitChild makes a folder its working folder, keeps a file open there, and tells for each
// line that it reads whether it can still write.
func sitChild(args []string) error {
	if err := os.Chdir(args[0]); err != nil {
		return err
	}
	f, err := os.Create("sitting")
	if err != nil {
		return err
	}
	fmt.Println("sitting")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		_, err := f.WriteString("late")
		fmt.Println(err != nil)
	}
	return nil
}

// userChild does what a run does, as an ordinary user.
func userChild(args []string) error {
	if err := Supported(); err != nil {
		fmt.Println(err)
		return nil
	}
	dir := args[0]
	point := filepath.Join(dir, "n1")
	d, err := Mount(context.Background(), point, filepath.Join(dir, "n1.disk"), Options{})
	if err != nil {
		return err
	}
	write := func(name string, sync bool) error {
		f, err := os.Create(filepath.Join(point, name))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString(name); err != nil || !sync {
			return err
		}
		return f.Sync()
	}
	if err := write("synced", true); err != nil {
		return err
	}
	if err := write("lost", false); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(point, "synced"), 0o400); err != nil {
		return err
	}
	d.keep(KeptNothing, false)
	if _, err := d.LosePower(context.Background(), 1); err != nil {
		return err
	}
	if data, err := os.ReadFile(filepath.Join(point, "synced")); string(data) != "synced" {
		return fmt.Errorf("after the loss: %q, %w", data, err)
	}
	if _, err := os.Stat(filepath.Join(point, "lost")); !os.IsNotExist(err) {
		return fmt.Errorf("lost is there after the loss: %w", err)
	}
	if err := d.Close(context.Background()); err != nil {
		return err
	}
	if data, err := os.ReadFile(filepath.Join(point, "synced")); string(data) != "synced" {
		return fmt.Errorf("after the end: %q, %w", data, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), point) {
		return fmt.Errorf("it is still mounted: %w", err)
	}
	fmt.Println("done")
	return nil
}
