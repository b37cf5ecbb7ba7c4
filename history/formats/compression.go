package formats

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the memory that a zstd file may ask for: that of zstd --ultra -22.
const maxWindow = 128 << 20

// openInput recognises compressed data by its first bytes.
func openInput(ctx context.Context, r io.Reader) (*input, error) {
	raw := &counting{r: &obedient{ctx: ctx, r: r}}
	packed := bufio.NewReaderSize(raw, headSize)
	in := &input{release: func() {}}
	magic, err := packed.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	// at is how much of the compressed data has been used up.
	at := func() int64 { return raw.n - int64(packed.Buffered()) }
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		in.compression = "gzip"
		unpack, err := gzip.NewReader(packed)
		if err != nil {
			in.plain = &plainText{}
			return nil, in.explain(named("gzip", at, err))
		}
		in.plain = &plainText{r: unpack, format: "gzip", at: at}
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		in.compression = "zstd"
		// With one decoder it works as it is read, and starts no goroutine.
		unpack, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		in.release = unpack.Close
		in.plain = &plainText{r: unpack, format: "zstd", at: at}
	default:
		in.Reader, in.size = packed, sizeOf(r)
		return in, nil
	}
	in.Reader = bufio.NewReaderSize(in.plain, headSize)
	return in, nil
}

// sizeOf returns the size of a regular file, 0 for anything else.
func sizeOf(r io.Reader) int64 {
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}

// damagedError says where compressed data is defective. It hides the
// decompressor's error: an unexpected end of that data is not the end of a
// document that breaks off.
type damagedError struct{ msg string }

func (e *damagedError) Error() string { return e.msg }

func damage(format string, at int64, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &damagedError{fmt.Sprintf("the %s data breaks off at byte %d of the file: it is incomplete", format, at)}
	}
	return &damagedError{fmt.Sprintf("the %s data is damaged at byte %d of the file: %v", format, at, err)}
}

// plainText counts what comes out of a decompressor, and names its errors.
type plainText struct {
	r        io.Reader
	format   string
	at       func() int64
	n        int64
	newlines int
}

func (p *plainText) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.newlines += bytes.Count(b[:n], []byte{'\n'})
	if err == nil || err == io.EOF { //nolint:errorlint // io.Reader's plain end of data
		return n, err
	}
	return n, named(p.format, p.at, err)
}

// named tells a decompressor's error from one of the file below it.
func named(format string, at func() int64, err error) error {
	if broken, ok := errors.AsType[*readError](err); ok {
		return broken.err
	}
	return damage(format, at(), err)
}

// readError tells the file's own errors from those of a decompressor.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// obedient ends reading with the context's cause when the context is done.
type obedient struct {
	ctx context.Context //nolint:containedctx // io.Reader has no other way to hear of it
	r   io.Reader
}

func (o *obedient) Read(b []byte) (int, error) {
	if o.ctx.Err() != nil {
		return 0, &readError{context.Cause(o.ctx)}
	}
	n, err := o.r.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's plain end of data
		err = &readError{err}
	}
	return n, err
}

// counting counts bytes.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
