package workspace

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Advance writes into lsfr.yaml that stage is completed and that next is now
// the current one; with next "" all are completed, and the current one stays.
// Comments, the order of keys and keys that lsfr does not know are kept. The file
// is read afresh: if it can no longer be read, or names another challenge or
// stage than it did when it was loaded, it is left as it is.
func (w *Workspace) Advance(stage, next string) error {
	path := w.Path()
	data, err := readConfig(path)
	if err != nil {
		return err
	}
	// The library gets comments wrong between CRLF line ends, so it sees only LF.
	crlf := bytes.Contains(data, []byte("\r\n"))
	doc, err := parseDocument(path, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")))
	if err != nil {
		return err
	}
	if doc.config.Challenge != w.Config.Challenge || doc.config.Stage != w.Config.Stage {
		return &ConfigError{Path: path, Line: doc.lines[keyStage], Msg: fmt.Sprintf(
			"was changed while lsfr ran (%s of %s before, %s of %s now) and is left as it is; run `lsfr next` again",
			w.Config.Stage, w.Config.Challenge, doc.config.Stage, doc.config.Challenge)}
	}

	want := doc.config
	if !slices.Contains(want.Completed, stage) {
		want.Completed = append(slices.Clone(want.Completed), stage)
	}
	if next != "" {
		want.Stage = next
	}
	doc.set(want)
	changed, err := doc.encode(crlf)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	// The proof that nothing was lost on the way: the new text says what it should.
	after, err := parseDocument(path, changed)
	if err != nil || !after.config.equal(want) {
		return &ConfigError{Path: path, Err: err, Msg: fmt.Sprintf(
			"is written in a way that lsfr cannot change safely; set `stage: %s` and add %s to completed by hand", want.Stage, stage)}
	}
	if err := replaceConfig(path, changed); err != nil {
		return err
	}
	w.Config, w.lines = after.config, after.lines
	return nil
}

func (c Config) equal(other Config) bool {
	return c.Challenge == other.Challenge && c.Stage == other.Stage && slices.Equal(c.Completed, other.Completed)
}

// set brings the syntax tree in line with want, touching nothing else.
func (d *document) set(want Config) {
	if stage := d.values[keyStage]; stage.Value != want.Stage {
		stage.SetString(want.Stage)
	}
	list := d.values[keyCompleted]
	if list == nil {
		list = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: keyCompleted}
		d.top.Content = append(d.top.Content, key, list)
		d.values[keyCompleted] = list
	}
	if list.Kind != yaml.SequenceNode { // `completed:` with nothing behind it
		list.Kind, list.Tag, list.Value = yaml.SequenceNode, "!!seq", ""
	}
	for _, name := range want.Completed[len(list.Content):] {
		item := &yaml.Node{}
		item.SetString(name)
		list.Content = append(list.Content, item)
	}
}

// encode renders the tree, with the line ends that the file had.
func (d *document) encode(crlf bool) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(d.root); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	if crlf {
		return bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte("\r\n")), nil
	}
	return out.Bytes(), nil
}

// replaceConfig writes the file itself, not a link to it, with the mode it had.
func replaceConfig(path string, data []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return writeError(path, err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return writeError(path, err)
	}
	return writeAtomic(target, data, info.Mode().Perm())
}
