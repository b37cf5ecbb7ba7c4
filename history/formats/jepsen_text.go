package formats

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
)

var (
	// textLine is an event as Jepsen prints it: process, type, function, value
	// and perhaps an error, apart by tabs or spaces.
	textLine = regexp.MustCompile(`^(\S+)\s+:(invoke|ok|fail|info)(?:\s+(.*))?$`)
	textSign = regexp.MustCompile(`(?m)^:?[\w.-]+[ \t]+:(invoke|ok|fail|info)\b`)
	// logPrefix is what stands before an event in a log.
	logPrefix = regexp.MustCompile(`^.*jepsen\.util(?:\s+-)?\s+`)
	logSign   = regexp.MustCompile(`jepsen\.util[\s-]+\S+\s+:(invoke|ok|fail|info)\b`)
)

// jepsenTextFormat is Jepsen's history.txt.
func jepsenTextFormat() Format {
	return Format{
		Name: "jepsen-txt", Title: "Jepsen's history.txt",
		detect: textSign.Match,
		read: func(in *input) (*history.History, []string, error) {
			return readText(in, func(line string) (string, bool) { return line, strings.TrimSpace(line) != "" })
		},
	}
}

// jepsenLogFormat is Jepsen's log, of which only the lines of jepsen.util are
// read, as in porcupine's test data.
func jepsenLogFormat() Format {
	return Format{
		Name: "jepsen-log", Title: "Jepsen's log",
		detect: logSign.Match,
		read: func(in *input) (*history.History, []string, error) {
			return readText(in, func(line string) (string, bool) {
				if !strings.Contains(line, "jepsen.util") {
					return "", false
				}
				line = line[len(logPrefix.FindString(line)):]
				return line, textLine.MatchString(line)
			})
		},
	}
}

// readText reads the lines in which content finds an event.
func readText(in *input, content func(line string) (string, bool)) (*history.History, []string, error) {
	lines := &lineReader{r: in}
	p := newPairing()
	for {
		line, err := lines.next()
		if err == io.EOF { //nolint:errorlint // the plain end
			return p.finish()
		}
		if err != nil {
			return nil, nil, err
		}
		text, some := content(line)
		if !some {
			continue
		}
		ev, err := lines.event(text)
		if err != nil {
			return nil, nil, err
		}
		if err := p.add(&ev); err != nil {
			return nil, nil, err
		}
	}
}

// event reads a line such as "0 :invoke :cas [1 2]".
func (l *lineReader) event(text string) (event, error) {
	ev := event{line: l.line, offset: l.offset}
	words := textLine.FindStringSubmatch(strings.TrimSpace(text))
	if words == nil {
		return ev, ev.fail("the line is %q, want process, type, function and value, such as: 0 :invoke :read nil", shortened(text))
	}
	e := &ednReader{ednScanner: newEDNScanner(strings.NewReader(words[1]+" :"+words[2]+" "+words[3]), 512)}
	for _, member := range []struct {
		field fields
		name  string
	}{{hasProcess, "the process"}, {hasType, "the type"}, {hasF, "the function"}, {hasValue, "the value"}, {hasError, "the error"}} {
		b, err := e.next()
		if err != nil {
			return ev, l.at(err)
		}
		if b == 0 {
			break
		}
		if member.field == hasError { // whatever it is: it is only shown
			rest, _ := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(e.buf[e.pos:e.end]), e.r), maxNote))
			ev.err = value{form: formString, text: strings.ToValidUTF8(strings.TrimSpace(string(rest)), "\uFFFD")}
			break
		}
		v, err := e.valueAt(b)
		if err != nil {
			return ev, l.at(err)
		}
		if err := ev.set(member.field, member.name, v); err != nil {
			return ev, err
		}
	}
	return ev, nil
}

// at puts an error in a line's text where the line is in the file.
func (l *lineReader) at(err error) error {
	if syntax, ok := err.(*history.SyntaxError); ok { //nolint:errorlint // made just above
		return &history.SyntaxError{Line: l.line, Offset: l.offset, Msg: strings.ReplaceAll(syntax.Msg, "the file breaks off", "the line ends")}
	}
	return err
}

// lineReader reads lines of any length up to maxToken.
type lineReader struct {
	r *input
	// line and offset are those of the line that was read last, end is its end.
	line        int
	offset, end int64
}

// next returns the next line without its end; io.EOF behind the last.
func (l *lineReader) next() (string, error) {
	l.line++
	l.offset = l.end
	var whole []byte
	for {
		part, err := l.r.ReadSlice('\n')
		l.end += int64(len(part))
		if len(whole)+len(part) > maxToken {
			return "", &history.SyntaxError{Line: l.line, Offset: l.offset, Msg: errTooLong.Error()}
		}
		switch {
		case err == nil || err == io.EOF && len(whole)+len(part) > 0: //nolint:errorlint // bufio returns it plain
			return string(bytes.TrimRight(append(whole, part...), "\r\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
		whole = append(whole, part...)
	}
}
