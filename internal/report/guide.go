package report

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/models"
)

const (
	// quotedText is about how many bytes of a section of a guide are shown, quotedMistakes
	// how many of its common mistakes.
	quotedText     = 600
	quotedMistakes = 3
)

// guideTopic says where guides speak of an anomaly: headings in the order of preference, in
// lower case, and words of the common mistakes that lead to it.
type guideTopic struct{ headings, words []string }

var (
	oldValues = guideTopic{
		[]string{"what a read must be confirmed by", "what \"eventual\" means", "reads", "requests at a follower", "what an answer promises", "what one group may do"},
		[]string{"read", "old", "stale", "cache", "lease", "copy", "copies"},
	}
	lostValues = guideTopic{
		[]string{"crashes", "catching up", "the leader and its term", "a leader that has been deposed", "what one group may do", "what an answer promises"},
		[]string{"acknowledged", "answer is sent", "log", "snapshot", "commit", "synced", "majority", "overwritten", "lost"},
	}
	oneLeader = guideTopic{[]string{"the leader and its term", "the leader"}, []string{"vote", "leader", "term", "elected", "candidate"}}
	sharding  = guideTopic{[]string{"get /cluster/shards", "requests", "what to build"}, []string{"shard", "hash", "group", "key"}}
	requests  = guideTopic{[]string{"the client api", "requests", "what to build"}, []string{"status", "404", "405", "answer", "body"}}
	cluster   = guideTopic{[]string{"get /cluster/info", "requests at a follower", "requests"}, []string{"redirect", "307", "member", "leader", "info"}}
)

// topics are about the rules of models, and about those that checks name in their failures.
var topics = map[string]guideTopic{
	string(models.RuleStaleRead):       oldValues,
	string(models.RuleOwnWriteMissed):  oldValues,
	string(models.RuleWentBackwards):   oldValues,
	string(models.RuleNotLinearizable): oldValues,
	string(models.RuleLostWrite):       lostValues,
	"value missing":                    lostValues,
	string(models.RuleDeletedCameBack): {[]string{"crashes", "catching up", "what to build"}, []string{"delete", "snapshot", "come back", "log"}},
	string(models.RuleCopiesDisagree):  {[]string{"catching up", "what \"eventual\" means", "crashes"}, []string{"follower", "copies", "missed", "order", "snapshot", "position", "twice", "overwritten", "delete"}},
	string(models.RuleFailedVisible):   {[]string{"writes take effect once", "what an answer promises", "what to build"}, []string{"refused", "4xx", "409", "404", "408"}},
	string(models.RuleTornValue):       {[]string{"what to build"}, []string{"half", "whole", "line", "body", "bytes", "length"}},
	string(models.RuleNeverWritten):    {[]string{"what to build"}, []string{"bytes", "value", "escap", "separator", "line"}},
	"wrong value":                      {[]string{"what to build"}, []string{"bytes", "value", "escap", "separator", "line"}},
	string(models.RuleDuplicate):       {[]string{"writes take effect once"}, []string{"twice", "again", "repeat"}},
	"unavailable":                      {[]string{"availability", "the leader and its term", "the leader"}, []string{"election", "elected", "majority", "heartbeat", "timeout", "waits", "thread", "lock"}},
	"no answer":                        {[]string{"availability", "the leader", "what to build"}, []string{"waits", "lock", "thread", "timeout", "ready"}},
	"too slow":                         {[]string{"availability", "what to build"}, []string{"waits", "lock", "thread", "slow"}},
	"no single leader":                 oneLeader,
	"term went back":                   oneLeader,
	"acknowledged without a majority":  {[]string{"the leader and its term", "availability", "what to build"}, []string{"majority", "alone", "hears nobody", "silence"}},
	"wrong redirect":                   cluster,
	"cluster info":                     cluster,
	"wrong membership":                 cluster,
	"shard changed":                    sharding,
	"uneven shards":                    sharding,
	"data not divided":                 sharding,
	"groups not independent":           {[]string{"what one group may do", "requests"}, []string{"group", "blocks", "waits", "election"}},
	"wrong answer":                     requests,
}

