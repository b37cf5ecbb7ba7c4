package disk

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func isMounted(t *testing.T, point string) bool {
	t.Helper()
	m, known := mountAt(point)
	if !known {
		t.Fatal("no list of mounts")
	}
	return m != nil
}

func TestAfterCloseTheFilesAreInPlainFolders(t *testing.T) {
	d, dir := mount(t, Options{})
	newScript(t, dir).run("create a\n write a 0 durable\n sync a\n write a 0 seenseen\n create b\n close a\n close b")
	must(t, d.Close(t.Context()))
	must(t, d.Close(t.Context())) // again does nothing
	if isMounted(t, dir) {
		t.Error("it is still mounted")
	}
	if got, want := tree(t, dir), map[string]string{"a": "seenseen", "b": ""}; !maps.Equal(got, want) {
		t.Errorf("seen is %q, want %q", got, want)
	}
	if got, want := tree(t, d.base), map[string]string{"durable/": "", "durable/a": "durable"}; !maps.Equal(got, want) {
		t.Errorf("the base folder has %q, want %q", got, want)
	}
	if _, err := d.LosePower(t.Context(), 1); err != ErrClosed {
		t.Errorf("losing power afterwards: %v", err)
	}
}

func TestADiskThatIsMountedAgainHasEverythingDurable(t *testing.T) {
	folder := t.TempDir()
	point, base := filepath.Join(folder, "n1"), filepath.Join(folder, "n1.disk")
	must(t, os.MkdirAll(filepath.Join(point, "d/e"), 0o755))
	must(t, os.WriteFile(filepath.Join(point, "d/a"), []byte("x"), 0o600))
	must(t, os.Link(filepath.Join(point, "d/a"), filepath.Join(point, "b")))
	must(t, os.Symlink("d/a", filepath.Join(point, "l")))
	want := map[string]string{"d/": "", "d/e/": "", "d/a": "x", "b": "x", "l": "-> d/a"}
	for range 2 {
		d, dir := mountIn(t, folder, Options{})
		if got := tree(t, dir); !maps.Equal(got, want) {
			t.Fatalf("there is %q, want %q", got, want)
		}
		if got := tree(t, filepath.Join(base, "durable")); !maps.Equal(got, want) {
			t.Fatalf("durable is %q, want %q", got, want)
		}
		d.keep(KeptNothing, false)
		lose(t, d, 1)
		if got := tree(t, dir); !maps.Equal(got, want) {
			t.Fatalf("after a loss there is %q, want %q", got, want)
		}
		must(t, os.WriteFile(filepath.Join(dir, "b"), []byte("yy"), 0o600))
		want["b"], want["d/a"] = "yy", "yy"
		must(t, d.Close(t.Context()))
	}
}

func TestAFolderWithFilesBesideAnOlderDiskIsRefused(t *testing.T) {
	d, dir := mount(t, Options{})
	must(t, d.Close(t.Context()))
	must(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(d.base, "seen"), 0o755))
	if _, err := Mount(t.Context(), dir, d.base, Options{}); err == nil || !strings.Contains(err.Error(), "as well") {
		t.Errorf("mounted over files: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine")); err != nil {
		t.Error(err)
	}
}

func TestALossWhileSomebodyIsThere(t *testing.T) {
	d, dir := mount(t, Options{})
	sitter := startChild(t, "sit", dir)
	if sitter.line() != "sitting" {
		t.Fatal("it does not sit")
	}
	newScript(t, dir).run("create a\n write a 0 x\n sync a\n close a")
	d.keep(KeptNothing, false)
	lose(t, d, 1)
	if got, want := tree(t, dir), map[string]string{"a": "x"}; !maps.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
	sitter.in.Write([]byte("write\n"))
	if got := sitter.line(); got != "true" {
		t.Errorf("a process from before the loss could write: %q", got)
	}
	if got, want := tree(t, dir), map[string]string{"a": "x"}; !maps.Equal(got, want) {
		t.Errorf("there is %q after it wrote, want %q", got, want)
	}
	newScript(t, dir).run("create b\n write b 0 y\n sync b\n close b")
	sitter = startChild(t, "sit", dir)
	sitter.line()
	must(t, d.Close(t.Context()))
	if got, want := tree(t, dir), map[string]string{"a": "x", "b": "y", "sitting": ""}; !maps.Equal(got, want) {
		t.Errorf("there is %q after the end, want %q", got, want)
	}
}

func TestAStoppedProcessDoesNotHoldUpALoss(t *testing.T) {
	d, dir := mount(t, Options{})
	heal := d.SlowSync(time.Hour, time.Hour, 1)
	defer heal()
	cmd := exec.Command("python3", "-c", `
import os, sys
f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
os.write(f, b"x")
print("syncing", flush=True)
os.fsync(f)`, filepath.Join(dir, "a"))
	if cmd.Err != nil {
		t.Skip(cmd.Err)
	}
	c := start(t, cmd)
	if c.line() != "syncing" {
		t.Fatal("it does not sync")
	}
	for d.Stats().SlowSyncs == 0 {
		time.Sleep(time.Millisecond)
	}
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	lose(t, d, 1)
	newScript(t, dir).run("create b\n close b")
}

