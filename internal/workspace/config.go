package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxConfigSize in bytes is far above any lsfr.yaml: a larger file is a mistake.
const maxConfigSize = 1 << 20

// Config is the content of lsfr.yaml.
type Config struct {
	// Challenge is the name of the challenge, such as kv-store.
	Challenge string
	// Stage is the name of the current stage. After the last stage it stays
	// that one, and Completed has it too.
	Stage string
	// Completed holds the names of the stages passed, in the order of passing.
	Completed []string
}

// ConfigError says what is wrong with lsfr.yaml, where, and what to do.
type ConfigError struct {
	// Path is the file, relative to where lsfr runs if the folder was given so.
	Path string
	// Line counts from 1; 0 means that no line is to blame.
	Line int
	// Msg is one sentence, with the way out.
	Msg string
	// Err is the cause, if there is one below (such as fs.ErrNotExist).
	Err error
}

func (e *ConfigError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.Msg)
}

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// Load reads the lsfr.yaml of the folder dir, and only there. Whatever is wrong
// with the file comes back as a *ConfigError; fs.ErrNotExist is its cause when
// there is none. Whether such a challenge and stage exist is for the caller to
// say, with Problem.
func Load(dir string) (*Workspace, error) {
	dir = filepath.Clean(dir)
	path := filepath.Join(dir, ConfigFile)
	data, err := readConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(dir, path, err)
	}
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(path, data)
	if err != nil {
		return nil, err
	}
	return &Workspace{Dir: dir, Config: doc.config, lines: doc.lines}, nil
}

// Path is where the workspace's lsfr.yaml is.
func (w *Workspace) Path() string { return filepath.Join(w.Dir, ConfigFile) }

// Line is the line, counted from 1, on which lsfr.yaml gives key (challenge,
// stage, completed) its value, or 0 if it does not have that key.
func (w *Workspace) Line(key string) int { return w.lines[key] }

// Problem is the error to return when the value that lsfr.yaml gives key is
// not acceptable to the caller: an unknown stage, for example.
func (w *Workspace) Problem(key, msg string) *ConfigError {
	return &ConfigError{Path: w.Path(), Line: w.Line(key), Msg: msg}
}

// readConfig reads the file, but nothing that is not a file of sensible size:
// reading a pipe, for one, would wait forever.
func readConfig(path string) ([]byte, error) {
	fail := func(err error, format string, args ...any) ([]byte, error) {
		return nil, &ConfigError{Path: path, Msg: fmt.Sprintf(format, args...), Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return fail(err, "cannot be read: %v", reason(err))
	}
	if info.IsDir() {
		return fail(nil, "is a folder, but lsfr needs a file of that name; move the folder away and restore lsfr.yaml")
	}
	if !info.Mode().IsRegular() {
		return fail(nil, "is not a regular file; restore lsfr.yaml")
	}
	file, err := os.Open(path)
	if err != nil {
		return fail(err, "cannot be read: %v; make it readable for your user", reason(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfigSize+1))
	if err != nil {
		return fail(err, "cannot be read: %v", reason(err))
	}
	if len(data) > maxConfigSize {
		return fail(nil, "is larger than 1 MB, so it is hardly the file lsfr wrote; restore lsfr.yaml")
	}
	return data, nil
}

// notFound tells the three ways in which a user ends up without lsfr.yaml
// apart: a wrong folder, a folder inside the workspace, none made yet.
func notFound(dir, path string, cause error) error {
	missing := &ConfigError{Path: path, Err: cause}
	if info, err := os.Stat(dir); err != nil {
		missing.Msg = fmt.Sprintf("cannot be read: the folder %s is not there; check --dir", dir)
	} else if !info.IsDir() {
		missing.Msg = fmt.Sprintf("cannot be read: %s is not a folder; check --dir", dir)
	} else if parent := parentWorkspace(dir); parent != "" {
		missing.Msg = fmt.Sprintf("not found, but there is one in %s; run it there, or pass --dir %s", parent, parent)
	} else {
		missing.Msg = "not found; run lsfr in the folder that `lsfr new` made, pass --dir, or start with `lsfr new`"
	}
	return missing
}

// parentWorkspace finds the nearest folder above dir with a lsfr.yaml; "" if none has.
func parentWorkspace(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	// As many steps as there are folders above: a relative path has no natural end.
	for range strings.Count(filepath.ToSlash(abs), "/") {
		dir = filepath.Join(dir, "..")
		if info, err := os.Stat(filepath.Join(dir, ConfigFile)); err == nil && info.Mode().IsRegular() {
			if strings.HasSuffix(dir, "..") {
				return dir + string(filepath.Separator)
			}
			return dir
		}
	}
	return ""
}
