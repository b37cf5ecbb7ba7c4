package kvnode

import (
	"encoding/binary"
	"os"
	"time"
)

// Mistakes about what is durable. A killed process loses nothing by them, because the kernel has all that was written: only
// a loss of power shows them, or a disk that is full or fails. Those in the checkpoint are in bug_power_checkpoint.go.
const (
	noFsync           bug = "no-fsync"
	fsyncWrongFile    bug = "fsync-wrong-file"
	fsyncErrorRetried bug = "fsync-error-retried"
	acksOnENOSPC      bug = "acks-on-enospc"
	noChecksum        bug = "no-checksum"
)

const (
	fsyncTries = 1000
	fsyncPause = time.Millisecond // between them
)

// unsafeFile is what a bug writes the log through that only a loss of power or a bad disk shows, nil without one.
func (l *logBugs) unsafeFile(file *os.File, b bug) logFile {
	switch b {
	case noFsync:
		return unsyncedFile{file}
	case fsyncWrongFile:
		if l.began == nil {
			// An error leaves it nil, and Sync fails for good.
			l.began, _ = os.Open(file.Name())
		}
		return wrongSyncFile{File: file, synced: l.began}
	case fsyncErrorRetried:
		return retryingFile{file}
	case acksOnENOSPC:
		return carelessFile{file}
	}
	return nil
}

// unsyncedFile has bug no-fsync.
type unsyncedFile struct{ *os.File }

func (unsyncedFile) Sync() error { return nil }

// wrongSyncFile has bug fsync-wrong-file.
type wrongSyncFile struct {
	*os.File
	synced *os.File // the segment that the process began with
}

func (f wrongSyncFile) Sync() error { return f.synced.Sync() }

// retryingFile has bug fsync-error-retried.
type retryingFile struct{ logFile }

func (f retryingFile) Sync() error {
	err := f.logFile.Sync()
	for tried := 1; err != nil && tried < fsyncTries; tried++ {
		time.Sleep(fsyncPause)
		err = f.logFile.Sync()
	}
	return err
}

// carelessFile has bug acks-on-enospc.
type carelessFile struct{ logFile }

func (f carelessFile) Write(data []byte) (int, error) {
	_, _ = f.logFile.Write(data) // That nobody looks at it is the bug.
	return len(data), nil
}

// uncheckedFormat has bug no-checksum: a record is what its length says, whatever has become of its content.
type uncheckedFormat struct{ binaryFormat }

func (f uncheckedFormat) decode(data []byte) (record, int, error) {
	if r, size, err := f.binaryFormat.decode(data); err == nil {
		return r, size, nil
	}
	if len(data) < frameBytes {
		return record{}, 0, errTorn
	}
	length := int(binary.LittleEndian.Uint32(data))
	if length == 0 || length > maxRecordBytes || length > len(data)-frameBytes {
		return record{}, 0, errTorn
	}
	r, ok := decodePayload(data[frameBytes : frameBytes+length])
	if !ok {
		return record{}, 0, errTorn
	}
	return r, frameBytes + length, nil
}

// renewSegment makes what the last segment has durable, as far as the bug does.
func (b bug) renewSegment(path string, data []byte) error {
	switch b {
	case noFsync:
		return os.Truncate(path, int64(len(data)))
	case fsyncErrorRetried:
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := file.Truncate(int64(len(data))); err != nil {
			return err
		}
		return retryingFile{file}.Sync()
	}
	return renewSegment(path, data)
}
