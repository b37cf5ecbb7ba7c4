package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/st3v3nmw/lsfr/history"
)

// eventful is a run on three nodes with two stale reads, 301 and 302, a fault, changes of
// leadership, and logs.
func eventful(tb testing.TB) Page {
	tb.Helper()
	h := &history.History{Header: history.Header{
		Challenge: "kv-store", Stage: "strong-consistency", Scenario: "hot-keys", Model: "linearizable", Seed: 7,
		Nodes: []string{"n1", "n2", "n3"}, Started: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	}}
	add := func(o history.Operation, key, node string) {
		o.ID, o.Key, o.Node = int64(len(h.Operations)), key, node
		h.Operations = append(h.Operations, o)
	}
	for i := range 300 {
		at := time.Duration(i) * 10 * ms
		o := put(i%3, fmt.Sprintf("c%d-%d", i%3, i), at, at+6*ms)
		if i%50 == 20 {
			o.Outcome, o.Return, o.Status, o.Error = history.Unknown, 0, 0, "EOF"
		}
		add(o, fmt.Sprintf("k%d", i%5), h.Nodes[i%3])
	}
	h.Operations = append(h.Operations, get(8, "", 2990*ms, 2991*ms)) // keeps IDs and indexes apart
	h.Operations[300].ID, h.Operations[300].Key, h.Operations[300].Node = 300, "nothing", "n1"
	add(get(9, "c1-100", 2000*ms, 2005*ms), "k0", "n3")
	add(get(9, "c2-101", 2500*ms, 2504*ms), "k1", "n2")
	h.Faults = []history.FaultEvent{{Fault: "isolate", Targets: []string{"n3"}, Start: 1500 * ms, End: 2200 * ms, Hits: 9}}
	h.Leaders = []history.LeaderEvent{{At: 0, Leader: "n3", Term: 1}, {At: 1700 * ms, Leader: "n1", Term: 2}}
	p := Page{History: h, Verdict: judge(tb, h), Guide: "# Stage 7: Strong consistency\n\n## What to build\n\nReads.\n"}
	folder := tb.TempDir()
	for _, node := range h.Nodes {
		var text strings.Builder
		for i := range 60 {
			at := h.Started.Add(time.Duration(i) * 50 * ms)
			fmt.Fprintf(&text, "%s %s says line %d\n", at.Format("2006-01-02T15:04:05.000Z07:00"), node, i)
		}
		path := filepath.Join(folder, node+".log")
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			tb.Fatal(err)
		}
		p.Logs = append(p.Logs, NodeLog{node, path})
	}
	return p
}

const length = "lsfr.state.to - lsfr.state.from"

func TestBrowserShowsThePageWithoutAComplaint(t *testing.T) {
	b := open(t, eventful(t), "")
	for _, id := range []string{"explorer-section", "logs-section", "operations-section", "timeline", "happened", "minimal", "reading"} {
		if hidden := evaluate[bool](t, b, fmt.Sprintf("!document.getElementById(%q)?.getClientRects().length", id)); hidden {
			t.Errorf("%s does not show", id)
		}
	}
	if got := evaluate[int](t, b, "lsfr.timeline.bars"); got == 0 {
		t.Error("the timeline shows no operation")
	}
	if got := evaluate[int64](t, b, "lsfr.data.ops.id[lsfr.state.selected]"); got != 301 && got != 302 {
		t.Errorf("operation %d is selected first, want one at which a violation shows", got)
	}
	// The picture runs its own script, in a frame of its own.
	evaluate[any](t, b, "document.querySelector('#picture-of-key summary').click()")
	b.wait(t, "document.querySelector('#picture-of-key iframe').srcdoc.includes('svg')")
	if got := evaluate[bool](t, b, "document.querySelector('#picture-of-key iframe').contentDocument === null"); !got {
		t.Error("the picture's frame is not a stranger to the page")
	}
	if got := b.complained(); len(got) > 0 {
		t.Errorf("the browser complains: %q", got)
	}
}

