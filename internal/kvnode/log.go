package kvnode

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// segmentLog is the append-only log. It is cut into segments, files named log-000001 and so on, so that
// a checkpoint can drop the old ones while new records are written.
// It is not safe for concurrent use, except for dropBefore.
type segmentLog struct {
	dir    string
	bug    bug
	format format
	file   logFile
	number int   // of the segment being written
	size   int64 // of the segment being written
	bytes  int64 // in segments that no checkpoint covers
	buffer []byte
	bugs   logBugs
}

// A logFile is the open end of the log; *os.File is one.
type logFile interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// errDiskFull says that there was no space for records. Nothing of them is in the log.
var errDiskFull = errors.New("the disk is full")

const segmentPrefix = "log-"

func segmentPath(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%s%06d", segmentPrefix, number))
}

// segmentNumbers lists the segments in dir, in order.
func segmentNumbers(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the log's segments: %w", err)
	}
	var numbers []int
	for _, entry := range entries {
		digits, ok := strings.CutPrefix(entry.Name(), segmentPrefix)
		if !ok {
			continue
		}
		number, err := strconv.Atoi(digits)
		if err != nil || number < 1 {
			return nil, fmt.Errorf("%s is not the name of a log segment", filepath.Join(dir, entry.Name()))
		}
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// open opens a segment for appending, and creates it if it is missing. The folder is synced, so that a
// new segment's name is as durable as the records that will be in it.
func (l *segmentLog) open(number int) error {
	file, err := os.OpenFile(segmentPath(l.dir, number), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	info, err := file.Stat()
	if err == nil {
		err = durable.SyncFolder(l.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the log: %w", err), file.Close())
	}
	l.file, l.number, l.size = l.bugs.newFile(file, l.bug), number, info.Size()
	return nil
}

// append writes the records and returns when they are durable. After any error but errDiskFull nobody knows what a
// restart will find of them.
func (l *segmentLog) append(records []record) error {
	l.buffer = l.buffer[:0]
	for _, r := range records {
		l.buffer = l.format.encode(l.buffer, r)
	}
	if len(l.buffer) == 0 {
		return nil
	}
	if _, err := l.file.Write(l.buffer); err != nil {
		return l.cutOff(err)
	}
	if err := durable.Sync(l.file); err != nil {
		return fmt.Errorf("sync the log: %w", err)
	}
	l.size += int64(len(l.buffer))
	l.bytes += int64(len(l.buffer))
	return nil
}

// cutOff removes what was written of an append that found no space for the rest, so that the next one does not end up
// behind half a record.
func (l *segmentLog) cutOff(failure error) error {
	failure = fmt.Errorf("append to the log: %w", failure)
	if !durable.IsFull(failure) {
		return failure
	}
	err := l.file.Truncate(l.size)
	if err == nil {
		err = durable.Sync(l.file)
	}
	if err != nil {
		return fmt.Errorf("%w; cut it off: %w", failure, err)
	}
	return fmt.Errorf("%w: %w", errDiskFull, failure)
}

// rotate ends the current segment and begins the next one. Everything in the old one is durable, so only
// the last segment of a log can have a torn tail.
func (l *segmentLog) rotate() error {
	old := l.file
	if err := l.open(l.number + 1); err != nil {
		return err
	}
	l.bytes = 0
	if err := old.Close(); err != nil {
		return fmt.Errorf("close log segment %d: %w", l.number-1, err)
	}
	return nil
}

func (l *segmentLog) close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}

// dropBefore removes the segments whose number is less than first: a snapshot covers them. If it is
// interrupted, the next recovery removes the rest.
func dropBefore(dir string, first int) error {
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if number >= first {
			break
		}
		if err := os.Remove(segmentPath(dir, number)); err != nil {
			return fmt.Errorf("drop an old log segment: %w", err)
		}
	}
	return nil
}
