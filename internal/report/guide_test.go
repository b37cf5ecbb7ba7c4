package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const guideText = "# Stage 9: Guides\n\nIntro.\n\n## What to build\n\nA **store** for `k<1>`.\n\n### Reads\n\nA read is *fresh*, see [there](https://example.org/).\nSecond line.\n\n" +
	"| a | b |\n| --- | --- |\n| 1 | `x` |\n\n```\ncode <b>\n# no heading\n```\n\n## Common mistakes\n\n- It reads an old copy,\n  always.\n- Nothing of this kind.\n\n- Also a stale cache.\n1. one\n2. two\n"

func TestGuidesAreQuotedByWhatTheyAreAbout(t *testing.T) {
	for _, c := range []struct{ rule, heading, says string }{
		{"stale read", "Reads", "<p>A read is <em>fresh</em>, see there. Second line.</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><code>x</code></td></tr></table>"},
		{"lost write", "What to build", "<p>A <b>store</b> for <code>k&lt;1&gt;</code>.</p>"},
		{"a rule of tomorrow", "What to build", "<p>A <b>store</b>"},
	} {
		got := consult(guideText, topicOf(c.rule, nil))
		var text strings.Builder
		for _, b := range got.Blocks {
			text.WriteString(string(b))
		}
		if got.Title != "Stage 9: Guides" || got.Heading != c.heading || !strings.HasPrefix(text.String(), c.says) {
			t.Errorf("%s: %s, %s: %s", c.rule, got.Title, got.Heading, text.String())
		}
	}
	got := consult(guideText, topicOf("stale read", nil)).Mistakes
	if len(got) != 2 || got[0] != "It reads an old copy, always." || got[1] != "Also a stale cache." {
		t.Errorf("the mistakes are %q", got)
	}
	for _, text := range []string{"", "no heading at all", "# Only a title"} {
		if got := consult(text, topicOf("stale read", nil)); got != nil {
			t.Errorf("%q is quoted as %+v", text, got)
		}
	}
}

func TestWherePowerWentTheGuideIsQuotedAboutThat(t *testing.T) {
	guide, err := os.ReadFile("../../challenges/kvstore/guides/crash-recovery.md")
	if err != nil {
		t.Fatal(err)
	}
	for fault, heading := range map[string]string{"power-loss": "When power goes", "disk-full": "When power goes", "kill": "What to build"} {
		got := consult(string(guide), topicOf("lost write", []history.FaultEvent{{Fault: "slow-disk"}, {Fault: fault}}))
		if got.Heading != heading || len(got.Mistakes) == 0 {
			t.Errorf("%s: %q, with %d mistakes", fault, got.Heading, len(got.Mistakes))
		}
	}
}

func TestMarkdownIsEscaped(t *testing.T) {
	for name, text := range hostileTexts {
		for _, s := range parseMarkdown("## h\n\n" + text + "\n\n- " + text + "\n\n| " + text + " |\n\n```\n" + text + "\n") {
			for _, b := range s.blocks {
				got := string(b.html())
				for _, tag := range []string{"p", "ul", "ol", "li", "table", "tr", "td", "th", "pre", "code", "b", "em"} {
					got = strings.NewReplacer("<"+tag+">", "", "</"+tag+">", "").Replace(got)
				}
				if strings.ContainsAny(got, "<>") {
					t.Errorf("%s: %s", name, got)
				}
			}
		}
	}
}

func TestEveryGuideHasSomethingToSayAboutEveryRule(t *testing.T) {
	guides, err := filepath.Glob("../../challenges/kvstore/guides/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("no guides: %v", err)
	}
	rules := make(map[string]bool)
	for _, r := range models.Rules() {
		rules[string(r)] = true
	}
	for _, r := range challenges.Rules() {
		rules[string(r)] = true
	}
	for _, path := range guides {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for rule := range rules {
			if got := consult(string(text), topicOf(rule, nil)); got == nil || len(got.Blocks) == 0 || !strings.HasPrefix(got.Title, "Stage ") {
				t.Errorf("%s says nothing about %s: %+v", filepath.Base(path), rule, got)
			}
		}
	}
	for rule := range topics {
		if !rules[rule] {
			t.Errorf("there is a topic about %q, which is no rule", rule)
		}
	}
	for rule := range checkCauses {
		if !rules[rule] {
			t.Errorf("there is a cause of %q, which is no rule", rule)
		}
	}
}
