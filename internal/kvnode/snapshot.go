package kvnode

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

const snapshotName = "snapshot"

// A snapshot holds the values as they were before the segment numbered first was begun, and the
// position and the epoch that they had then.
type snapshot struct {
	first    int
	position int64
	epoch    string
	values   map[string]string
}

// save replaces the snapshot in dir. The old one stays until the new one is complete and durable.
func (s snapshot) save(dir string) (size int64, err error) {
	size, err = s.writeTemp(dir)
	if err != nil {
		return 0, err
	}
	return size, installSnapshot(dir)
}

// writeTemp writes the snapshot to a temporary file, durably.
func (s snapshot) writeTemp(dir string) (size int64, err error) {
	return s.writeSynced(dir, snapshotName)
}

func (s snapshot) writeSynced(dir, name string) (size int64, err error) {
	err = durable.WriteTemp(dir, name, func(w io.Writer) error {
		size, err = s.writeTo(w)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("write the snapshot: %w", err)
	}
	return size, nil
}

func (s snapshot) writeTo(w io.Writer) (size int64, err error) {
	var buffer []byte
	put := func(r record) {
		if err == nil {
			buffer = binaryFormat{}.encode(buffer[:0], r)
			_, err = w.Write(buffer)
			size += int64(len(buffer))
		}
	}
	put(record{op: opSnapshot, value: s.header()})
	for key, value := range s.values {
		put(record{op: opPut, key: key, value: value})
	}
	put(record{op: opSnapshotEnd, value: strconv.Itoa(len(s.values))})
	return size, err
}

func (s snapshot) header() string {
	return strings.TrimSpace(fmt.Sprintf("%d %d %s", s.first, s.position, s.epoch))
}

// parseHeader reads what header wrote, and the number alone, which is all that the header was once.
func (s *snapshot) parseHeader(header string) bool {
	fields := strings.Fields(header)
	if len(fields) < 1 || len(fields) > 3 {
		return false
	}
	var err error
	if s.first, err = strconv.Atoi(fields[0]); err != nil || s.first < 1 {
		return false
	}
	if len(fields) > 1 {
		if s.position, err = strconv.ParseInt(fields[1], 10, 64); err != nil || s.position < 0 {
			return false
		}
	}
	if len(fields) > 2 {
		s.epoch = fields[2]
	}
	return true
}

// installSnapshot puts the temporary file in the snapshot's place: at any moment a crash leaves the old
// one or the new one, whole.
func installSnapshot(dir string) error {
	if err := durable.Install(dir, snapshotName); err != nil {
		return fmt.Errorf("install the snapshot: %w", err)
	}
	return nil
}

// loadSnapshot reads the snapshot in dir; without one it is empty and covers no segment. A temporary file
// that a crash left behind is removed. With lenient set (a bug), half a snapshot is loaded as far as it goes.
func loadSnapshot(dir string, lenient bool) (s snapshot, size int64, err error) {
	if err := os.Remove(filepath.Join(dir, durable.TempName(snapshotName))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return snapshot{}, 0, fmt.Errorf("remove an unfinished snapshot: %w", err)
	}
	s = snapshot{first: 1, values: make(map[string]string)}
	path := filepath.Join(dir, snapshotName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, 0, nil
	}
	if err != nil {
		return snapshot{}, 0, fmt.Errorf("load the snapshot: %w", err)
	}
	found := scan(data, binaryFormat{})
	if err := s.fill(found); err != nil && !lenient {
		return snapshot{}, 0, fmt.Errorf("the snapshot %s is damaged: %w", path, err)
	}
	return s, int64(len(data)), nil
}

// fill takes the values from a snapshot's records.
func (s *snapshot) fill(found scanned) error {
	ended := false
	for i, r := range found.records {
		switch r.op {
		case opSnapshot:
			if i != 0 || !s.parseHeader(r.value) {
				return errors.New("it does not begin as a snapshot does")
			}
		case opPut:
			s.values[r.key] = r.value
		case opSnapshotEnd:
			ended = i == len(found.records)-1 && r.value == strconv.Itoa(len(s.values))
		default:
			return fmt.Errorf("record %d is not one of a snapshot", i)
		}
	}
	switch {
	case found.torn:
		return fmt.Errorf("no whole record at byte %d", found.whole)
	case !ended || found.records[0].op != opSnapshot:
		return errors.New("it is not complete")
	}
	return nil
}
