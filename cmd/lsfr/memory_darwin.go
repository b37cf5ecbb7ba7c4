package main

import "golang.org/x/sys/unix"

// physicalMemory is what the machine has, in bytes; 4 GiB if it does not tell.
func physicalMemory() uint64 {
	total, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 4 << 30
	}
	return total
}
