package cluster

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestAFamilyKnowsItsMembers(t *testing.T) {
	t.Parallel()
	const born, node, other, lsfr = 100, 1000, 2000, 3000
	marked := func(entries ...string) string { return strings.Join(entries, "\x00") + "\x00" }
	tests := []struct {
		name string
		p    process
		env  string
		want bool
	}{
		{"in its group", process{pid: 1, ppid: lsfr, pgid: node, start: 150}, "", true},
		{"in another group", process{pid: 1, ppid: lsfr, pgid: other, start: 150}, "", false},
		{"in its group, but older than the run", process{pid: 1, ppid: lsfr, pgid: node, start: 99}, "", false},
		{"a child of its first process", process{pid: 1, ppid: node, pgid: other, start: 150}, "", true},
		{"a child of another process", process{pid: 1, ppid: other, pgid: other, start: 150}, "", false},
		{"known before", process{pid: 77, ppid: 1, pgid: other, start: 120}, "", true},
		{"with the pid of one known before", process{pid: 77, ppid: 1, pgid: other, start: 121}, "", false},
		{"marked", process{pid: 1, ppid: 1, pgid: 1, start: 150}, marked("A=1", "LSFR_RUN=run", "LSFR_NODE=n1"), true},
		{"marked as another node", process{pid: 1, ppid: 1, pgid: 1, start: 150}, marked("LSFR_RUN=run", "LSFR_NODE=n10"), false},
		{"marked as another run", process{pid: 1, ppid: 1, pgid: 1, start: 150}, marked("LSFR_RUN=run2", "LSFR_NODE=n1"), false},
		{"with the marker inside a value", process{pid: 1, ppid: 1, pgid: 1, start: 150}, marked("A=LSFR_RUN=run", "LSFR_NODE=n1"), false},
		{"spared", process{pid: 88, ppid: node, pgid: node, start: 150}, marked("LSFR_RUN=run", "LSFR_NODE=n1"), false},
		{"dead in its group", process{pid: 1, ppid: lsfr, pgid: node, start: 150, zombie: true}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFamily("run", "n1", born)
			f.addGroup(node, 110)
			f.addProcess(77, 120)
			f.spare(88)
			root := process{pid: node, ppid: lsfr, pgid: node, start: 110}
			environment := func(pid int) ([]byte, bool, error) {
				return []byte(tt.env), pid == tt.p.pid, nil
			}
			got, err := f.members([]process{tt.p, root}, environment)
			if err != nil {
				t.Fatal(err)
			}
			if is := slices.ContainsFunc(got, func(p process) bool { return p.pid == tt.p.pid }); is != tt.want {
				t.Errorf("got %v, want %v", is, tt.want)
			}
		})
	}
}

func TestAMemberIsKnownAfterItsTiesAreCut(t *testing.T) {
	t.Parallel()
	f := newFamily("run", "n1", 100)
	f.addGroup(10, 110)
	none := func(int) ([]byte, bool, error) { return nil, false, nil }
	grandchild := process{pid: 12, ppid: 11, pgid: 12, start: 112}
	before := []process{{pid: 10, pgid: 10, start: 110}, {pid: 11, ppid: 10, pgid: 11, start: 111}, grandchild}
	grandchild.ppid = 1
	after := []process{grandchild, {pid: 11, ppid: 1, pgid: 11, start: 500}}
	if got, _ := f.members(before, none); len(got) != 3 {
		t.Fatalf("got %v", got)
	}
	if got, _ := f.members(after, none); len(got) != 1 || got[0].pid != 12 {
		t.Fatalf("got %v, want the grandchild and not who has its parent's pid", got)
	}
}

func TestAScanThatCouldMissAMemberFails(t *testing.T) {
	t.Parallel()
	f := newFamily("run", "n1", 100)
	exhausted := func(int) ([]byte, bool, error) { return nil, false, syscall.EMFILE }
	if _, err := f.members([]process{{pid: 5, start: 150}}, exhausted); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("got %v", err)
	}
}

func TestAProcessWithoutItsFirstThreadIsAlive(t *testing.T) {
	t.Parallel()
	for p, want := range map[process]bool{
		{threads: 1}:               true,
		{zombie: true, threads: 1}: false,
		{zombie: true}:             false,
		{zombie: true, threads: 3}: true, // its threads hold files and ports
	} {
		if got := p.alive(); got != want {
			t.Errorf("%+v: got %v", p, got)
		}
	}
}

func TestASignalReachesOnlyTheProcessThatWasMeant(t *testing.T) {
	t.Parallel()
	self, ok, err := lookup(os.Getpid())
	if err != nil || !ok {
		t.Fatalf("got %v, %v", ok, err)
	}
	self.start++ // as if the pid had been another's when it was scanned
	if err := self.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone := process{pid: 1 << 30}
	if err := gone.signal(syscall.SIGKILL); err != nil {
		t.Errorf("a process that is gone: %v", err)
	}
}

func TestTheProcessTableHoldsThisProcess(t *testing.T) {
	t.Parallel()
	table, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	now := timeNow()
	for _, p := range table {
		if p.pid != os.Getpid() {
			continue
		}
		if p.ppid != os.Getppid() || p.pgid != syscall.Getpgrp() || !p.alive() || p.stopped || p.start > now || p.start == 0 {
			t.Errorf("got %+v at %d", p, now)
		}
		contains(t, commandLine(p), fmt.Sprintf("(pid %d)", p.pid))
		return
	}
	t.Error("it does not")
}

func BenchmarkScan(b *testing.B) {
	f := newFamily("run", "n1", timeNow())
	for b.Loop() {
		if _, err := f.scan(); err != nil {
			b.Fatal(err)
		}
	}
}
