package disk

import (
	"slices"
	"sync"
	"sync/atomic"
)

// The types of inodes, as in st_mode.
const (
	typeMask    = 0o170000
	typeDir     = 0o040000
	typeFile    = 0o100000
	typeSymlink = 0o120000
	typeFIFO    = 0o010000
	typeSocket  = 0o140000
)

// inode is a file, a folder, or another thing that has a name.
type inode struct {
	id   uint64
	kind uint32 // one of the types

	target string // of a symbolic link

	// lookups counts how often the kernel was told of it, less what it forgot.
	lookups atomic.Int64

	// Guarded by store.mu.

	seen    naming
	durable naming
	// pending counts the changes of names that touch it, placed those that give it a name.
	pending, placed int

	// mu guards what follows. It is locked after store.mu.
	mu sync.Mutex
	// opens counts open handles. While there are any, fd is open.
	opens int
	// fd is the file in seen/, durableFD that in inodes/; -1 if not open.
	fd, durableFD int
	// onDisk says that it exists in inodes/ or durable/.
	onDisk bool
	attributes
	// durableAttributes are those that are durable, if onDisk.
	durableAttributes attributes
	changes           changeLog
	syncRequested     bool // of a file: ever
}

// attributes are what a sync of a file makes durable beside its content. On the real disk
// lsfr itself may always read and write, whatever perm says.
type attributes struct {
	perm     uint32 // permission bits
	uid, gid uint32
}

// naming is how an inode takes part in a tree, as seen or as durable.
type naming struct {
	children map[string]*inode // of a folder
	places   []place           // at most one for a folder; none if it has no name
}

func newInode(id uint64, kind uint32, a attributes) *inode {
	n := &inode{id: id, kind: kind, attributes: a, fd: -1, durableFD: -1}
	if n.isDir() {
		n.seen.children, n.durable.children = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

func (n *inode) isDir() bool  { return n.kind == typeDir }
func (n *inode) isFile() bool { return n.kind == typeFile }

// view chooses one of the two trees.
type view func(*inode) *naming

func asSeen(n *inode) *naming    { return &n.seen }
func asDurable(n *inode) *naming { return &n.durable }

// put makes n, which may be nil, what p holds in the tree v.
func (v view) put(p place, n *inode) {
	children := v(p.dir).children
	if old := children[p.name]; old != nil {
		names := v(old)
		names.places = slices.DeleteFunc(names.places, func(q place) bool { return q == p })
		delete(children, p.name)
	}
	if n != nil {
		children[p.name] = n
		v(n).places = append(v(n).places, p)
	}
}

// trail returns the names that lead from the root to n, and the topmost folder, which is
// the root unless the tree does not hold n.
func (v view) trail(n *inode) (top *inode, names []string) {
	for len(v(n).places) > 0 {
		p := v(n).places[0]
		names = append(names, p.name)
		n = p.dir
	}
	slices.Reverse(names)
	return n, names
}