func TestBrowserZoomsAndMovesTheTimeline(t *testing.T) {
	b := open(t, eventful(t), "")
	evaluate[any](t, b, "wholeRun(lsfr.data)")
	whole := evaluate[float64](t, b, length)
	b.keys(t, "canvas", "+")
	b.wait(t, fmt.Sprintf("%s < %f", length, whole*0.7))
	from := evaluate[float64](t, b, "lsfr.state.from")
	b.keys(t, "canvas", kb.ArrowLeft)
	b.wait(t, fmt.Sprintf("lsfr.state.from < %f", from))
	b.keys(t, "canvas", "0")
	b.wait(t, fmt.Sprintf("Math.abs(%s - %f) < 1", length, whole))

	x, y := b.place(t, 150)
	b.do(t, chromedp.MouseEvent(chromedp.MouseWheel, x, y, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, -400 }))
	b.wait(t, fmt.Sprintf("%s < %f", length, whole*0.7))
	from = evaluate[float64](t, b, "lsfr.state.from")
	b.do(t, chromedp.DragAndDropXY(x, y, x+120, y))
	b.wait(t, fmt.Sprintf("lsfr.state.from < %f", from))

	// Without the focus, the wheel scrolls the page.
	evaluate[any](t, b, "document.activeElement.blur()")
	before := evaluate[float64](t, b, length)
	x, y = b.place(t, 150)
	scrolled := evaluate[float64](t, b, "scrollY")
	b.do(t, chromedp.MouseEvent(chromedp.MouseWheel, x, y, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, 200 }))
	b.wait(t, fmt.Sprintf("scrollY > %f", scrolled))
	if after := evaluate[float64](t, b, length); after != before {
		t.Error("the wheel zooms though nobody has clicked the timeline")
	}
	// Nobody gets caught in it.
	b.keys(t, "canvas", kb.Tab)
	b.wait(t, "document.activeElement.id !== 'canvas'")
}

func TestBrowserZoomsWithTwoFingers(t *testing.T) {
	b := open(t, eventful(t), "")
	evaluate[any](t, b, "wholeRun(lsfr.data)")
	before := evaluate[float64](t, b, length)
	x, y := b.place(t, 150)
	for _, step := range []struct {
		kind  input.DispatchTouchEventType
		apart float64
	}{
		{input.DispatchTouchEventTypeTouchStart, 40}, {input.DispatchTouchEventTypeTouchMove, 80}, {input.DispatchTouchEventTypeTouchMove, 200}, {input.DispatchTouchEventTypeTouchEnd, 0},
	} {
		points := []*input.TouchPoint{}
		if step.apart > 0 {
			points = append(points, &input.TouchPoint{X: x - step.apart/2, Y: y, ID: new(1.0)}, &input.TouchPoint{X: x + step.apart/2, Y: y, ID: new(2.0)})
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: step.kind, TouchPoints: points}); err != nil {
			t.Fatal(err)
		}
	}
	b.wait(t, fmt.Sprintf("%s < %f", length, before/2))
	if got := b.complained(); len(got) > 0 {
		t.Errorf("the browser complains: %q", got)
	}
}

func TestBrowserFiltersAndSearches(t *testing.T) {
	b := open(t, eventful(t), "")
	b.do(t, chromedp.SendKeys(chromedp.CSS("#filters [name=key]"), "k1"))
	b.wait(t, "document.getElementById('matching').textContent === '61 of 303 operations'")
	b.wait(t, "document.getElementById('found').textContent === '61 found'")
	evaluate[any](t, b, "document.querySelector('#filters [name=outcome]').focus()")
	b.do(t, chromedp.KeyEvent("u")) // unknown
	b.wait(t, "document.getElementById('matching').textContent === '0 of 303 operations'")
	b.do(t, chromedp.Click(chromedp.CSS("#filters button")))
	b.wait(t, "document.getElementById('matching').textContent === '303 operations'")

	b.do(t, chromedp.SendKeys(chromedp.ID("search"), "c1-100"))
	b.wait(t, "document.getElementById('found').textContent === '2 found'") // its write, and the stale read
	evaluate[any](t, b, "document.getElementById('search').select()")
	b.do(t, chromedp.KeyEvent("#120"))
	b.wait(t, "document.getElementById('found').textContent === '1 found' && document.querySelectorAll('#rows .space .line').length === 1")
	b.do(t, chromedp.Click(chromedp.CSS("#rows .space .line")))
	b.wait(t, "lsfr.data.ops.id[lsfr.state.selected] === 120 && document.getElementById('selected').textContent.includes('c0-120')")
	b.keys(t, "rows", kb.Enter)
	b.wait(t, "document.activeElement.id === 'canvas'")
}

