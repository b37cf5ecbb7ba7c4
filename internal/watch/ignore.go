package watch

import (
	"bufio"
	"bytes"
	"path"
	"slices"
	"strings"
)

// never are patterns of what no learner writes, besides what .gitignore names.
const never = `
.git/
.hg/
.lsfr/
node_modules/
target/
__pycache__/
.venv/
venv/
.idea/
.vscode/
.DS_Store
*.sw[a-p]
*.swx
*~
.#*
\#*#
4913
`

// ignores are the rules of a folder's .gitignore and of those above it, as
// gitignore(5) describes them. The last one that matches decides.
type ignores []ignoreRule

type ignoreRule struct {
	// base is the folder whose .gitignore has the rule, as the parts of its path.
	base     []string
	parts    []string
	anchored bool // it stands for paths from base, not for names at any depth
	folders  bool
	negated  bool
}

// with returns the rules and those of a .gitignore in the folder base, a path with
// slashes, empty for the root. What is no pattern matches nothing.
func (g ignores) with(base string, file []byte) ignores {
	out := slices.Clone(g)
	for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
		if r, ok := parseIgnore(lines.Text()); ok {
			r.base = split(base)
			out = append(out, r)
		}
	}
	return out
}

func parseIgnore(line string) (r ignoreRule, ok bool) {
	line = strings.TrimSuffix(line, "\r")
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = strings.TrimSuffix(line, " ")
	}
	if line == "" || line[0] == '#' {
		return r, false
	}
	line, r.negated = strings.CutPrefix(line, "!")
	line, r.folders = strings.CutSuffix(line, "/")
	r.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return r, false
	}
	for part := range strings.SplitSeq(line, "/") {
		r.parts = append(r.parts, strings.ReplaceAll(part, "[!", "[^"))
	}
	if r.anchored && r.parts[len(r.parts)-1] == "**" { // in the end it is at least one part
		r.parts = append(r.parts, "*")
	}
	return r, true
}

// match reports whether a path with slashes, from the root, is ignored by itself. What
// lies in an ignored folder is ignored as well, which is for the caller to see.
func (g ignores) match(name string, folder bool) bool {
	parts := split(name)
	for _, r := range slices.Backward(g) {
		if r.match(parts, folder) {
			return !r.negated
		}
	}
	return false
}

func (r *ignoreRule) match(parts []string, folder bool) bool {
	if r.folders && !folder || len(parts) <= len(r.base) || !slices.Equal(parts[:len(r.base)], r.base) {
		return false
	}
	if !r.anchored {
		return matchName(r.parts[0], parts[len(parts)-1])
	}
	return matchParts(r.parts, parts[len(r.base):])
}

// matchParts matches a pattern and a path, part by part: ** is any number of parts. To
// try again from the last ** is enough, because what stands before it matches the
// least that it can.
func matchParts(pattern, parts []string) bool {
	star, from := -1, 0 // the last **, and where what follows it was tried
	p, i := 0, 0
	for i < len(parts) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, from = p, i
			p++
		case p < len(pattern) && matchName(pattern[p], parts[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

// matchName matches one part. Two stars in it mean what one does.
func matchName(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func split(name string) []string {
	if name == "" || name == "." {
		return nil
	}
	return strings.Split(name, "/")
}
