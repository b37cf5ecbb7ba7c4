package cluster

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// listeningPorts returns the TCP ports that are listened on, by socket inode, as
// /proc/net/tcp has them (proc_net_tcp in the kernel's documentation).
func listeningPorts() map[string]int {
	ports := make(map[string]int)
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			const local, state, inode, listen = 1, 3, 9, "0A"
			if len(fields) <= inode || fields[state] != listen {
				continue
			}
			_, hex, _ := strings.Cut(fields[local], ":")
			if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
				ports[fields[inode]] = int(port)
			}
		}
		file.Close()
	}
	return ports
}

// socketInodes returns the inodes of the sockets that a process holds.
func socketInodes(pid int) []string {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	dir, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var inodes []string
	for _, name := range names {
		target, err := os.Readlink(folder + "/" + name)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}

// portsOf returns the ports that these processes listen on.
func portsOf(list []process) []int {
	listening := listeningPorts()
	var ports []int
	seen := make(map[int]bool)
	for _, p := range list {
		for _, inode := range socketInodes(p.pid) {
			if port, ok := listening[inode]; ok && !seen[port] {
				seen[port] = true
				ports = append(ports, port)
			}
		}
	}
	return ports
}

// holdersOf returns the processes that listen on a port, as far as lsfr may see.
func holdersOf(port int) []process {
	table, err := processes()
	if err != nil {
		return nil
	}
	listening := listeningPorts()
	var holders []process
	for _, p := range table {
		for _, inode := range socketInodes(p.pid) {
			if listening[inode] == port {
				holders = append(holders, p)
				break
			}
		}
	}
	return holders
}
