package cluster

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"
)

const (
	// logLimit is the size in bytes at which a log takes no more output.
	logLimit = 64 << 20
	// tailLines and tailWidth bound what is kept in memory, in lines and in bytes.
	// It is more than is shown: the line that matters may stand above a stack trace.
	tailLines = 100
	tailWidth = 400
	// shownLines is how much of the tail an error shows.
	shownLines = 12

	logTime = "2006-01-02T15:04:05.000Z07:00"
)

// A nodeLog writes what a node prints to its log file, each line with the time at
// which it began, between lines that tell what lsfr did to the node.
type nodeLog struct {
	mu      sync.Mutex
	file    *os.File
	size    int64
	limit   int64
	full    bool
	inLine  bool // the file does not end with a newline
	failure error

	// The last lines of the present incarnation, as a ring, and the line that
	// is not finished yet.
	ring    [tailLines]string
	count   int
	current []byte
	curOpen bool
}

func openNodeLog(path string, limit int64) (*nodeLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the node's log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open the node's log: %w", err)
	}
	return &nodeLog{file: file, size: info.Size(), limit: limit}, nil
}

// Write takes output of the node. It never fails: a node must not block or die
// because its log cannot be written; close returns what went wrong.
func (l *nodeLog) Write(output []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remember(output)
	if l.full {
		return len(output), nil
	}
	stamp := time.Now().Format(logTime)
	var out bytes.Buffer
	for line := range bytes.Lines(output) {
		if !l.inLine {
			out.WriteString(stamp)
			out.WriteByte(' ')
		}
		out.Write(line)
		l.inLine = line[len(line)-1] != '\n'
	}
	l.append(out.Bytes())
	if l.size >= l.limit {
		l.full = true
		l.note(fmt.Sprintf("this log holds %d MiB; what the node prints from here on is not kept", l.limit>>20))
	}
	return len(output), nil
}

// event records what lsfr did to the node or saw of it.
func (l *nodeLog) event(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(fmt.Sprintf(format, args...))
}

func (l *nodeLog) note(text string) {
	line := time.Now().Format(logTime) + " --- lsfr: " + text + "\n"
	if l.inLine {
		line = "\n" + line
		l.inLine = false
	}
	l.append([]byte(line))
}

func (l *nodeLog) append(data []byte) {
	n, err := l.file.Write(data)
	l.size += int64(n)
	if err != nil && l.failure == nil {
		l.failure = fmt.Errorf("write the node's log: %w", err)
	}
}

// remember keeps the end of the output in memory.
func (l *nodeLog) remember(output []byte) {
	for line := range bytes.Lines(output) {
		text, finished := bytes.CutSuffix(line, []byte{'\n'})
		room := max(tailWidth-len(l.current), 0)
		l.current = append(l.current, text[:min(len(text), room)]...)
		l.curOpen = !finished
		if finished {
			l.ring[l.count%tailLines] = printable(l.current)
			l.count++
			l.current = l.current[:0]
		}
	}
}

// restart forgets what earlier incarnations of the node printed.
func (l *nodeLog) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count, l.current, l.curOpen = 0, l.current[:0], false
}

// tail returns the last n lines that the present incarnation printed.
func (l *nodeLog) tail(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for i := max(l.count-tailLines, 0); i < l.count; i++ {
		lines = append(lines, l.ring[i%tailLines])
	}
	if l.curOpen {
		lines = append(lines, printable(l.current))
	}
	return lines[max(len(lines)-n, 0):]
}

// close returns the first error that writing the log met.
func (l *nodeLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.file.Close(); err != nil && l.failure == nil {
		l.failure = fmt.Errorf("close the node's log: %w", err)
	}
	return l.failure
}

// addressInUse matches what runtimes print for EADDRINUSE: its name, its text in
// the C library and in Rust, its number on Linux (98) and macOS (48).
var addressInUse = regexp.MustCompile(`(?i)address (is )?(already )?in use\b|eaddrinuse|(errno|os error):? (98|48)\b`)

// saysAddressInUse reports whether the node complained that its port is taken.
func (l *nodeLog) saysAddressInUse() bool {
	for _, line := range l.tail(tailLines) {
		if addressInUse.MatchString(line) {
			return true
		}
	}
	return false
}
