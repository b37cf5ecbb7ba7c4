package netsim

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// backlog is how many connections may wait to be accepted.
const backlog = 1024

// socket stays bound while it does not listen, so that the port cannot go to anyone
// else, and connections to it are refused.
type socket struct{ file *os.File }

// take binds. The port must be wholly unused, also by connections that linger, which
// is what the absence of SO_REUSEADDR asks for. It is set afterwards, because to
// listen again is to be possible while connections of before are there.
func (p *place) take() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	err = os.NewSyscallError("bind", syscall.Bind(fd, &syscall.SockaddrInet4{Port: p.port, Addr: [4]byte{127, 0, 0, 1}}))
	if err == nil {
		err = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	}
	if err != nil {
		_ = syscall.Close(fd)
		return err
	}
	p.file = os.NewFile(uintptr(fd), p.addr)
	return nil
}

func (p *place) listen() (*net.TCPListener, error) {
	if err := p.control("listen", func(fd int) error { return syscall.Listen(fd, backlog) }); err != nil {
		return nil, err
	}
	// It has a copy of the descriptor, of the same socket.
	listener, err := net.FileListener(p.file)
	if err != nil {
		return nil, errors.Join(err, p.unlisten())
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		err := fmt.Errorf("a listener for TCP became a %T", listener)
		return nil, errors.Join(err, listener.Close(), p.unlisten())
	}
	return tcp, nil
}

// leave resets whoever waits to be accepted.
func (p *place) leave(listener *net.TCPListener) error {
	return errors.Join(p.unlisten(), listener.Close())
}

// unlisten takes the socket out of the listening state, which is what Linux does at
// shutdown(2) of such a socket. It stays bound.
func (p *place) unlisten() error {
	return p.control("shutdown", func(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_RD) })
}

func (p *place) control(call string, do func(fd int) error) error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return os.NewSyscallError(call, failed)
}

func (p *place) giveUp() { _ = p.file.Close() }