func TestCleanStaleUnmountsWhatNobodyServes(t *testing.T) {
	alive, _ := mount(t, Options{})
	folder := filepath.Join(t.TempDir(), "run with space")
	must(t, os.Mkdir(folder, 0o755))
	point, base := filepath.Join(folder, "n1"), filepath.Join(folder, "n1.disk")
	server := startChild(t, "serve", point, base)
	if got := server.line(); got != "served" {
		t.Fatalf("it serves nothing: %q", got)
	}
	if cleaned, err := CleanStale(t.Context(), folder); err != nil || len(cleaned) > 0 {
		t.Fatalf("while it is served: %q, %v", cleaned, err)
	}
	server.kill()
	if _, err := os.ReadDir(point); err == nil {
		t.Error("the folder can be read though nobody serves it: the test proves nothing")
	}
	if cleaned, err := CleanStale(t.Context(), filepath.Join(folder, "n")); err != nil || len(cleaned) > 0 {
		t.Errorf("in a folder whose name is a prefix: %q, %v", cleaned, err)
	}
	cleaned, err := CleanStale(t.Context(), filepath.Dir(filepath.Dir(filepath.Dir(point))))
	if err != nil || !slices.Equal(cleaned, []string{point}) {
		t.Errorf("cleaned %q, %v", cleaned, err)
	}
	if isMounted(t, point) || !isMounted(t, alive.mountpoint) {
		t.Error("the stale disk is mounted, or the other one is not")
	}
	want := map[string]string{"seen/": "", "seen/file": "durable and seen", "durable/": "", "durable/file": "durable"}
	got := tree(t, base)
	maps.DeleteFunc(got, func(name, _ string) bool { return strings.HasPrefix(name, "inodes/") })
	if !maps.Equal(got, want) {
		t.Errorf("in the base folder there is %q, want %q", got, want)
	}
	d, err := Mount(t.Context(), point, base, Options{})
	must(t, err)
	must(t, d.Close(t.Context()))
}

func TestWhatIsMappedIsDurableAfterMsync(t *testing.T) {
	d, dir := mount(t, Options{})
	newScript(t, dir).run("create a\n cut a 32768\n sync a\n close a")
	c := startChild(t, "mmap", filepath.Join(dir, "a"))
	if got := c.line(); got != "mapped" {
		t.Fatalf("it maps nothing: %q", got)
	}
	c.kill()
	data, err := os.ReadFile(filepath.Join(dir, "a"))
	must(t, err)
	if !bytes.Equal(data, bytes.Repeat([]byte("n"), 8*page)) {
		t.Errorf("what was written last is not seen: %q…", data[:8])
	}
	d.keep(KeptNothing, false)
	if l := lose(t, d, 1); l.Bytes != 8*page {
		t.Errorf("%v; want %d bytes", l, 8*page)
	}
	data, err = os.ReadFile(filepath.Join(dir, "a"))
	must(t, err)
	if !bytes.Equal(data, bytes.Repeat([]byte("m"), 8*page)) {
		t.Errorf("what was synced is not there: %q…", data[:8])
	}
}

func TestAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("all tests run as one")
	}
	if _, err := fusermount(); err != nil {
		t.Skip(err)
	}
	const nobody = 65534
	folder, err := os.MkdirTemp("", "lsfr-user-") // t.TempDir is in a folder that only root may enter
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	must(t, os.Chown(folder, nobody, nobody))
	binary := filepath.Join(folder, "disk.test")
	data, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(binary, data, 0o755))
	cmd := exec.Command(binary, folder)
	cmd.Env = append(os.Environ(), childRole+"=user", "HOME="+folder)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), ErrUnsupported.Error()) {
		t.Skipf("%s", out)
	}
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSupportedLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	if left := tree(t, os.TempDir()); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(folder, "n1/d"), 0o755))
	if d, err := Mount(ctx, filepath.Join(folder, "n1"), filepath.Join(folder, "n1.disk"), Options{}); err == nil {
		d.Close(t.Context())
		t.Error("mounted")
	}
	if _, err := os.Stat(filepath.Join(folder, "n1/d")); err != nil {
		t.Error("what was there is gone:", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestALossThatFailsSaysSoAndCanBeClosed(t *testing.T) {
	folder := t.TempDir()
	point := filepath.Join(folder, "n1")
	d, err := Mount(t.Context(), point, filepath.Join(folder, "n1.disk"), Options{})
	if err != nil {
		t.Skip(err)
	}
	newScript(t, point).run("create a\n write a 0 x\n sync a\n close a")
	must(t, os.RemoveAll(filepath.Join(d.base, "inodes")))
	for range 2 {
		if _, err := d.LosePower(t.Context(), 1); err == nil {
			t.Error("it worked without the files")
		}
	}
	d.Close(t.Context())
	if isMounted(t, point) {
		t.Error("it is still mounted")
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a\134b`: `/a\b`, `/ü\012`: "/ü\n", `\04`: `\04`} {
		if got := unescape(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