func TestBrowserGoesFromViolationToViolation(t *testing.T) {
	b := open(t, eventful(t), "")
	first := evaluate[int64](t, b, "lsfr.data.ops.id[lsfr.state.selected]")
	evaluate[any](t, b, "document.activeElement.blur()")
	b.do(t, chromedp.KeyEvent("n"))
	b.wait(t, fmt.Sprintf("lsfr.data.ops.id[lsfr.state.selected] === %d", 603-first))
	b.wait(t, "document.querySelector('#selected[aria-live]').textContent.includes('Here it shows: ')")
	b.do(t, chromedp.KeyEvent("p"))
	b.wait(t, fmt.Sprintf("lsfr.data.ops.id[lsfr.state.selected] === %d", first))
	// Letters that are typed into a field are no commands.
	b.do(t, chromedp.SendKeys(chromedp.ID("search"), "n"))
	b.wait(t, "document.getElementById('search').value === 'n'")
	if got := evaluate[int64](t, b, "lsfr.data.ops.id[lsfr.state.selected]"); got != first {
		t.Errorf("while typing, the selection moved to %d", got)
	}
}

func TestBrowserShowsAnOperationUnderThePointer(t *testing.T) {
	b := open(t, eventful(t), "")
	x, y := b.place(t, evaluate[int](t, b, "lsfr.state.selected"))
	evaluate[any](t, b, "select(lsfr.data, -1)")
	b.do(t, chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	b.wait(t, "!document.getElementById('tip').hidden && document.getElementById('tip').textContent.includes('get k')")
	b.do(t, chromedp.MouseClickXY(x, y))
	b.wait(t, "lsfr.state.selected >= 0 && document.getElementById('selected').textContent.includes('get k')")
}

func TestBrowserFollowsLinks(t *testing.T) {
	p := eventful(t)
	b := open(t, p, "#op=302")
	if got := evaluate[int64](t, b, "lsfr.data.ops.id[lsfr.state.selected]"); got != 302 {
		t.Errorf("the link to operation 302 selects %d", got)
	}
	evaluate[any](t, b, "location.hash = '#op=17'")
	b.wait(t, "lsfr.data.ops.id[lsfr.state.selected] === 17 && lsfr.state.from < 17e7 && lsfr.state.to > 17e7")
	b.visit(t, "#t=1.25")
	b.wait(t, "lsfr.state.cursor === 1.25e9 && lsfr.state.from < 1.25e9 && lsfr.state.to > 1.25e9")
	for _, broken := range []string{"#op=99999", "#t=x", "#reading", "#op=<script>"} {
		b.visit(t, broken)
		if got := b.complained(); len(got) > 0 {
			t.Errorf("%s: the browser complains: %q", broken, got)
		}
	}
	// A link that is copied leads to what was selected.
	evaluate[any](t, b, "select(lsfr.data, 120)")
	id := evaluate[int64](t, b, "lsfr.data.ops.id[120]")
	b.do(t, chromedp.Click(chromedp.ID("copy")))
	b.wait(t, fmt.Sprintf("location.hash === '#op=%d' && document.getElementById('copied').textContent !== ''", id))
	// The words of what happened lead to the timeline.
	evaluate[any](t, b, "document.querySelector('.story .culprit a').click()")
	b.wait(t, "lsfr.data.violations[0].shows === lsfr.state.selected")
}

func TestBrowserScrollsLogsWithTheTimeline(t *testing.T) {
	b := open(t, eventful(t), "")
	inView := func(text string) string {
		return fmt.Sprintf(`[...document.querySelectorAll('#log-lines .line')].some((l) => {
			const box = l.getBoundingClientRect(), view = document.getElementById('log-lines').getBoundingClientRect()
			return box.top >= view.top - 1 && box.bottom <= view.bottom + 1 && l.textContent.includes(%q) })`, text)
	}
	evaluate[any](t, b, "setCursor(lsfr.data, 0.5e9)")
	b.wait(t, inView("n2 says line 10"))
	evaluate[any](t, b, "setCursor(lsfr.data, 2.5e9)")
	b.wait(t, inView("n2 says line 50"))
	evaluate[any](t, b, "state.cursor = null; setWindow(lsfr.data, 1e9, 1.2e9)") // a pan moves them as well
	b.wait(t, inView("n3 says line 22"))
	evaluate[any](t, b, "document.getElementById('log-lines').scrollTop = 0")
	b.wait(t, "lsfr.state.cursor < 0.5e9 && lsfr.state.from < 0.5e9")
	evaluate[any](t, b, "document.getElementById('log-follow').click(); setCursor(lsfr.data, 2.9e9)")
	b.wait(t, inView("n2 says line 1")) // it stays where it is
	evaluate[any](t, b, "document.getElementById('log-node').focus()")
	b.do(t, chromedp.KeyEvent("n2"))
	b.wait(t, "![...document.querySelectorAll('#log-lines .line')].some((l) => l.textContent.includes('n1 says'))")
}

func TestBrowserRunsNothingThatNodesSay(t *testing.T) {
	for _, name := range []string{"script", "image", "attribute end", "title end", "emoji and umlauts", "right to left"} {
		text := hostileTexts[name]
		p := hostilePage(t, text)
		p.History.Started = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
		path := filepath.Join(t.TempDir(), "n.log")
		if err := os.WriteFile(path, []byte("2026-01-02T15:04:05.001Z "+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Logs, p.Guide = []NodeLog{{text, path}}, "# "+text+"\n\n## What to build\n\n"+text+"\n"
		b := open(t, p, "")
		title := evaluate[string](t, b, "document.title")
		if !strings.HasPrefix(title, "Violation: ") {
			t.Errorf("%s: the title is %q", name, title)
		}
		shown := visible(text)
		for _, id := range []string{"rows", "selected", "log-lines"} {
			if got := evaluate[string](t, b, fmt.Sprintf("document.getElementById(%q).textContent", id)); !strings.Contains(got, shown) {
				t.Errorf("%s: %s does not show %q: %.300q", name, id, shown, got)
			}
		}
		if got := evaluate[int](t, b, "document.querySelectorAll('#ready img, #rows script, #log-lines img, main script, main img').length"); got != 0 {
			t.Errorf("%s: %d elements are not the page's own", name, got)
		}
		evaluate[any](t, b, "document.querySelector('#picture-of-key summary')?.click()")
		b.wait(t, "!document.querySelector('#picture-of-key iframe') || document.querySelector('#picture-of-key iframe').srcdoc !== ''")
		if got := b.complained(); len(got) > 0 {
			t.Errorf("%s: the browser complains: %q", name, got)
		}
	}
}

func TestBrowserPrintsAndDarkens(t *testing.T) {
	b := open(t, eventful(t), "")
	const corner = "[...lsfr.timeline.context.getImageData(lsfr.timeline.canvas.width - 2, 2, 1, 1).data].slice(0, 3).join()"
	const paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).join()"
	light := evaluate[string](t, b, paper)
	if got := evaluate[string](t, b, corner); got != light {
		t.Errorf("the timeline is on %s, the page on %s", got, light)
	}
	b.media(t, "", "dark")
	b.wait(t, fmt.Sprintf("%s !== %q && %s === %s", paper, light, corner, paper))
	b.media(t, "print", "dark")
	b.wait(t, "getComputedStyle(document.getElementById('explorer-section')).display === 'none'")
	if got := evaluate[string](t, b, paper); got != "255,255,255" {
		t.Errorf("it is printed on %s", got)
	}
	for _, id := range []string{"happened", "minimal", "timeline", "reading"} {
		if evaluate[bool](t, b, fmt.Sprintf("!document.getElementById(%q).getClientRects().length", id)) {
			t.Errorf("%s is not printed", id)
		}
	}
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil || len(pdf) < 10_000 {
		t.Errorf("printed %d bytes: %v", len(pdf), err)
	}
}

func TestBrowserReadsAThinnedRun(t *testing.T) {
	p := eventful(t)
	data := pack(&p, 100)
	if n := len(data.Ops.ID); n > 100 || data.Total != len(p.History.Operations) {
		t.Fatalf("%d of %d operations", n, data.Total)
	}
	for _, v := range data.Violations {
		if len(v.Ops) < 3 || v.Shows < 0 {
			t.Errorf("the proof of %s lost its operations: %+v", v.Key, v)
		}
	}
}

// What a pan costs, with 100,000 operations in the window and with few.
func BenchmarkPan(b *testing.B) {
	p := busy(b, 100_000, 50_000, b.TempDir())
	t := open(b, p, "")
	b.Run("open", func(b *testing.B) {
		b.ReportMetric(evaluate[float64](b, t, "performance.getEntriesByName('first-contentful-paint')[0].startTime"), "ms/first-paint")
	})
	for _, share := range []float64{1, 0.1, 0.001} {
		b.Run(fmt.Sprint(share), func(b *testing.B) {
			evaluate[any](b, t, fmt.Sprintf("wholeRun(lsfr.data); zoom(lsfr.data, %g)", share))
			for b.Loop() {
				evaluate[float64](b, t, "(move(lsfr.data, 0.01), lsfr.timeline.draw(), 0)")
			}
			b.ReportMetric(evaluate[float64](b, t, `(() => {
				const times = []
				for (let i = 0; i < 21; i++) { const begin = performance.now(); lsfr.timeline.draw(); times.push(performance.now() - begin) }
				return times.sort((a, b) => a - b)[10]
			})()`), "ms/draw")
			b.ReportMetric(float64(evaluate[int](b, t, "lsfr.timeline.bars")), "bars")
		})
	}
}
