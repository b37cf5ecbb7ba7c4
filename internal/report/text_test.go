package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestVisibleShowsWhatWouldNotShow(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "value ünï 🎉 <b> \"x\"", "value ünï 🎉 <b> \"x\""},
		{"lines and tabs stay", "a\n\tb", "a\n\tb"},
		{"joined emoji stay", "👩\u200d💻", "👩\u200d💻"},
		{"a replacement character that was sent stays", "a\uFFFDb", "a\uFFFDb"},
		{"NUL", "a\x00b", `a\x00b`},
		{"escape", "\x1b[31m", `\x1b[31m`},
		{"carriage return", "a\rb", `a\rb`},
		{"delete", "\x7f", `\x7f`},
		{"an invalid byte", "a\xffb", `a\xffb`},
		{"direction override", "a\u202eb", `a\u202eb`},
		{"zero width space", "a\u200bb", `a\u200bb`},
		{"line separator", "a\u2028b", `a\u2028b`},
		{"no character", "a\uFFFEb", `a\ufffeb`},
	} {
		if got := visible(c.in); got != c.want {
			t.Errorf("%s: visible(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestShortenKeepsBothEndsAndSaysHowMuchIsMissing(t *testing.T) {
	long := "begin" + strings.Repeat("ü", 500_000) + "end"
	got := shorten(long, 100)
	if !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "end") || len(got) > 160 || !utf8.ValidString(got) {
		t.Errorf("shorten gives %q", got)
	}
	if !strings.Contains(got, "bytes left out") {
		t.Errorf("%q does not say what is missing", got)
	}
	if got := shorten("just right", 10); got != "just right" {
		t.Errorf("a text within the limit became %q", got)
	}
	if got := shorten(strings.Repeat("\x80", 1000), 100); len(got) > 1100 {
		t.Errorf("bytes that begin no character made it longer: %d", len(got))
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"c3-17", "c3-17"}, {"ünï", "ünï"}, {"", `""`}, {"two words", `"two words"`},
		{"a\nb", `"a\nb"`}, {`a"b`, `"a\"b"`}, {`a\nb`, `"a\\nb"`}, {"\x00", `"\x00"`},
		{strings.Repeat("x", 1<<20), `"xxxxxxxxxx"… (1,048,576 bytes)`},
		{strings.Repeat("ü", 8), `"üüüüü"… (16 bytes)`},
	} {
		if got := quote(c.in, 10); got != c.want {
			t.Errorf("quote(%.20q) = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestInlineHasOneLineAndKeepsCharactersWhole(t *testing.T) {
	if got, want := inline("a\nb\tc", 100), `a\nb\tc`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := inline("aüü", 4), "aü…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShellWord(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{".lsfr/runs/a-1/history.json", ".lsfr/runs/a-1/history.json"},
		{"my file.json", "'my file.json'"}, {"it's", `'it'\''s'`}, {"", "''"}, {"a;rm", "'a;rm'"}, {"ü", "'ü'"},
	} {
		if got := shellWord(c.in); got != c.want {
			t.Errorf("shellWord(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for in, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(in); got != want {
			t.Errorf("count(%d) = %s, want %s", in, got, want)
		}
	}
	for in, want := range map[time.Duration]string{
		0: "0 µs", 250 * time.Microsecond: "250 µs", time.Millisecond: "1 ms", 7940 * time.Microsecond: "7.9 ms", 9990 * time.Microsecond: "10 ms",
		380 * time.Millisecond: "380 ms", 1500 * time.Millisecond: "1.5 s", 119 * time.Second: "119.0 s", 150 * time.Second: "2m30s",
	} {
		if got := span(in); got != want {
			t.Errorf("span(%d) = %s, want %s", in, got, want)
		}
	}
}
