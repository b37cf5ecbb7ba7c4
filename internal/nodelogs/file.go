package nodelogs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/st3v3nmw/lsfr/internal/workspace"
)

const (
	// maxLine is the length in bytes from which on a line is cut off.
	maxLine = 64 << 10

	logTime = "2006-01-02T15:04:05.000Z07:00"
	byLsfr  = "--- lsfr: "
)

// File is a Source that reads a file which may still be written.
type File struct {
	file    *os.File
	in      *bufio.Reader
	line    []byte // not finished yet
	dropped int    // of it, in bytes
	ended   bool
	parse   func(text []byte) (Line, bool)
}

func openFile(path string, parse func([]byte) (Line, bool)) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return &File{file: file, in: bufio.NewReaderSize(file, 16<<10), parse: parse}, nil
}

// OpenLog opens the log of a node. A line without a time, which lsfr does not write,
// has that of the line before.
func OpenLog(path, node string) (*File, error) {
	var last time.Time
	return openFile(path, func(text []byte) (Line, bool) {
		stamp, rest, _ := bytes.Cut(text, []byte{' '})
		if at, err := time.Parse(logTime, string(stamp)); err == nil {
			last, text = at, rest
		}
		line := Line{Time: last, Node: node, Kind: Output, Text: string(text)}
		if said, ok := bytes.CutPrefix(text, []byte(byLsfr)); ok {
			line.Kind, line.Text = Node, string(said)
		}
		return line, true
	})
}

// OpenRecord opens the record of a run. over is called when the last event is read.
func OpenRecord(path string, over func()) (*File, error) {
	return openFile(path, func(text []byte) (Line, bool) {
		e, ok := workspace.ParseEvent(text)
		if !ok { // the settings
			return Line{}, false
		}
		if e.Event == workspace.EventOver {
			over()
		}
		return happened(e), true
	})
}

// Next returns the next line that is finished.
func (f *File) Next() (line Line, ok bool, err error) {
	for {
		text, ok, err := f.text()
		if !ok || err != nil {
			return Line{}, false, err
		}
		if line, ok := f.parse(text); ok {
			return line, true, nil
		}
	}
}

// End says that nothing more is written: a line that is not finished is one all the same.
func (f *File) End() { f.ended = true }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// text returns the next line without its newline, cut off if it is too long.
func (f *File) text() (text []byte, ok bool, err error) {
	for {
		part, err := f.in.ReadSlice('\n')
		content := bytes.TrimSuffix(part, []byte{'\n'})
		keep := min(len(content), maxLine-len(f.line))
		f.line = append(f.line, content[:keep]...)
		f.dropped += len(content) - keep
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			if !f.ended || len(f.line) == 0 {
				return nil, false, nil
			}
		case err != nil:
			return nil, false, fmt.Errorf("read log: %w", err)
		}
		text = f.line
		if f.dropped > 0 {
			text = fmt.Appendf(text, "… (and %d more bytes)", f.dropped)
		}
		f.line, f.dropped = nil, 0
		return text, true, nil
	}
}
