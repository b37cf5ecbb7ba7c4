package cluster

import (
	"bytes"
	"os"
	"sync"
	"syscall"
)

// Names of the marker in a node's environment. A guard carries the second one's
// counterpart, so that it is never taken for an orphan.
const (
	runVariable   = "LSFR_RUN"
	nodeVariable  = "LSFR_NODE"
	guardVariable = "LSFR_GUARD"
)

// A family recognises the processes that belong to a node, or to a whole run.
// A process belongs to it if it
//   - is in one of the family's process groups,
//   - was recognised before (same pid and same start),
//   - carries the marker in its environment,
//   - was orphaned, adopted by lsfr, and is of unknown origin (if adopts is set),
//   - or descends from a process that does.
type family struct {
	run  string
	node string // empty: every node of the run
	born uint64 // nothing that started earlier belongs

	mu     sync.Mutex
	groups map[int]bool
	known  map[int]uint64 // pid to start
	adopts bool
	spared map[int]bool // pids that are never members
}

func newFamily(run, node string, born uint64) *family {
	return &family{
		run: run, node: node, born: born,
		groups: make(map[int]bool), known: make(map[int]uint64),
		spared: map[int]bool{os.Getpid(): true},
	}
}

// addGroup makes a process a member, and its whole group with it.
func (f *family) addGroup(leader int, start uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.groups[leader] = true
	f.known[leader] = start
}

// addProcess makes one process a member.
func (f *family) addProcess(pid int, start uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known[pid] = start
}

// forget removes a group whose processes are all gone.
func (f *family) forget(leader int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.groups, leader)
	delete(f.known, leader)
}

// adopt sets whether adopted orphans of unknown origin are members.
func (f *family) adopt(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.adopts = yes
}

// spare excludes a process for good.
func (f *family) spare(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spared[pid] = true
}

// scan returns the members that are alive now, and reaps adopted ones that ended.
func (f *family) scan() ([]process, error) {
	table, err := processes()
	if err != nil {
		return nil, err
	}
	members, err := f.members(table, environment)
	if err != nil {
		return nil, err
	}
	alive := members[:0]
	for _, p := range members {
		if p.alive() {
			alive = append(alive, p)
		} else if p.ppid == os.Getpid() && !f.leads(p.pid) {
			// An error means that it is gone by now.
			_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		}
	}
	return alive, nil
}

// leads reports whether the process is the first of a node. Its zombie is kept
// until the whole node is gone.
func (f *family) leads(pid int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.groups[pid]
}

// An environ reads the environment of a process; ok is false if there is none to
// be had.
type environ func(pid int) (env []byte, ok bool, err error)

// members picks the family out of a process table and remembers it.
func (f *family) members(table []process, environment environ) ([]process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	children := make(map[int][]int, len(table)) // parent's pid to rows
	for i, p := range table {
		children[p.ppid] = append(children[p.ppid], i)
	}
	in := make([]bool, len(table))
	var include func(int)
	include = func(i int) {
		p := table[i]
		if in[i] || p.start < f.born || f.spared[p.pid] {
			return
		}
		in[i] = true
		for _, child := range children[p.pid] {
			include(child)
		}
	}
	for i, p := range table {
		if start, ok := f.known[p.pid]; ok && start == p.start || f.groups[p.pgid] {
			include(i)
		}
	}
	for i, p := range table {
		if in[i] || p.start < f.born || !p.alive() {
			continue
		}
		claimed, err := f.claims(p, environment)
		if err != nil {
			return nil, err
		}
		if claimed {
			include(i)
		}
	}

	var members []process
	for i, p := range table {
		if in[i] {
			members = append(members, p)
			f.known[p.pid] = p.start
		}
	}
	return members, nil
}

// claims reports whether the process's environment makes it a member.
func (f *family) claims(p process, environment environ) (bool, error) {
	env, ok, err := environment(p.pid)
	if err != nil || !ok {
		return false, err
	}
	if hasVariable(env, runVariable, f.run) {
		return f.node == "" || hasVariable(env, nodeVariable, f.node), nil
	}
	// A child of lsfr that lsfr did not start is an orphan from some node. What
	// other code of lsfr starts shares its group; nodes and guards are marked; and
	// a child that has not reached its exec yet still runs lsfr's own program.
	if !f.adopts || p.ppid != os.Getpid() || p.pgid == syscall.Getpgrp() || runsOwnProgram(p.pid) {
		return false, nil
	}
	// Once more: what was read above may have been lsfr's own environment, if the
	// exec came in between.
	env, ok, err = environment(p.pid)
	marked := hasVariable(env, runVariable, "") || hasVariable(env, guardVariable, "")
	return ok && !marked, err
}

// hasVariable reports whether a NUL-separated environment sets the variable, to
// this value or, if value is empty, to any.
func hasVariable(env []byte, name, value string) bool {
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if rest, ok := bytes.CutPrefix(entry, []byte(name+"=")); ok && (value == "" || string(rest) == value) {
			return true
		}
	}
	return false
}
