package main

import "golang.org/x/sys/unix"

// physicalMemory is what the machine has, in bytes; 4 GiB if it does not tell.
func physicalMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 4 << 30
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
