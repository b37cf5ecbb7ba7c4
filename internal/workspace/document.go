package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The keys that lsfr.yaml must or may have. Others are the user's own.
const (
	keyChallenge = "challenge"
	keyStage     = "stage"
	keyCompleted = "completed"
)

// document is a lsfr.yaml that was understood: the syntax tree, with the user's
// comments and own keys, and what it says.
type document struct {
	root   *yaml.Node
	top    *yaml.Node
	config Config
	values map[string]*yaml.Node
	lines  map[string]int
}

// parseDocument understands the content of the file path; what it does not
// understand it refuses with a *ConfigError.
func parseDocument(path string, data []byte) (*document, error) {
	fail := func(line int, format string, args ...any) (*document, error) {
		return nil, &ConfigError{Path: path, Line: line, Msg: fmt.Sprintf(format, args...)}
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return fail(0, "is not a text file in UTF-8; restore it, or save it as UTF-8")
	}
	root, second, err := parseYAML(data)
	if err != nil {
		return nil, syntaxError(path, data, err)
	}
	if root == nil || root.Content[0].ShortTag() == "!!null" {
		return fail(0, "is empty; it needs two lines, `challenge: NAME` and `stage: NAME` (`lsfr list` shows the names)")
	}
	if second > 0 {
		return fail(second, "a second YAML document starts here; keep only the first, without `---`")
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return fail(top.Line, "must consist of lines such as `stage: NAME`, but holds %s", kindName(top))
	}

	doc := &document{root: root, top: top, values: map[string]*yaml.Node{}, lines: map[string]int{}}
	if err := doc.collect(path); err != nil {
		return nil, err
	}
	for _, key := range []string{keyChallenge, keyStage} {
		if doc.values[key] == nil {
			return fail(0, "%s is missing; add a line `%s: NAME` (`lsfr list` shows the names)", key, key)
		}
	}
	if doc.config.Challenge, err = doc.name(path, keyChallenge); err != nil {
		return nil, err
	}
	if doc.config.Stage, err = doc.name(path, keyStage); err != nil {
		return nil, err
	}
	if doc.config.Completed, err = doc.completed(path); err != nil {
		return nil, err
	}
	return doc, nil
}

// collect finds the known keys. A key that is nearly a known one is refused,
// since lsfr would seem to ignore what the user wrote; any other is left alone.
func (d *document) collect(path string) error {
	for i := 0; i+1 < len(d.top.Content); i += 2 {
		key, value := d.top.Content[i], d.top.Content[i+1]
		switch key.Value {
		case keyChallenge, keyStage, keyCompleted:
			if d.values[key.Value] != nil {
				return &ConfigError{Path: path, Line: key.Line, Msg: fmt.Sprintf(
					"%s is given a second time (first on line %d); remove one of the two", key.Value, d.lines[key.Value])}
			}
			d.values[key.Value], d.lines[key.Value] = value, key.Line
			if value.Kind == yaml.ScalarNode && value.Value != "" {
				d.lines[key.Value] = value.Line
			}
			continue
		}
		if key.Value == "stages" && value.Kind == yaml.MappingNode {
			return &ConfigError{Path: path, Line: key.Line, Msg: "`stages` is from an earlier lsfr; " +
				"write `stage: NAME` instead of its `current`, and move `completed` to the start of its line"}
		}
		for _, known := range []string{keyChallenge, keyStage, keyCompleted} {
			if nearly(key.Value, known) {
				return &ConfigError{Path: path, Line: key.Line,
					Msg: fmt.Sprintf("unknown key %q, did you mean %q?", key.Value, known)}
			}
		}
	}
	return nil
}

// name is the value of a key that must be a name.
func (d *document) name(path, key string) (string, error) {
	return nameOf(path, key, d.lines[key], d.values[key])
}

