package watch

import (
	"strings"
	"testing"
)

func TestPathsAreIgnoredAsGitignoreSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patterns string // one a line
		path     string // ends with a slash if it is a folder
		want     bool
	}{
		{"store", "store", true},
		{"store", "a/b/store", true},
		{"store", "store/", true},
		{"store", "stores", false},
		{"", "store", false},
		{"# store", "# store", false},
		{`\#store`, "#store", true},
		{"*.o", "main.o", true},
		{"*.o", "a/main.o", true},
		{"*.o", "main.go", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"file[0-9]", "file7", true},
		{"file[0-9]", "filex", false},
		{"file[!0-9]", "filex", true},
		{"file[!0-9]", "file7", false},
		{"file[", "file[", false}, // no pattern
		{`a\*`, "a*", true},
		{`a\*`, "ab", false},
		// a slash at the end: folders only
		{"build/", "build/", true},
		{"build/", "a/build/", true},
		{"build/", "build", false},
		// a slash before: from here only
		{"/store", "store", true},
		{"/store", "a/store", false},
		{"/*.o", "main.o", true},
		{"/*.o", "a/main.o", false},
		{"a/b", "a/b", true},
		{"a/b", "x/a/b", false},
		{"a/*", "a/b", true},
		{"a/*", "a/b/c", false}, // but a/b is a folder then, and ignored
		{"/a/b/", "a/b/", true},
		{"/a/b/", "a/b", false},
		// two stars
		{"**/store", "store", true},
		{"**/store", "a/b/store", true},
		{"**/a/b", "x/y/a/b", true},
		{"**/a/b", "x/y/a/c/b", false},
		{"a/**", "a/b", true},
		{"a/**", "a/b/c", true},
		{"a/**", "a/", false},
		{"a/**", "b/a/c", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "a/x/y/c", false},
		{"a/**/**/b", "a/b", true},
		{"**", "anything/at/all", true},
		{"a**b", "axyb", true},
		{"/a**b", "ax/yb", false},
		{"/" + strings.Repeat("**/a/", 30) + "b", strings.Repeat("a/", 30) + "c", false},
		// the last rule that matches counts
		{"*.log\n!keep.log", "keep.log", false},
		{"*.log\n!keep.log", "other.log", true},
		{"!keep.log\n*.log", "keep.log", true},
		{`\!x`, "!x", true},
		// spaces, and lines as Windows ends them
		{"store  ", "store", true},
		{`store\ `, "store ", true},
		{"store\r", "store", true},
		{"my store", "my store", true},
		{"   ", "x", false},
		{"/", "x", false},
	} {
		name, folder := strings.CutSuffix(c.path, "/")
		if got := ignores(nil).with("", []byte(c.patterns)).match(name, folder); got != c.want {
			t.Errorf("%q, %s: got %v, want %v", c.patterns, c.path, got, c.want)
		}
	}
}

func TestAFolderBelowHasRulesOfItsOwn(t *testing.T) {
	t.Parallel()
	rules := ignores(nil).with("", []byte("*.log\nout")).with("a/b", []byte("/x\n!keep.log"))
	for path, want := range map[string]bool{
		"x": false, "a/x": false, "a/b/x": true, "a/b/c/x": false, // only below, from there
		"keep.log": true, "a/b/keep.log": false, "a/b/c/keep.log": false, "a/b/c/other.log": true,
		"a/b/out": true,
	} {
		if got := rules.match(path, false); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
