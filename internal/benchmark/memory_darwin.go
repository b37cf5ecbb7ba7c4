package main

import (
	"fmt"
	"syscall"
)

// memory measures the peak memory of this process. It cannot be reset here, so
// what generating the history took hides as much of the decision's peak.
type memory struct{ base uint64 }

func newMemory() (*memory, error) {
	m := &memory{}
	base, err := m.peak()
	m.base = base
	return m, err
}

// peak returns the most bytes that were resident.
func (*memory) peak() (uint64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("measure memory: %w", err)
	}
	return maxResident(&usage), nil
}

// maxResident is the peak memory of a process, in bytes.
func maxResident(usage *syscall.Rusage) uint64 { return uint64(usage.Maxrss) }
