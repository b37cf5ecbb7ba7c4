package main

import (
	"os/exec"
	"testing"
)

func TestWrapBreaksBetweenWordsOnly(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		want       string
	}{
		{"text that fits stays on one line", "one two", 12, "hint one two"},
		{"a word that does not fit begins a line", "one two", 11, "hint one\n     two"},
		{"a word that fits nowhere is left whole", "abcdefghijkl two", 10, "hint abcdefghijkl\n     two"},
		{"width counts characters, not bytes", "éé öö", 10, "hint éé öö"},
		{"alignment inside a line is kept", "a   b", 20, "hint a   b"},
		{"no text is the first prefix", "", 20, "hint "},
	} {
		if got := wrap(c.text, c.width, "hint ", "     "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestShellWordsMeanThemselvesToAShell(t *testing.T) {
	for _, word := range []string{"plain/path-1.sh", "", "two words", "it's", "$HOME", "a\nb", "~", "*", `back\slash`, "é"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q (%v)", word, out, err)
		}
	}
	if got := shellWord("plain/path-1.sh"); got != "plain/path-1.sh" {
		t.Errorf("a plain word was quoted: %s", got)
	}
}

func TestJoinItemsChangesListItemsOnly(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an item that goes on is joined", "- one\n  two\n- three", "- one two\n- three"},
		{"a numbered one as well", "1. one\n   two\n2. three", "1. one two\n2. three"},
		{"a paragraph is not", "one\ntwo", "one\ntwo"},
		{"a list inside a list is not", "- one\n  - two", "- one\n  - two"},
		{"what follows an empty line is not", "- one\n\n  two", "- one\n\n  two"},
		{"code is not", "```\n- one\n  two\n```", "```\n- one\n  two\n```"},
		{"indented code behind a paragraph is not", "one\n\n    - code\n      more", "one\n\n    - code\n      more"},
	} {
		if got := joinItems(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
