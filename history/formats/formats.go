// Package formats reads histories that other tools recorded, and lsfr's own:
// it recognises the format, unpacks gzip and zstd, and translates what the file
// says into a history.History (docs/foreign-histories.md says how).
package formats

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

// Limits that keep memory bounded by what a history holds, whatever the file
// holds.
const (
	// headSize is how much of a file is looked at to recognise its format.
	headSize = 64 << 10
	// maxToken bounds one text, number or name, and one JSON operation, in bytes.
	maxToken = 64 << 20
	// maxDepth bounds how deeply lists and maps are nested.
	maxDepth = 1000
	// maxParts bounds the values within one operation.
	maxParts = 1 << 20
	// maxNote bounds the texts that are only shown, such as an error, in bytes.
	maxNote = 200
)

// Format is one way to write a history down. A new one is a file in this
// package and a line in All.
type Format struct {
	// Name is short and stable, such as jepsen-edn; Title is for people.
	Name, Title string
	// detect looks at a file's beginning: up to headSize bytes of plain text.
	detect func(head []byte) bool
	// read returns the history and what the user should know of it.
	read func(in *input) (*history.History, []string, error)
}

// All lists the formats in the order in which they are tried: the strictest
// signs come first.
func All() []Format {
	return []Format{
		lsfrFormat(),
		fressianFormat(),
		etcdFormat(),
		jepsenJSONFormat(),
		porcupineKVFormat(),
		jepsenEDNFormat(),
		jepsenLogFormat(),
		jepsenTextFormat(),
	}
}

// Info says what a file turned out to be.
type Info struct {
	// Format is a Format's Name, Title its Title.
	Format, Title string
	// Compression is gzip, zstd or empty.
	Compression string
	// Warnings are sentences for the user: what was left out of the history, or
	// what makes its verdict weaker.
	Warnings []string
}

// Read reads a history in any format, plain or compressed. A defective document
// gives a *history.SyntaxError, whose line and offset are those of the plain
// text; other errors are the reader's. When ctx is done, Read returns its cause
// as soon as r.Read returns.
func Read(ctx context.Context, r io.Reader) (*history.History, Info, error) {
	in, err := openInput(ctx, r)
	if err != nil {
		return nil, Info{}, err
	}
	defer in.close()
	info := Info{Compression: in.compression}
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, info, in.explain(err)
	}
	format, err := recognise(head)
	if err != nil {
		return nil, info, err
	}
	info.Format, info.Title = format.Name, format.Title
	h, warnings, err := format.read(in)
	if err != nil {
		return nil, info, in.explain(err)
	}
	info.Warnings = warnings
	return h, info, nil
}

func recognise(head []byte) (Format, error) {
	all := All()
	for _, f := range all {
		if f.detect(head) {
			return f, nil
		}
	}
	// lsfr's own reader says best what is wrong with an empty file, or with JSON.
	if first := firstByte(head); first == 0 && len(bytes.TrimSpace(head)) == 0 || strings.IndexByte(`{["`, first) >= 0 {
		return all[0], nil
	}
	var titles []string
	for _, f := range all {
		titles = append(titles, f.Title)
	}
	return Format{}, &history.SyntaxError{Line: 1, Msg: fmt.Sprintf(
		"the file is not JSON, nor in another format that lsfr reads: %s (see docs/foreign-histories.md)", strings.Join(titles, ", "))}
}

// firstByte returns the first byte that is not white space, 0 if there is none.
func firstByte(head []byte) byte {
	for _, b := range head {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' && b != ',' {
			return b
		}
	}
	return 0
}

// input is the plain text of a file.
type input struct {
	*bufio.Reader
	plain       *plainText
	compression string
	size        int64
	release     func()
}

// Size returns how many bytes there will be, 0 if that is not known. It is a
// hint: a file may grow.
func (in *input) Size() int64 { return in.size }

func (in *input) close() { in.release() }

// explain turns damaged compressed data into a SyntaxError.
func (in *input) explain(err error) error {
	if damage, ok := errors.AsType[*damagedError](err); ok {
		return &history.SyntaxError{Line: in.plain.newlines + 1, Offset: in.plain.n, Msg: damage.Error()}
	}
	return err
}
