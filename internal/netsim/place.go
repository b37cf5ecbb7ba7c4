package netsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Relays listen above the ports that nodes get and below those that Linux and macOS
// hand out to outgoing connections, so that no one else comes to take one.
const (
	firstPort = 30000
	lastPort  = 32767
)

// place is an address on which a relay listens from time to time, and nobody else
// ever. Its methods differ by system: listen begins, leave ends listening, giveUp
// lets go of the address.
type place struct {
	addr string
	port int
	socket
}

// reserve finds a free address.
func reserve() (*place, error) {
	const attempts = 1000
	var err error
	for range attempts {
		p := &place{port: firstPort + rand.IntN(lastPort-firstPort+1)}
		p.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
		if err = p.take(); err == nil {
			return p, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("find a free port between %d and %d: %w", firstPort, lastPort, err)
}

// stopped reports whether accepting failed because listening has ended. Linux says
// EINVAL after a shutdown.
func stopped(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EINVAL)
}

// aborted reports whether accepting failed because the dialer was gone already.
func aborted(err error) bool {
	return errors.Is(err, syscall.ECONNABORTED)
}
