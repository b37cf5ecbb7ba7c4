package netsim

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestNobodyElseGetsTheAddressOfALinkThatIsDown(t *testing.T) {
	t.Parallel()
	l := newLink(t, newNetwork(t), "n1", "n2")
	take := func() error {
		p := &place{addr: l.Addr(), port: l.place.port}
		err := p.take()
		if err == nil {
			p.giveUp()
		}
		return err
	}
	for range 2 {
		if err := take(); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("got %v", err)
		}
		up(t, l, nobody(t))
		if err := l.Down(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.network.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the address is free", func() bool { return take() == nil })
}

// Nodes are started while links are open.
func TestAChildProcessInheritsNoAddress(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	out, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, conn := range []syscall.Conn{p.link.place.file, p.link.listener, p.near} {
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var socket string
		if ctlErr := raw.Control(func(fd uintptr) { socket, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) }); ctlErr != nil || err != nil {
			t.Fatal(ctlErr, err)
		}
		if strings.Contains(string(out), socket) {
			t.Errorf("it got %s:\n%s", socket, out)
		}
	}
}
