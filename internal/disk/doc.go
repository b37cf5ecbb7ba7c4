// Package disk is a file system that knows what is durable. A node works in a folder
// that lsfr serves itself (FUSE, in this process); LosePower brings the folder back to
// what was durable, which no SIGKILL can do: a killed process loses nothing that it
// handed to the kernel. docs/power-loss.md says what is modelled, and after what.
//
// # On the real disk
//
// A disk keeps everything in its base folder, so that nothing depends on this process
// once it is gone:
//
//	seen/      the files as the node sees them; every operation works on them
//	durable/   the files as a power loss would leave them at least
//	inodes/    each durable file once more, by number: names in durable/ are hard
//	           links to it, and files and folders without a durable name wait here
//
// # In memory
//
// The tree of names, as seen and as durable; the changes of names that are not durable,
// in order; and per file its changes since its last sync, in order: which bytes were
// written, and where it was cut. The bytes themselves are in seen/, except those which a
// change overwrote that were not durable either: these are kept with the change, so that
// a loss can keep the first changes and forget the later ones.
//
// # Names
//
// A change of names (creating, renaming, linking, removing) sets entries of folders, and
// is made durable as a whole. Syncing a folder means all changes of its entries, syncing
// a file those in which the file takes part, and both those that put the folders above it
// where they are. Each of them brings along the earlier changes that it builds upon. So a
// change may become durable before an earlier one that has nothing to do with it, but never
// without what it needs; see order.go.
//
// # Power
//
// CutPower comes before the processes are killed, LosePower after that: a process in a
// sync does not die before it is answered, and must not have been told that it is done.
//
// # Locks
//
// faults.durable is held by a sync while it makes something durable, store.mu guards names,
// inode.mu the contents of a file; in this order. None of them is held while anything is
// asked of the kernel about the folder that is served: the kernel may be waiting for an
// answer from here. A slow sync sleeps without locks.
//
// This process itself should stay away from the mountpoint, and look into seen/ instead:
// if it is killed while it waits for its own answer, the kernel keeps both until somebody
// unmounts by force. For the same reason it must never map a file there.
package disk
