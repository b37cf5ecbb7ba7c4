//go:build !linux

package netsim

import (
	"context"
	"net"
)

// socket is nothing here: two sockets cannot share a port as they can on Linux, so
// that it is free while the link is down. Nobody looks for one in its range.
type socket struct{}

func (p *place) take() error {
	listener, err := p.listen()
	if err != nil {
		return err
	}
	return listener.Close()
}

func (p *place) listen() (*net.TCPListener, error) {
	var cfg net.ListenConfig
	listener, err := cfg.Listen(context.Background(), "tcp4", p.addr)
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

func (p *place) leave(listener *net.TCPListener) error { return listener.Close() }

func (p *place) giveUp() {}
