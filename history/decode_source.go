package history

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// maxValue is the size in bytes from which on a single string, number or run of
// spaces is refused. The decoder must hold each of them as a whole.
const maxValue = 64 << 20

var errTooLong = errors.New("a value is too long")

var newline = []byte("\n")

// source hands the document to the decoder and counts its lines.
type source struct {
	r *bufio.Reader
	// size returns what the reader thinks its size is, 0 if it does not know.
	size func() int64
	// consumed returns how much of what was read makes whole tokens.
	consumed func() int64

	read int64 // bytes
	line int   // of the next byte, from 1
	err  error // the reader's, but for the end
}

func newSource(r io.Reader) *source {
	return &source{r: bufio.NewReaderSize(r, 1<<16), size: sizeOf(r), line: 1}
}

func sizeOf(r io.Reader) func() int64 {
	switch r := r.(type) {
	case interface{ Size() int64 }:
		return r.Size
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size
		}
	}
	return func() int64 { return 0 }
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	left := maxValue - (s.read - s.consumed())
	if left <= 0 {
		return 0, errTooLong
	}
	n, err := s.r.Read(p[:min(int64(len(p)), left)])
	s.read += int64(n)
	s.line += bytes.Count(p[:n], newline)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err //nolint:wrapcheck // Decode does
}
