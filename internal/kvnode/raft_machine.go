package kvnode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
)

// machine is the data of a raftStore as consensus changes it.
type machine raftStore

// Apply makes the changes of committed entries.
func (m *machine) Apply(index uint64, entries [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range entries {
		found := scan(entry, binaryFormat{})
		if found.torn {
			m.logf("the log is damaged before entry %d: this node's copy is wrong from now on", index+1)
		}
		for _, r := range found.records {
			m.bugs.apply(m.bug, m.values, r)
		}
	}
}

// snapshotBuffer is for writing and reading a snapshot.
const snapshotBuffer = 256 << 10

// Snapshot copies the table, not the values, so that writes go on meanwhile. The records of a snapshot are followed by
// one that tells their number, which proves that it is whole.
func (m *machine) Snapshot() (func(io.Writer) error, error) {
	m.mu.RLock()
	values := maps.Clone(m.values)
	m.mu.RUnlock()
	return func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, snapshotBuffer)
		var buffer []byte
		for key, value := range values {
			buffer = binaryFormat{}.encode(buffer[:0], record{op: opPut, key: key, value: value})
			_, _ = buffered.Write(buffer) // A bufio.Writer keeps its error for Flush.
		}
		end := record{op: opSnapshotEnd, value: strconv.Itoa(len(values))}
		_, _ = buffered.Write(binaryFormat{}.encode(buffer[:0], end))
		return buffered.Flush()
	}, nil
}

// Restore replaces the data by a snapshot, or leaves it as it is if the snapshot is not whole.
func (m *machine) Restore(source io.Reader) error {
	values, err := readSnapshot(bufio.NewReaderSize(source, snapshotBuffer))
	if err != nil {
		return fmt.Errorf("read the snapshot: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bug == restoreMerges {
		maps.Copy(m.values, values)
		return nil
	}
	m.values = values
	return nil
}

var errSnapshotTorn = errors.New("it is cut short, or damaged")

// readSnapshot reads record by record, so that the largest one bounds what is needed besides the values.
func readSnapshot(source *bufio.Reader) (map[string]string, error) {
	values := make(map[string]string)
	var frame []byte
	for {
		var err error
		if frame, err = readFrame(source, frame); err != nil {
			return nil, err
		}
		r, _, err := binaryFormat{}.decode(frame)
		switch {
		case err != nil:
			return nil, errSnapshotTorn
		case r.op == opPut:
			values[r.key] = r.value
		case r.op != opSnapshotEnd || r.value != strconv.Itoa(len(values)):
			return nil, errSnapshotTorn
		default:
			if _, err := source.ReadByte(); !errors.Is(err, io.EOF) {
				return nil, errSnapshotTorn
			}
			return values, nil
		}
	}
}

// readFrame reads the bytes of one record, whose length comes first, into the buffer or a larger one.
func readFrame(source *bufio.Reader, buffer []byte) ([]byte, error) {
	head, err := source.Peek(frameBytes)
	if err != nil {
		return nil, atEnd(err)
	}
	length := int(binary.LittleEndian.Uint32(head))
	if length > maxRecordBytes {
		return nil, errSnapshotTorn
	}
	if size := frameBytes + length; cap(buffer) < size {
		buffer = make([]byte, size)
	} else {
		buffer = buffer[:size]
	}
	_, err = io.ReadFull(source, buffer)
	return buffer, atEnd(err)
}

// atEnd says that a snapshot without its end is cut short.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errSnapshotTorn
	}
	return err
}
