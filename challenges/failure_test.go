package challenges

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestContrastShowsWhatDiffers(t *testing.T) {
	t.Parallel()
	x, y := strings.Repeat("x", 1000), strings.Repeat("y", 1000)
	umlauts := strings.Repeat("ä", 500)
	tests := []struct {
		name, expected, actual string
		shownExpected, shown   string
	}{
		{"short texts", "red", "green", `"red"`, `"green"`},
		{"equal texts", "red", "red", `"red"`, `"red"`},
		{"nothing came back", "red", "", `"red"`, `(nothing)`},
		{"nothing was expected", "", "red", `(nothing)`, `"red"`},
		{"nothing at all", "", "", `(nothing)`, `(nothing)`},
		{"a text that looks like nothing", "(nothing)", "", `"(nothing)"`, `(nothing)`},

		{"a missing line break", "red\n", "red", `"red\n"`, `"red"`},
		{"another line break", "a\nb", "a\r\nb", `"a\nb"`, `"a\r\nb"`},
		{"a space at the end", "red ", "red", `"red "`, `"red"`},
		{"tabs and control characters", "a\tb\x00\x1b[31m", "", `"a\tb\x00\x1b[31m"`, `(nothing)`},
		{"quotes and backslashes", `say "hi" \n`, "", `"say \"hi\" \\n"`, `(nothing)`},
		{"a hard space", "a\u00a0b", "a b", `"a\u00a0b"`, `"a b"`},
		{"a byte order mark", "a", "\ufeffa", `"a"`, `"\ufeffa"`},
		{"a change of direction", "a\u202eb", "ab", `"a\u202eb"`, `"ab"`},
		{"letters that can be seen", "grüße", "gr??e", `"grüße"`, `"gr??e"`},
		{"an emoji", "👩‍🚀!", "👩‍🚀?", `"👩‍🚀!"`, `"👩‍🚀?"`},
		{"an accent of its own", "caf\u00e9", "cafe\u0301", `"caf\u00e9"`, `"cafe\u0301"`},
		{"a joiner", "a\u200db", "ab", `"a\u200db"`, `"ab"`},
		{"half an emoji", "👩‍🚀", "👩🚀", `"\U0001f469\u200d\U0001f680"`, `"\U0001f469\U0001f680"`},

		{"invalid UTF-8", "a\xffb", "a\ufffdb", `"a\xffb"`, `"a` + "\ufffd" + `b"`},
		{"a rune cut in two", "aä", "a\xc3", `"aä"`, `"a\xc3"`},

		{
			"the first byte of long texts", x, y,
			`"` + x[:after] + `"… (1000 bytes, first difference at byte 0)`, `"` + y[:after] + `"… (1000 bytes, first difference at byte 0)`,
		},
		{
			"the middle of long texts", x + "a" + x, x + "b" + x,
			`…"` + x[:before] + "a" + x[:after-1] + `"… (2001 bytes, first difference at byte 1000)`,
			`…"` + x[:before] + "b" + x[:after-1] + `"… (2001 bytes, first difference at byte 1000)`,
		},
		{
			"the last byte of a long text", x + "\n", x,
			`…"` + x[:before] + `\n" (1001 bytes, first difference at byte 1000)`, `…"` + x[:before] + `" (1000 bytes, first difference at byte 1000)`,
		},
		{"equal long texts", x, x, `"` + x[:after] + `"… (1000 bytes)`, `"` + x[:after] + `"… (1000 bytes)`},
		{"a long text and nothing", x, "", `"` + x[:after] + `"… (1000 bytes)`, `(nothing)`},
		{"a few bytes are not worth leaving out", x[:after+7], "y", `"` + x[:after+7] + `"`, `"y"`},
		{
			"runes stay whole in front", umlauts + "a", umlauts + "a!",
			`…"` + umlauts[:before] + `a" (1001 bytes, first difference at byte 1001)`, `…"` + umlauts[:before] + `a!" (1002 bytes, first difference at byte 1001)`,
		},
		{
			"runes stay whole behind", "a" + umlauts, "b" + umlauts,
			`"a` + umlauts[:after] + `"… (1001 bytes, first difference at byte 0)`, `"b` + umlauts[:after] + `"… (1001 bytes, first difference at byte 0)`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shownExpected, shown := Contrast(tt.expected, tt.actual)
			if shownExpected != tt.shownExpected || shown != tt.shown {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", shownExpected, shown, tt.shownExpected, tt.shown)
			}
		})
	}
}

// Whatever a node sends, one short line of valid text is shown, and texts that
// differ are shown differently.
func FuzzContrast(f *testing.F) {
	f.Add("red", "green")
	f.Add("caf\u00e9", "cafe\u0301")
	f.Add(strings.Repeat("\x80", 5000), strings.Repeat("\x80", 5001))
	f.Add(strings.Repeat("ä", 300)+"\n", strings.Repeat("ä", 300))
	f.Add("a\xffb", `a\xffb`)
	f.Fuzz(func(t *testing.T, expected, actual string) {
		one, other := Contrast(expected, actual)
		if (one == other) != (expected == actual) && expected != "" && actual != "" {
			t.Errorf("%q and %q are shown as %s and %s", expected, actual, one, other)
		}
		for _, s := range []string{one, other} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00\x1b") || len(s) > 1200 {
				t.Errorf("%q and %q are shown as %q", expected, actual, s)
			}
		}
	})
}

func TestARequestIsShownOnOneShortLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		request Request
		want    string
	}{
		{Request{Method: "GET", Path: "/kv/a"}, "GET /kv/a"},
		{Request{"PUT", "/kv/a", "b\n"}, `PUT /kv/a with body "b\n"`},
		{Request{"PUT", "/kv/a", strings.Repeat("b", 1<<20)}, `PUT /kv/a with body "` + strings.Repeat("b", after) + `"… (1048576 bytes)`},
		{Request{Method: "GET", Path: "/kv/" + strings.Repeat("k", 200)}, "GET /kv/" + strings.Repeat("k", 52) + "…" + strings.Repeat("k", 20)},
	}
	for _, tt := range tests {
		if got := tt.request.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestAFailureLeadsToItsCause(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("check: %w", &Failure{Summary: "it broke", Err: io.ErrUnexpectedEOF})
	var f *Failure
	if !errors.As(err, &f) || !errors.Is(err, io.ErrUnexpectedEOF) || f.Error() != "it broke" {
		t.Errorf("got %v", err)
	}
	if err := Failf(RuleTooSlow, "%d of %d", 1, 2); err.Error() != "1 of 2" || errors.Unwrap(err) != nil {
		t.Errorf("got %v", err)
	}
}
