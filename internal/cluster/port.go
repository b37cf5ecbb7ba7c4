package cluster

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
)

// Ports for nodes come from this range, less what the kernel hands out to
// outgoing connections: such a port could be taken while a node is down.
const (
	firstPort = 10000
	lastPort  = 29999
)

// unsafePorts are refused by fetch() as browsers and Node.js implement it (WHATWG
// Fetch, "bad port"), so that nodes could not reach each other there.
var unsafePorts = map[int]bool{10080: true}

// choosePort returns a random port that is free now. It stays reserved until the
// reservation is closed.
func choosePort() (port int, reserved io.Closer, err error) {
	low, high := ephemeralPorts()
	const attempts = 1000
	var lastErr error
	for i := range attempts {
		port = firstPort + rand.IntN(lastPort-firstPort+1)
		// Where the kernel's range covers nearly all of ours, take from it after all.
		ephemeral := port >= low && port <= high && i < attempts/2
		if ephemeral || unsafePorts[port] {
			continue
		}
		if reserved, lastErr = reserve(port); lastErr != nil {
			continue
		}
		if lastErr = checkPort(port); lastErr == nil {
			return port, reserved, nil
		}
		reserved.Close()
	}
	return 0, nil, fmt.Errorf("find a free port between %d and %d: %w", firstPort, lastPort, lastErr)
}

// reservedAt is how far from a node's port the one lies that reserves it.
const reservedAt = 20000

// reserve keeps a node's port from other nodes and runs on this machine, which could take it while
// the node is down. It cannot be bound itself, as the node has to do that, so a UDP port
// that nobody else cares for stands for it: it ends with the process, however that ends.
func reserve(port int) (io.Closer, error) {
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + reservedAt})
}

// ephemeralPorts returns the range of ports for outgoing connections.
func ephemeralPorts() (low, high int) {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		if _, err := fmt.Sscan(string(data), &low, &high); err == nil {
			return low, high
		}
	}
	return 32768, 65535
}

// checkPort returns an error that wraps EADDRINUSE if a node could not listen on
// the port. It binds without listening, so that a client which tries to reach the
// node just now is refused, as it should be, and not accepted and dropped. With
// SO_REUSEADDR the lingering connections of an earlier process do not count.
func checkPort(port int) error {
	addresses := []struct {
		family  int
		address syscall.Sockaddr
	}{
		{syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}},
		{syscall.AF_INET, &syscall.SockaddrInet4{Port: port}},
		{syscall.AF_INET6, &syscall.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}},
		{syscall.AF_INET6, &syscall.SockaddrInet6{Port: port}},
	}
	for _, a := range addresses {
		err := tryBind(a.family, a.address)
		if a.family == syscall.AF_INET6 && !errors.Is(err, syscall.EADDRINUSE) {
			continue // a machine without IPv6 is fine
		}
		if err != nil {
			return fmt.Errorf("bind port %d: %w", port, err)
		}
	}
	return nil
}

func tryBind(family int, address syscall.Sockaddr) error {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return syscall.Bind(fd, address)
}
