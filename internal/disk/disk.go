package disk

import (
	"errors"
	"fmt"
)

// ErrUnsupported says that this machine cannot serve a disk; the errors that wrap it
// say why, and what to install. It is a reason to skip a scenario, not to fail it.
var ErrUnsupported = errors.New("power loss cannot be simulated here")

// ErrClosed is returned by operations on a disk that was closed.
var ErrClosed = errors.New("the disk is closed")

// Options of a disk. The zero value behaves as ext4 does.
type Options struct {
	// Strict makes names durable only by a sync of their folder. Otherwise syncing a
	// file makes its own names durable too, and the folders that lead to it.
	Strict bool
}

// Kind says what a power loss kept of the changes of a file that were not durable.
type Kind string

// The kinds of loss. Durable data is never lost, in none of them.
const (
	KeptNothing Kind = "nothing kept"
	// KeptPrefix keeps the first changes in order: none, some, or all of them.
	KeptPrefix Kind = "first changes kept"
	// KeptPages keeps some pages of 4096 bytes and loses the others, in no order.
	KeptPages Kind = "some pages kept"
	// KeptTorn keeps all changes but the last one, and of that a part: it ends where a
	// sector of 512 bytes does.
	KeptTorn Kind = "last change torn"
)

var kinds = [...]Kind{KeptNothing, KeptPrefix, KeptPages, KeptTorn}

// Loss says what a power loss met, and what it took.
type Loss struct {
	// Writes counts the writes and truncations that were not durable, Bytes how many
	// bytes of files those were, in Files. With Writes and Names zero nothing was at risk.
	Writes int
	Bytes  int64
	// Names counts the changes of names that were not durable, NamesLost those of them
	// that are gone.
	Names     int
	NamesLost int
	// Files are those of which something was not durable, sorted by path.
	Files []FileLoss
	// Lost are the changes of names that are gone, in order, as in "create wal/0002";
	// at most 1000 of them.
	Lost []string
}

// FileLoss says what became of the changes of a file that were not durable.
type FileLoss struct {
	// Path is relative to the mountpoint, as the file was seen. A file that was
	// removed has its last path.
	Path string
	Kind Kind
	// Writes and Bytes were not durable; Kept says how many of the bytes are there.
	Writes int
	Bytes  int64
	Kept   int64
	// Gone means that the file has no name any more.
	Gone bool
}

// String says it in one line.
func (l Loss) String() string {
	return fmt.Sprintf("%d writes (%d bytes in %d files) and %d names were not durable; %d names are gone",
		l.Writes, l.Bytes, len(l.Files), l.Names, l.NamesLost)
}

// Risk is what is not durable at a moment.
type Risk struct {
	// Bytes are those written, in files that were synced before: of a program's own log, which it
	// never syncs, nobody cares what is lost. If no file was, all files count.
	Bytes int64
	// Names counts the changes of names.
	Names int
}

// Stats counts what a disk did since Mount.
type Stats struct {
	Writes       int64 // writes that were answered with success
	BytesWritten int64
	Syncs        int64 // syncs of files and folders, and writes with O_SYNC or O_DSYNC, that made something durable
	IdleSyncs    int64 // syncs that found nothing to do
	FailedSyncs  int64 // syncs that FailSync made fail
	SlowSyncs    int64 // syncs that SlowSync delayed
	NoSpace      int64 // answers of ENOSPC and writes cut short because of LimitSpace
	PowerLosses  int64
}
