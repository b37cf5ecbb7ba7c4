package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/history/formats"
)

// readHistory reads a history in any format that lsfr knows; - is standard
// input. What the user should know of the file goes to standard error.
func (a *app) readHistory(ctx context.Context, file string) (*history.History, error) {
	h, _, err := a.readForeign(ctx, file)
	return h, err
}

// readForeign is readHistory and says what the file turned out to be. A signal
// ends it, also while nobody writes to a fifo.
func (a *app) readForeign(ctx context.Context, file string) (*history.History, formats.Info, error) {
	ctx, stop := interruptible(ctx)
	defer stop()
	in, closeInput, err := a.openInput(ctx, file)
	if err != nil {
		return nil, formats.Info{}, err
	}
	defer closeInput()
	h, info, err := formats.Read(ctx, in)
	syntax, isSyntax := errors.AsType[*history.SyntaxError](err)
	switch {
	case isSyntax:
		return nil, info, usagef("%s:%d: %s", file, syntax.Line, syntax.Msg)
	case err != nil:
		return nil, info, fmt.Errorf("%s: %w", file, err)
	}
	if first, second, n := h.Overlaps(); n > 0 {
		info.Warnings = append(info.Warnings, fmt.Sprintf("operations of one client overlap (%d of them; the first are %d and %d, of client %d): "+
			"its number may be shared, or times wrong; they are judged as they are", n, first.ID, second.ID, first.Client))
	}
	for _, w := range info.Warnings {
		fmt.Fprintf(a.stderr, "lsfr: %s: warning: %s\n", file, w)
	}
	return h, info, nil
}

// openInput opens a file so that reading it obeys ctx, whatever it is.
func (a *app) openInput(ctx context.Context, file string) (io.Reader, func(), error) {
	if file == "-" {
		stdin, ok := a.stdin.(*os.File)
		if !ok {
			return a.stdin, func() {}, nil
		}
		if info, err := stdin.Stat(); err == nil && info.IsDir() {
			return nil, nil, usagef("standard input is a folder; judge a file in it")
		}
		return obedientInput(ctx, stdin)
	}
	// Opening a fifo must not wait for its writer: reading does, and can be interrupted.
	opened, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // it names the file and the reason
	}
	if info, err := opened.Stat(); err == nil && info.IsDir() {
		return nil, nil, errors.Join(usagef("%s is a folder; judge a file in it, such as %s", file, filepath.Join(file, "history.json")), opened.Close())
	}
	in, closeInput, err := obedientInput(ctx, opened)
	if err != nil {
		return nil, nil, errors.Join(err, opened.Close())
	}
	return in, func() {
		closeInput()
		opened.Close() //nolint:errcheck,gosec // only read
	}, nil
}

// obedientInput returns a reader of f that ends with ctx's cause when ctx is
// done. A regular file never blocks, so it is read as it is.
func obedientInput(ctx context.Context, f *os.File) (io.Reader, func(), error) {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f, func() {}, nil
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("open a pipe: %w", err)
	}
	forget := context.AfterFunc(ctx, func() { wake.Close() }) //nolint:errcheck,gosec // closing it wakes
	in := &polledInput{ctx: ctx, in: f, fds: [2]unix.PollFd{
		{Fd: int32(f.Fd()), Events: unix.POLLIN},     //nolint:gosec // descriptors are small
		{Fd: int32(woken.Fd()), Events: unix.POLLIN}, //nolint:gosec // see above
	}}
	return in, func() {
		forget()
		wake.Close()  //nolint:errcheck,gosec // perhaps closed before
		woken.Close() //nolint:errcheck,gosec // nothing was written
	}, nil
}

// polledInput waits for its file and for the end of its context at once: a read
// that has begun could not be given up.
type polledInput struct {
	ctx context.Context //nolint:containedctx // io.Reader has no other way to hear of it
	in  *os.File
	fds [2]unix.PollFd
}

func (p *polledInput) Read(b []byte) (int, error) {
	for {
		_, err := unix.Poll(p.fds[:], -1)
		switch {
		case p.ctx.Err() != nil:
			return 0, context.Cause(p.ctx) //nolint:wrapcheck // it is the caller's
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for input: %w", err)
		case p.fds[0].Revents != 0:
			return p.in.Read(b) //nolint:wrapcheck // it names the file and the reason
		}
	}
}
