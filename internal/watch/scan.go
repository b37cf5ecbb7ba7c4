package watch

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// maxSource is the size in bytes from which on a file is no source.
	maxSource = 8 << 20
	// sniffed is how much of a file tells whether it is text.
	sniffed = 8 << 10
	// coarse is how much a file system may round times: a file that was changed so
	// shortly before it was looked at may have changed again, without a trace.
	coarse = 2 * time.Second
)

// snapshot is what a folder holds, but for what is ignored.
type snapshot struct {
	// files and folders have paths with slashes, from the root.
	files   map[string]state
	folders map[string]ignores // with the rules for what they hold
}

// state is what is known of a file.
type state struct {
	sum      [sha256.Size]byte
	size     int64
	modified time.Time
	seen     time.Time
	binary   bool
	program  bool // it may be executed
}

// scan looks at the folder root. Of files that have not changed since before it
// takes what is known. What cannot be read is not there.
func scan(root string, before *snapshot) *snapshot {
	now := &snapshot{files: make(map[string]state), folders: make(map[string]ignores)}
	now.add(root, ".", ignores(nil).with("", []byte(never)), before)
	return now
}

func (s *snapshot) add(root, folder string, rules ignores, before *snapshot) {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(folder)))
	if err != nil {
		return
	}
	if own, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(folder), ".gitignore")); err == nil {
		rules = rules.with(folder, own)
	}
	s.folders[folder] = rules
	for _, e := range entries {
		name := e.Name()
		if folder != "." {
			name = folder + "/" + name
		}
		switch {
		case rules.match(name, e.IsDir()):
		case e.IsDir():
			s.add(root, name, rules, before)
		default:
			if now, ok := look(filepath.Join(root, filepath.FromSlash(name)), before.files[name]); ok {
				s.files[name] = now
			}
		}
	}
}

// look reads a file, or the target of a link, unless it is known already.
func look(path string, before state) (now state, ok bool) {
	seen := time.Now()
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return state{}, false
	}
	settled := before.seen.Sub(before.modified) > coarse
	program := info.Mode()&0o111 != 0
	if settled && before.size == info.Size() && before.modified.Equal(info.ModTime()) {
		before.program = program
		return before, true
	}
	data, err := readFile(path)
	if err != nil {
		return state{}, false
	}
	head := data[:min(len(data), sniffed)]
	return state{
		sum: sha256.Sum256(data), size: info.Size(), modified: info.ModTime(), seen: seen, binary: bytes.IndexByte(head, 0) >= 0,
		program: program,
	}, true
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()                                 //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, maxSource)) // it may be growing
}

// Change is a file that is new, gone, holds something else, or may be executed by now.
type Change struct {
	// Name is the file's path with slashes, from the folder that is watched.
	Name string
	// Binary is set if it is no text, and so perhaps what a compiler made.
	Binary bool
	// Modified is when it was last written; zero if it is gone.
	Modified time.Time
}

// changes compares two snapshots, in the order of names.
func changes(before, now *snapshot) []Change {
	var out []Change
	for name, f := range now.files {
		if old, ok := before.files[name]; !ok || old.sum != f.sum || old.program != f.program {
			out = append(out, Change{Name: name, Binary: f.binary, Modified: f.modified})
		}
	}
	for name := range before.files {
		if _, ok := now.files[name]; !ok {
			out = append(out, Change{Name: name})
		}
	}
	slices.SortFunc(out, byName)
	return out
}
