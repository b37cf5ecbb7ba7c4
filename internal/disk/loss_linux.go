package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLost bounds Loss.Lost.
const maxLost = 1000

func anyKind(random func(n int) int) Kind { return kinds[random(len(kinds))] }

// anyNames keeps all in one of four losses: a journal is mostly written soon.
func anyNames(random func(n int) int, n int) int {
	if random(4) == 0 {
		return n
	}
	return random(n + 1)
}

// LosePower does what a power loss does to the files of a node that is dead already. Of
// what was not durable it keeps a part that the seed chooses. It returns when the folder
// is served again, with that as its content; all of it is durable then. After an error
// other than ErrClosed the disk is no longer usable, except for Close.
//
// A process that still has something open there gets errors from then on.
func (d *Disk) LosePower(ctx context.Context, seed int64) (Loss, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return Loss{}, ErrClosed
	}
	l, err := d.losePower(ctx, rand.New(rand.NewPCG(uint64(seed), 0)))
	if err != nil {
		return l, fmt.Errorf("power loss of the disk at %s: %w", d.mountpoint, err)
	}
	return l, nil
}

func (d *Disk) losePower(ctx context.Context, random *rand.Rand) (Loss, error) {
	if err := d.stop(ctx); err != nil {
		return Loss{}, err
	}
	old := d.store
	l, err := old.lose(random, d.kind, d.names)
	old.finish()
	if err = errors.Join(err, old.failure()); err != nil {
		return l, err
	}
	fresh, err := old.restart(ctx)
	if err != nil {
		return l, err
	}
	d.store = fresh
	d.faults.losses.Add(1)
	return l, d.serve()
}

// lose makes durable what survives of the rest.
func (s *store) lose(random *rand.Rand, kind func(func(int) int) Kind, names func(func(int) int, int) int) (Loss, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := Loss{Names: len(s.pending)}

	// Files first, while their names are those that were seen.
	files := s.changed()
	for _, n := range files {
		f, err := s.loseFile(n, random, kind(random.IntN))
		if err != nil {
			return l, fmt.Errorf("%s: %w", f.Path, err)
		}
		l.Writes += f.Writes
		l.Bytes += f.Bytes
		l.Files = append(l.Files, f)
	}
	keep := names(random.IntN, len(s.pending))
	kept, lost := s.pending[:keep], s.pending[keep:]
	s.pending = nil
	if err := s.makeDurable(kept); err != nil {
		return l, err
	}
	l.NamesLost = len(lost)
	for _, c := range lost[:min(len(lost), maxLost)] {
		l.Lost = append(l.Lost, c.text)
	}
	for i, n := range files {
		l.Files[i].Gone = !s.survives(n)
	}
	return l, nil
}

// changed lists the files with changes, sorted by path.
func (s *store) changed() []*inode {
	type named struct {
		path string
		n    *inode
	}
	var found []named
	for _, n := range s.nodes {
		n.mu.Lock()
		if len(n.changes.log) > 0 {
			found = append(found, named{n.path(), n})
		}
		n.mu.Unlock()
	}
	slices.SortFunc(found, func(a, b named) int { return strings.Compare(a.path, b.path) })
	out := make([]*inode, len(found))
	for i, f := range found {
		out[i] = f.n
	}
	return out
}

// loseFile applies to the durable file what survives of the changes of n.
func (s *store) loseFile(n *inode, random *rand.Rand, kind Kind) (FileLoss, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := merge(n.changes.log)
	f := FileLoss{Path: n.path(), Kind: kind, Writes: all.count, Bytes: all.spans.bytes()}
	from, done, err := s.fdOf(n)
	if err != nil {
		return f, err
	}
	defer done()
	to, err := s.openDurable(n)
	if err != nil {
		return f, err
	}
	size, err := sizeOf(to)
	if err != nil {
		return f, err
	}
	kept := survive(kind, n.changes.log, size, random.IntN)
	if kept.kept != nil {
		f.Kept = kept.kept.spans.bytes()
		if err := kept.apply(to, from); err != nil {
			return f, err
		}
	}
	n.changes = changeLog{}
	return f, nil
}

// apply does what survives to a file, with the content of the file as seen.
func (s survival) apply(to, from int) error {
	if err := s.kept.apply(to, from); err != nil {
		return err
	}
	for _, p := range s.pieces {
		whole := span{p.off, p.off + int64(len(p.data))}
		for _, x := range s.kept.spans.overlap(whole) {
			if err := writeFull(to, p.data[x.off-p.off:x.end-p.off], x.off); err != nil {
				return err
			}
		}
	}
	return resize(to, s.kept.size)
}

// survives reports whether n has a durable name that can be reached. It needs store.mu.
func (s *store) survives(n *inode) bool {
	for _, p := range n.durable.places {
		if top, _ := view(asDurable).trail(p.dir); top == s.root {
			return true
		}
	}
	return false
}

// restart makes seen/ what is in durable/, and a store in which all of it is durable.
func (s *store) restart(ctx context.Context) (*store, error) {
	fresh := newStore(s.base, s.strict, s.faults)
	fresh.nextID = s.nextID
	if err := s.clear("seen"); err != nil {
		return nil, err
	}
	if err := unix.Mkdirat(s.base, "seen", s.root.durableAttributes.perm|0o700); err != nil {
		return nil, err
	}
	fresh.root.attributes = s.root.durableAttributes
	fresh.root.durableAttributes = s.root.durableAttributes
	known := map[*inode]*inode{}
	if err := fresh.revive(ctx, fresh.root, s.root, known); err != nil {
		return nil, err
	}
	return fresh, fresh.forgetUnnamed()
}

// revive copies a folder of the durable tree of an older store.
func (s *store) revive(ctx context.Context, dir, old *inode, known map[*inode]*inode) error {
	for name, o := range old.durable.children {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := place{dir, name}
		if err := s.reviveEntry(p, o, known); err != nil {
			return fmt.Errorf("%s: %w", p.path(), err)
		}
		if o.isDir() {
			if err := s.revive(ctx, dir.seen.children[name], o, known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *store) reviveEntry(p place, old *inode, known map[*inode]*inode) error {
	l, err := s.seenAt(p.dir, p.name)
	if err != nil {
		return err
	}
	defer l.close()
	n := known[old]
	if n != nil {
		if err := s.link(n, l); err != nil {
			return err
		}
		view(asSeen).put(p, n)
		view(asDurable).put(p, n)
		return nil
	}
	n = newInode(old.id, old.kind, old.durableAttributes)
	n.target, n.onDisk, n.durableAttributes = old.target, true, old.durableAttributes
	if err := makeEmpty(l, n); err != nil {
		return err
	}
	s.nodes[n.id], known[old] = n, n
	view(asSeen).put(p, n)
	view(asDurable).put(p, n)
	if !n.isFile() {
		return nil
	}
	from, err := openAt(s.base, n.home(), unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	to, err := openAt(l.dir, l.path, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return err
	}
	return copyFile(to, from, &st)
}

// forgetUnnamed removes from inodes/ what no power loss can bring back any more.
func (s *store) forgetUnnamed() error {
	fd, err := openAt(s.base, "inodes", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "inodes")
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, n := range s.nodes {
		wanted[n.number()] = !n.isDir()
	}
	for _, name := range names {
		if !wanted[name] {
			if err := s.clear("inodes/" + name); err != nil {
				return err
			}
		}
	}
	return nil
}
