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
func (m *machine) Apply(index uint64, entries [][]byte) (refused []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, entry := range entries {
		found := scan(entry, binaryFormat{})
		if found.torn {
			m.logf("the log is damaged before entry %d: this node's copy is wrong from now on", index+1)
		}
		if err := m.applyEntry(found.records); err != nil {
			if refused == nil {
				refused = make([]error, len(entries))
			}
			refused[i] = err
		}
	}
	return refused
}

// applyEntry needs mu. The entry of a client has one record.
func (m *machine) applyEntry(records []record) (refused error) {
	if m.keys != nil && len(records) > 0 && m.keys.apply(m.values, records) {
		return nil
	}
	for _, r := range records {
		if m.keys != nil && !m.keys.has(r.key) {
			refused = errLeft
			continue
		}
		m.bugs.apply(m.bug, m.values, r)
	}
	return refused
}

// snapshotBuffer is for writing and reading a snapshot.
const snapshotBuffer = 256 << 10

// Snapshot copies the table, not the values, so that writes go on meanwhile. The records of a snapshot are followed by
// one that tells their number, which proves that it is whole.
func (m *machine) Snapshot() (func(io.Writer) error, error) {
	m.mu.RLock()
	values := maps.Clone(m.values)
	var begin []byte
	if m.keys != nil {
		for _, r := range m.keys.records() {
			begin = binaryFormat{}.encode(begin, r)
		}
	}
	m.mu.RUnlock()
	return func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, snapshotBuffer)
		_, _ = buffered.Write(begin) // A bufio.Writer keeps its error for Flush.
		var buffer []byte
		for key, value := range values {
			buffer = binaryFormat{}.encode(buffer[:0], record{op: opPut, key: key, value: value})
			_, _ = buffered.Write(buffer)
		}
		end := record{op: opSnapshotEnd, value: strconv.Itoa(len(values))}
		_, _ = buffered.Write(binaryFormat{}.encode(buffer[:0], end))
		return buffered.Flush()
	}, nil
}

// Restore replaces the data by a snapshot, or leaves it as it is if the snapshot is not whole.
func (m *machine) Restore(source io.Reader) error {
	values, ownership, err := readSnapshot(bufio.NewReaderSize(source, snapshotBuffer))
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
	if m.keys != nil {
		m.keys.restore(ownership)
	}
	return nil
}

var errSnapshotTorn = errors.New("it is cut short, or damaged")

// readSnapshot reads record by record, so that the largest one bounds what is needed besides the values. The records of
// the ownership come first.
func readSnapshot(source *bufio.Reader) (values map[string]string, ownership []record, err error) {
	values = make(map[string]string)
	var frame []byte
	for {
		if frame, err = readFrame(source, frame); err != nil {
			return nil, nil, err
		}
		r, _, err := binaryFormat{}.decode(frame)
		switch {
		case err != nil:
			return nil, nil, errSnapshotTorn
		case r.op.ofOwnership() && len(values) == 0:
			ownership = append(ownership, r)
		case r.op == opPut:
			values[r.key] = r.value
		case r.op != opSnapshotEnd || r.value != strconv.Itoa(len(values)):
			return nil, nil, errSnapshotTorn
		default:
			if _, err := source.ReadByte(); !errors.Is(err, io.EOF) {
				return nil, nil, errSnapshotTorn
			}
			return values, ownership, nil
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
