package workspace

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
)

//go:embed templates/*.tmpl
var templates embed.FS

// Scaffold is what the files of a new workspace say about its challenge.
type Scaffold struct {
	// Challenge is its name, such as kv-store.
	Challenge string
	// Title is its name in words.
	Title string
	// Overview is Markdown text: what the learner is going to build.
	Overview string
	// Stages are all its stages in order; the first is where the learner starts.
	Stages []StageInfo
}

// StageInfo is one line in the table of stages.
type StageInfo struct {
	// Name is as on the command line, such as http-api.
	Name string
	// Title is the name in words.
	Title string
	// Summary is one sentence of Markdown: what the stage asks for.
	Summary string
}

// ExistsError says which files are in the way of a new workspace.
type ExistsError struct {
	// Dir is the folder in which they are.
	Dir string
	// Files are their names.
	Files []string
}

func (e *ExistsError) Error() string {
	verb, pronoun := "is", "it"
	if len(e.Files) > 1 {
		verb, pronoun = "are", "them"
	}
	return fmt.Sprintf("%s %s in the way in %s; nothing was changed: move %s away first, or choose another folder",
		strings.Join(e.Files, ", "), verb, e.Dir, pronoun)
}

// scaffoldFile is a file yet to be written.
type scaffoldFile struct {
	name string
	mode fs.FileMode
	data []byte
}

// Create writes run.sh, README.md, .gitignore and lsfr.yaml into the folder
// dir, which it makes if need be, and returns their names. It is all or nothing:
// if one of them is there already, even as a dangling link, the error is a
// *ExistsError; after any error the disk is as it was before.
func Create(dir string, s Scaffold) (files []string, err error) {
	content, err := render(s)
	if err != nil {
		return nil, err
	}
	dir = filepath.Clean(dir)
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, &ExistsError{Dir: filepath.Dir(dir), Files: []string{filepath.Base(dir)}}
	}
	var inTheWay []string
	for _, file := range content {
		if _, err := os.Lstat(filepath.Join(dir, file.name)); err == nil {
			inTheWay = append(inTheWay, file.name)
		}
	}
	if len(inTheWay) > 0 {
		return nil, &ExistsError{Dir: dir, Files: inTheWay}
	}
	if err := writeAll(dir, content); err != nil {
		return nil, err
	}
	for _, file := range content {
		files = append(files, file.name)
	}
	return files, nil
}

// render makes the files' content. lsfr.yaml is last, so that a folder which
// has it has them all.
func render(s Scaffold) ([]scaffoldFile, error) {
	if s.Challenge == "" || len(s.Stages) == 0 {
		return nil, errors.New("render scaffold: a challenge needs a name and a stage")
	}
	parsed, err := template.New("").Funcs(template.FuncMap{"cell": tableCell, "yaml": yamlScalar}).
		ParseFS(templates, "templates/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	files := []scaffoldFile{
		{name: "run.sh", mode: 0o755},
		{name: "README.md", mode: 0o644},
		{name: ".gitignore", mode: 0o644},
		{name: ConfigFile, mode: 0o644},
	}
	for i := range files {
		var out bytes.Buffer
		name := strings.TrimPrefix(files[i].name, ".") + ".tmpl"
		if err := parsed.ExecuteTemplate(&out, name, s); err != nil {
			return nil, fmt.Errorf("render %s: %w", files[i].name, err)
		}
		files[i].data = out.Bytes()
	}
	return files, nil
}

// tableCell fits text into a cell of a Markdown table.
func tableCell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

// yamlScalar quotes a name where YAML would take it for something else.
func yamlScalar(text string) (string, error) {
	out, err := yaml.Marshal(text)
	return strings.TrimSpace(string(out)), err
}

// writeAll writes new files into dir, or leaves no trace.
func writeAll(dir string, files []scaffoldFile) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for i := len(made) - 1; i >= 0; i-- {
				os.Remove(made[i]) // a folder goes only if nobody else put something there
			}
		}
	}()
	for _, missing := range missingFolders(dir) {
		err := os.Mkdir(missing, 0o755)
		if err == nil {
			made = append(made, missing)
		} else if !errors.Is(err, fs.ErrExist) {
			return writeError(missing, err)
		}
	}
	for _, file := range files {
		path := filepath.Join(dir, file.name)
		// O_EXCL: a file that appeared since we looked, or a link, is not ours to write.
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.mode)
		if errors.Is(err, fs.ErrExist) {
			return &ExistsError{Dir: dir, Files: []string{file.name}}
		}
		if err != nil {
			return writeError(path, err)
		}
		made = append(made, path)
		_, err = out.Write(file.data)
		if err := errors.Join(err, out.Close()); err != nil {
			return writeError(path, err)
		}
	}
	return nil
}

// missingFolders are dir and those above it that are not there, outermost first.
func missingFolders(dir string) []string {
	var missing []string
	for {
		if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append([]string{dir}, missing...)
		parent := filepath.Dir(dir)
		if parent == dir {
			return missing
		}
		dir = parent
	}
}