func nameOf(path, what string, line int, node *yaml.Node) (string, error) {
	fail := func(format string, args ...any) (string, error) {
		return "", &ConfigError{Path: path, Line: line, Msg: fmt.Sprintf(format, args...)}
	}
	switch {
	case node.ShortTag() == "!!null" || node.Kind == yaml.ScalarNode && strings.TrimSpace(node.Value) == "":
		return fail("%s has no value; give it a name (`lsfr list` shows the names)", what)
	case node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str":
		return fail("%s must be a name, but is %s (`lsfr list` shows the names)", what, kindName(node))
	}
	return node.Value, nil
}

// completed is the list of passed stages; no such key, or no value, is none passed.
func (d *document) completed(path string) ([]string, error) {
	list := d.values[keyCompleted]
	if list == nil || list.ShortTag() == "!!null" {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, &ConfigError{Path: path, Line: d.lines[keyCompleted], Msg: fmt.Sprintf(
			"completed must be a list such as [NAME, NAME], but is %s", kindName(list))}
	}
	var names []string
	for _, item := range list.Content {
		name, err := nameOf(path, "each item of completed", item.Line, item)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// kindName says in the user's words what a value is.
func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch node.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	case "!!str":
		return "text"
	}
	return "something else"
}

// parseYAML reads one document; nil if there is none. second is the line on
// which another one starts, or 0: the encoder would drop it.
func parseYAML(data []byte) (root *yaml.Node, second int, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, next yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, err
	}
	if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
		return &first, 0, nil
	} else if err != nil {
		return nil, 0, err
	}
	return &first, next.Line, nil
}

// yamlPlace is the library's own idea of the place, which is cut off its message.
var yamlPlace = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxError turns the library's error into one with the right line.
func syntaxError(path string, data []byte, err error) error {
	line, text := firstBadLine(data)
	msg := fmt.Sprintf("not valid YAML (%s); correct this line", yamlPlace.ReplaceAllString(err.Error(), ""))
	if indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; strings.Contains(indent, "\t") {
		msg = "indented with a tab, which YAML does not allow; use spaces"
	} else if line == 0 {
		msg = strings.TrimSuffix(msg, "; correct this line")
	}
	return &ConfigError{Path: path, Line: line, Msg: msg, Err: err}
}

// firstBadLine finds the line after the longest run of first lines that is
// valid by itself, with its text; 0 for a file too big to try them all quickly.
// The library's line numbers do not serve: they are off by one for some errors,
// and name the start of the enclosing block for others.
func firstBadLine(data []byte) (line int, text string) {
	const maxLines, maxSize = 500, 64 << 10
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines) > maxLines || len(data) > maxSize {
		return 0, ""
	}
	size := len(data)
	for n := len(lines) - 1; n >= 0; n-- {
		size -= len(lines[n])
		root, _, err := parseYAML(data[:size])
		// A first line without its colon is valid YAML, but already the mistake.
		if err == nil && (root == nil || root.Content[0].Kind == yaml.MappingNode) {
			return n + 1, string(lines[n])
		}
	}
	return 1, string(lines[0])
}

// nearly tells whether a key was probably meant to be the known one: the same
// but for case and one slip of the fingers, two in a long word.
func nearly(key, known string) bool {
	slips := 1
	if len(known) > 6 {
		slips = 2
	}
	return editDistance(strings.ToLower(key), known) <= slips
}

// editDistance counts the letters to insert, delete, replace or swap with
// their neighbour that turn a into b (optimal string alignment distance).
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if gap := len(x) - len(y); gap > len(y) {
		return gap // a lower bound, and enough: no need to fill a table for a huge key
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			replaced := rows[i-1][j-1]
			if x[i-1] != y[j-1] {
				replaced++
			}
			best := min(rows[i-1][j]+1, rows[i][j-1]+1, replaced)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				best = min(best, rows[i-2][j-2]+1)
			}
			rows[i][j] = best
		}
	}
	return rows[len(x)][len(y)]
}
