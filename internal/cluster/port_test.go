package cluster

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestAPortIsFreeOnEveryAddress(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "[::1]", "[::]"} {
		listener, err := net.Listen("tcp", host+":0")
		if err != nil {
			continue // no IPv6 here
		}
		port := listener.Addr().(*net.TCPAddr).Port
		if err := checkPort(port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("port %d of %s: %v", port, host, err)
		}
		listener.Close()
		if err := checkPort(port); err != nil {
			t.Errorf("port %d of %s, now free: %v", port, host, err)
		}
	}
}

func TestAPortIsNotOneThatOutgoingConnectionsGet(t *testing.T) {
	t.Parallel()
	low, high := ephemeralPorts()
	if low <= firstPort && high >= lastPort {
		t.Skip("they get them all here")
	}
	for range 200 {
		port, reserved, err := choosePort()
		if err != nil {
			t.Fatal(err)
		}
		if err := reserved.Close(); err != nil {
			t.Fatal(err)
		}
		if port >= low && port <= high || unsafePorts[port] || port < firstPort || port > lastPort {
			t.Errorf("got %d", port)
		}
	}
}

func TestAPortIsReservedForOneRunAtATime(t *testing.T) {
	t.Parallel()
	port, reserved, err := choosePort()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := reserve(port); err == nil {
		again.Close()
		t.Errorf("port %d is reserved twice", port)
	}
	if err := checkPort(port); err != nil {
		t.Errorf("the node cannot listen on it: %v", err)
	}
	if err := reserved.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := reserve(port)
	if err != nil {
		t.Fatalf("it is not free again: %v", err)
	}
	again.Close()
}
