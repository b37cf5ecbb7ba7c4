package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// memoryFlag is an amount of memory: 2GiB, or 25% of the machine's.
type memoryFlag struct {
	text  string
	bytes int64
}

// defaultMemory leaves the other half to everything else.
const defaultMemory = "50%"

func (m *memoryFlag) String() string { return m.text }
func (m *memoryFlag) Type() string   { return "SIZE" }

// Set reads an amount. It must be 64 MiB at least: less is not enough to judge anything.
func (m *memoryFlag) Set(text string) error {
	const least = 64 << 20
	var amount uint64
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		share, err := strconv.ParseFloat(percent, 64)
		if err != nil || share <= 0 || share > 100 {
			return fmt.Errorf("%q is no share of the memory (want such as 25%%)", text)
		}
		amount = uint64(share / 100 * float64(machineMemory()))
	} else {
		var err error
		if amount, err = humanize.ParseBytes(text); err != nil {
			return fmt.Errorf("%q is no size (want such as 2GiB or 25%%)", text)
		}
	}
	if amount < least {
		return fmt.Errorf("%s is too little (want 64MiB at least)", text)
	}
	m.text, m.bytes = text, int64(min(amount, math.MaxInt64))
	return nil
}

// machineMemory is the memory of this machine in bytes, or of the container
// that lsfr runs in.
func machineMemory() uint64 {
	total := physicalMemory()
	// Control groups, version 2 and 1 (Linux: Documentation/admin-guide/cgroup-v2.rst).
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total
}
