package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Fingerprint names the content of the folder dir: two folders have the same
// one if they hold the same files, by relative path, content and executable
// bit, and the same symbolic links. Times and owners do not count, nor do
// lsfr.yaml and what tools put there by themselves (version control, packages,
// build output, editor settings), nor sockets, pipes and devices. A file that
// cannot be read counts by its name. The error is ctx's, or says that dir
// itself cannot be listed.
func Fingerprint(ctx context.Context, dir string) (string, error) {
	return fingerprint(ctx, dir, func(path string) (io.ReadCloser, error) { return os.Open(path) })
}

func fingerprint(ctx context.Context, dir string, open func(string) (io.ReadCloser, error)) (string, error) {
	// WalkDir does not follow a link, and dir may be one.
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("fingerprint %s: %w", dir, err)
	}
	if _, err := os.ReadDir(root); err != nil {
		return "", fmt.Errorf("fingerprint %s: %w", dir, err)
	}

	var entries []string // each a path and what is there, both of known length
	add := func(rel, kind, content string) {
		rel = filepath.ToSlash(rel)
		entries = append(entries, fmt.Sprintf("%d %s %s %d %s\n", len(rel), rel, kind, len(content), content))
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if path == root && err == nil {
			return nil
		}
		rel, relErr := filepath.Rel(root, path)
		if relErr != nil {
			return relErr
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed while we looked
		case err != nil:
			add(rel, "unreadable", "")
		case entry.IsDir():
			if ignoredFolder(entry.Name()) {
				return filepath.SkipDir
			}
		case rel == ConfigFile:
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				add(rel, "unreadable", "")
			} else {
				add(rel, "link", target)
			}
		case entry.Type().IsRegular():
			sum, err := hashFile(ctx, path, open)
			info, infoErr := entry.Info()
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist) || errors.Is(infoErr, fs.ErrNotExist):
			case err != nil || infoErr != nil:
				add(rel, "unreadable", "")
			case info.Mode()&0o111 != 0:
				add(rel, "executable", sum)
			default:
				add(rel, "file", sum)
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint %s: %w", dir, err)
	}

	slices.Sort(entries)
	sum := sha256.Sum256([]byte(strings.Join(entries, "")))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// ignoredFolder tells whether a folder of that name, at any depth, holds
// nothing that the learner wrote.
func ignoredFolder(name string) bool {
	switch name {
	case StateDir, ".git", ".hg", "node_modules", "target", "__pycache__", ".venv", "venv", ".idea", ".vscode":
		return true
	}
	return false
}

// hashFile is the hash of one file's content; a big one is given up when ctx ends.
func hashFile(ctx context.Context, path string, open func(string) (io.ReadCloser, error)) (string, error) {
	file, err := open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := &contextHash{ctx: ctx, Hash: sha256.New()}
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// contextHash is a hash that takes no more once its context has ended.
type contextHash struct {
	hash.Hash
	ctx context.Context
}

func (h *contextHash) Write(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.Hash.Write(p)
}