// guideView is what a stage's guide says about an anomaly.
type guideView struct {
	Title    string // of the guide
	Heading  string
	Blocks   []template.HTML
	Mistakes []template.HTML
}

// Faults of disks, by the names that a history has.
const (
	powerLoss  = "power-loss"
	diskFull   = "disk-full"
	fsyncError = "fsync-error"
	slowDisk   = "slow-disk"
)

// durability is what a history is about in which power went or a disk failed.
var durability = guideTopic{[]string{"when power goes"}, []string{"sync", "disk", "durable", "power"}}

// topicOf is what guides say about a rule, given the faults around it.
func topicOf(rule string, faults []history.FaultEvent) guideTopic {
	t := topics[rule]
	if slices.ContainsFunc(faults, func(f history.FaultEvent) bool { return f.Fault == powerLoss || f.Fault == diskFull }) {
		t.headings = slices.Concat(durability.headings, t.headings)
		t.words = durability.words
	}
	return t
}

// consult finds what a guide says about a topic: the beginning of the section that is about
// it, or else of "What to build", and the common mistakes that lead to it. nil if
// there is no guide.
func consult(guide string, topic guideTopic) *guideView {
	sections := parseMarkdown(guide)
	find := func(heading string) *markdownSection {
		for i := range sections {
			if len(sections[i].blocks) > 0 && strings.Contains(strings.ToLower(sections[i].heading), heading) {
				return &sections[i]
			}
		}
		return nil
	}
	out := &guideView{}
	var found *markdownSection
	for _, h := range topic.headings {
		if found = find(h); found != nil {
			break
		}
	}
	if found == nil {
		if found = find("what to build"); found == nil {
			return nil
		}
	}
	if len(sections) > 1 && sections[1].level == 1 {
		out.Title = inline(sections[1].heading, 100)
	}
	out.Heading = inline(found.heading, 100)
	size := 0
	for i := range found.blocks {
		b := &found.blocks[i]
		text := strings.Join(b.lines, "\n")
		announced := i > 0 && strings.HasSuffix(strings.Join(found.blocks[i-1].lines, ""), ":")
		if b.kind == "pre" || i > 0 && size+len(text) > quotedText && !announced {
			break
		}
		size += len(text)
		out.Blocks = append(out.Blocks, b.html())
	}
	if mistakes := find("common mistakes"); mistakes != nil {
		out.Mistakes = matching(mistakes, topic.words)
	}
	return out
}

// matching returns the items of a section that hold most of the words, in their order.
func matching(s *markdownSection, words []string) []template.HTML {
	type item struct{ at, score int }
	var items []item
	var texts []string
	for i := range s.blocks {
		if s.blocks[i].kind == "ul" {
			texts = append(texts, s.blocks[i].lines...)
		}
	}
	for i, text := range texts {
		score := 0
		for _, w := range words {
			if strings.Contains(strings.ToLower(text), w) {
				score++
			}
		}
		if score > 0 {
			items = append(items, item{i, score})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(b.score, a.score) })
	items = items[:min(len(items), quotedMistakes)]
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.at, b.at) })
	var out []template.HTML
	for _, it := range items {
		out = append(out, template.HTML(inlineMarkdown(texts[it.at]))) //nolint:gosec // escaped
	}
	return out
}

// guide quotes the stage's guide about the first violation, or else the first failure.
func (v *view) guide(p *Page) {
	rule := ""
	var faults []history.FaultEvent
	if p.History != nil {
		faults = p.History.Faults
	}
	if p.Verdict != nil && len(p.Verdict.Violations) > 0 {
		rule = string(p.Verdict.Violations[0].Rule)
	} else if p.Result != nil {
		if c := p.Result.FirstFailure(); c != nil && c.Status == Failed && c.Failure != nil {
			rule = c.Failure.Rule
		}
	}
	if p.Guide != "" && rule != "" {
		v.Guide = consult(p.Guide, topicOf(rule, faults))
	}
}
