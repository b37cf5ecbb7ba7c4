package report

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// markdownBlock is a paragraph, a list, a table or code of a guide.
type markdownBlock struct {
	kind string // p, ul, ol, table, pre
	// lines of code, items of a list, rows of a table, or a paragraph as one line.
	lines []string
}

// markdownSection is a heading and what stands below it, up to the next heading.
type markdownSection struct {
	heading string
	level   int // 1 for #
	blocks  []markdownBlock
}

var numbered = regexp.MustCompile(`^\d+\. `)

// parseMarkdown reads the part of Markdown that guides use: headings, paragraphs, lists of
// one level, tables and fenced code. What it does not know it takes for a paragraph.
func parseMarkdown(text string) []markdownSection {
	sections := []markdownSection{{}}
	fenced, open := false, false // open: the next line may go on with the last block
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		line = strings.TrimRight(line, "\n")
		section := &sections[len(sections)-1]
		start := func(kind, first string) {
			section.blocks = append(section.blocks, markdownBlock{kind, []string{first}})
			open = true
		}
		last := func() *markdownBlock { return &section.blocks[len(section.blocks)-1] }
		bare := strings.TrimSpace(line)
		level := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case strings.HasPrefix(bare, "```"):
			if fenced = !fenced; fenced {
				section.blocks = append(section.blocks, markdownBlock{kind: "pre"})
			}
			open = false
		case fenced:
			last().lines = append(last().lines, line)
		case bare == "":
			open = false
		case level > 0 && level < 7 && strings.HasPrefix(line[level:], " "):
			sections = append(sections, markdownSection{heading: strings.TrimSpace(line[level:]), level: level})
			open = false
		case strings.HasPrefix(bare, "|"):
			if !open || last().kind != "table" {
				start("table", bare)
			} else {
				last().lines = append(last().lines, bare)
			}
		case strings.HasPrefix(bare, "- "), numbered.MatchString(bare):
			kind, item := "ul", strings.TrimPrefix(bare, "- ")
			if item == bare {
				kind, item = "ol", bare[len(numbered.FindString(bare)):]
			}
			if n := len(section.blocks); n > 0 && section.blocks[n-1].kind == kind {
				last().lines = append(last().lines, item)
				open = true
			} else {
				start(kind, item)
			}
		case open && last().kind != "table":
			lines := last().lines
			lines[len(lines)-1] += " " + bare
		default:
			start("p", bare)
		}
	}
	return sections
}

// html renders a block; everything in it is escaped.
func (b *markdownBlock) html() template.HTML {
	var out strings.Builder
	item := func(tag, text string) { out.WriteString("<" + tag + ">" + inlineMarkdown(text) + "</" + tag + ">") }
	switch b.kind {
	case "pre":
		out.WriteString("<pre>" + html.EscapeString(visible(strings.Join(b.lines, "\n"))) + "</pre>")
	case "ul", "ol":
		out.WriteString("<" + b.kind + ">")
		for _, l := range b.lines {
			item("li", l)
		}
		out.WriteString("</" + b.kind + ">")
	case "table":
		out.WriteString("<table>")
		for i, row := range b.lines {
			if strings.Trim(row, "|-: ") == "" {
				continue
			}
			cell := "td"
			if i == 0 {
				cell = "th"
			}
			out.WriteString("<tr>")
			for text := range strings.SplitSeq(strings.Trim(row, "|"), "|") {
				item(cell, strings.TrimSpace(text))
			}
			out.WriteString("</tr>")
		}
		out.WriteString("</table>")
	default:
		for _, l := range b.lines {
			item("p", l)
		}
	}
	return template.HTML(out.String()) //nolint:gosec // every text was escaped
}

var (
	linked = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	strong = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	italic = regexp.MustCompile(`\*([^*\s][^*]*)\*`)
)

// inlineMarkdown renders code, bold, italics, and links as their text.
func inlineMarkdown(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(html.EscapeString(visible(text)), "`") {
		if i%2 == 1 {
			out.WriteString("<code>" + part + "</code>")
			continue
		}
		part = linked.ReplaceAllString(part, "$1")
		part = strong.ReplaceAllString(part, "<b>$1</b>")
		out.WriteString(italic.ReplaceAllString(part, "<em>$1</em>"))
	}
	return out.String()
}
