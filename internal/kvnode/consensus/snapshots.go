package consensus

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"github.com/st3v3nmw/lsfr/internal/kvnode/durable"
)

// snapshotStore keeps each snapshot in a file of its own: the state, what is known about it as JSON, and a tail with the
// length of the latter (4 bytes) and a CRC-32C of all before it (4 bytes). The library's store syncs the content of two
// files and the name of their folder, but not their names in it.
//
// A file gets its name when it is durable. So one that is damaged is worth an error: no crash leaves it.
type snapshotStore struct {
	dir    string
	failed func(error) // is told of a failed sync
	synced bool        // false with SnapshotNotSynced
}

const (
	snapshotsName   = "snapshots"
	snapshotPrefix  = "snapshot-"
	snapshotTail    = 8
	keptSnapshots   = 2
	snapshotBuffer  = 256 << 10
	maxSnapshotMeta = 1 << 20
)

var _ raft.SnapshotStore = (*snapshotStore)(nil)

// Create begins a snapshot.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, cfg raft.Configuration, cfgIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	name := fmt.Sprintf("%s%020d-%020d", snapshotPrefix, term, index)
	// Two may be written at the same time, one that is taken and one that arrives.
	file, err := os.CreateTemp(s.dir, name+"-*"+filepath.Ext(durable.TempName("")))
	if err != nil {
		return nil, fmt.Errorf("create a snapshot: %w", err)
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	return &snapshotSink{
		store: s, file: file, sum: sum, buffer: bufio.NewWriterSize(io.MultiWriter(file, sum), snapshotBuffer),
		meta: raft.SnapshotMeta{Version: version, ID: name, Index: index, Term: term, Configuration: cfg, ConfigurationIndex: cfgIndex},
	}, nil
}

// List returns what is known about the snapshots, the newest first.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	var list []*raft.SnapshotMeta
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), snapshotPrefix) || strings.HasSuffix(entry.Name(), durable.TempName("")) {
			continue
		}
		meta, file, err := s.open(entry.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // It was dropped meanwhile.
		}
		if err != nil {
			return nil, err
		}
		_ = file.Close() // It was only read.
		list = append(list, meta)
	}
	slices.SortFunc(list, func(a, b *raft.SnapshotMeta) int {
		return cmp.Or(cmp.Compare(b.Term, a.Term), cmp.Compare(b.Index, a.Index))
	})
	return list, nil
}

// open opens a snapshot's file and reads what is known about it.
func (s *snapshotStore) open(name string) (*raft.SnapshotMeta, *os.File, error) {
	path := filepath.Join(s.dir, name)
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open a snapshot: %w", err)
	}
	meta, err := readMeta(file)
	if err != nil {
		_ = file.Close() // The first error says more.
		return nil, nil, fmt.Errorf("the snapshot %s is damaged: %w", path, err)
	}
	return meta, file, nil
}

func readMeta(file *os.File) (*raft.SnapshotMeta, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var tail [snapshotTail]byte
	if info.Size() < snapshotTail {
		return nil, errors.New("it is cut short")
	}
	if _, err := file.ReadAt(tail[:], info.Size()-snapshotTail); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	state := info.Size() - snapshotTail - length
	if state < 0 || length > maxSnapshotMeta {
		return nil, errors.New("it does not end as a snapshot does")
	}
	text := make([]byte, length)
	if _, err := file.ReadAt(text, state); err != nil {
		return nil, err
	}
	meta := new(raft.SnapshotMeta)
	if err := json.Unmarshal(text, meta); err != nil {
		return nil, err
	}
	if meta.Size != state {
		return nil, fmt.Errorf("its state has %d bytes, not %d", state, meta.Size)
	}
	return meta, nil
}

// Open returns a snapshot's state, which is as it was written.
func (s *snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, file, err := s.open(id)
	if err != nil {
		return nil, nil, err
	}
	err = verify(file)
	if err != nil {
		_ = file.Close() // The first error says more.
		return nil, nil, fmt.Errorf("the snapshot %s is damaged: %w", filepath.Join(s.dir, id), err)
	}
	return meta, struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, 0, meta.Size), file}, nil
}

func verify(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, info.Size()-4)); err != nil {
		return err
	}
	var stored [4]byte
	if _, err := file.ReadAt(stored[:], info.Size()-4); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(stored[:]) != sum.Sum32() {
		return errors.New("its checksum is wrong")
	}
	return nil
}

// renew writes a snapshot again, whose name may not be durable: a sync of the folder may have failed, which no other one
// makes good.
func (s *snapshotStore) renew(id string) error {
	return durable.Replace(s.dir, id, func(w io.Writer) error {
		file, err := os.Open(filepath.Join(s.dir, id))
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(w, file)
		return err
	})
}

// drop removes all but the newest snapshots.
func (s *snapshotStore) drop() error {
	list, err := s.List()
	if err != nil {
		return err
	}
	for _, meta := range list[min(len(list), keptSnapshots):] {
		if err := os.Remove(filepath.Join(s.dir, meta.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop an old snapshot: %w", err)
		}
	}
	return nil
}

// snapshotSink is a snapshot that is being written.
type snapshotSink struct {
	store  *snapshotStore
	meta   raft.SnapshotMeta
	file   *os.File
	sum    hash.Hash32
	buffer *bufio.Writer
	closed bool
}

func (s *snapshotSink) ID() string { return s.meta.ID }

func (s *snapshotSink) Write(p []byte) (int, error) {
	n, err := s.buffer.Write(p)
	s.meta.Size += int64(n)
	return n, err
}

// Cancel removes what was written.
func (s *snapshotSink) Cancel() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// Close makes the snapshot durable, and then drops the oldest ones.
func (s *snapshotSink) Close() error {
	if s.closed {
		return nil
	}
	err := s.end()
	if err == nil {
		err = os.Rename(s.file.Name(), filepath.Join(s.store.dir, s.meta.ID))
	}
	if err != nil {
		_ = s.Cancel() // The first error says more.
	}
	s.closed = true
	if err == nil && s.store.synced {
		err = durable.SyncFolder(s.store.dir)
	}
	if durable.InDoubt(err) {
		s.store.failed(fmt.Errorf("a snapshot cannot be synced: %w", err))
	}
	if err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	return s.store.drop()
}

// end writes the rest of the file and makes it durable.
func (s *snapshotSink) end() error {
	text, err := json.Marshal(s.meta)
	if err != nil {
		return err
	}
	_, _ = s.buffer.Write(text) // A bufio.Writer keeps its error for Flush.
	_, _ = s.buffer.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Write(binary.LittleEndian.AppendUint32(nil, s.sum.Sum32())); err != nil {
		return err
	}
	if s.store.synced {
		if err := durable.Sync(s.file); err != nil {
			return err
		}
	}
	return s.file.Close()
}
