package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// memory measures the peak memory of this process from a moment on.
type memory struct{ base uint64 }

// newMemory makes now that moment. Where the kernel does not let the peak be
// reset, it counts from the process's start.
func newMemory() (*memory, error) {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // proc(5): resets VmHWM
	base, err := highWater()
	if err != nil {
		return nil, err
	}
	return &memory{base}, nil
}

// peak returns the most bytes that were resident.
func (*memory) peak() (uint64, error) { return highWater() }

func highWater() (uint64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("measure memory: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kib uint64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return 0, fmt.Errorf("measure memory: VmHWM of /proc/self/status: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("measure memory: /proc/self/status has no VmHWM")
}

// maxResident is the peak memory of a process that has ended, in bytes.
func maxResident(usage *syscall.Rusage) uint64 { return uint64(usage.Maxrss) << 10 }
