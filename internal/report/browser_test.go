package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for what a test waits for; it is there for
// machines that are busy with other things.
const patience = 30 * time.Second

// browser is the one that all tests of this package share.
type browser struct {
	start sync.Once
	ctx   context.Context
	stop  []func()
	err   error
}

var shared browser

func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(shared.stop) - 1; i >= 0; i-- {
		shared.stop[i]()
	}
	os.Exit(code)
}

func (b *browser) run(path string) {
	profile, err := os.MkdirTemp("", "lsfr-browser-")
	if err != nil {
		b.err = err
		return
	}
	b.stop = append(b.stop, func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	b.stop = append(b.stop, cancel)
	b.ctx, cancel = chromedp.NewContext(allocator)
	b.stop = append(b.stop, cancel)
	b.err = chromedp.Do(b.ctx)
}

// tab is an open page, and what the browser has complained of.
type tab struct {
	ctx  context.Context
	path string

	mu         sync.Mutex
	complaints []string
}

// open writes a page, shows it in a new tab and waits until its script is done. address
// is what is added to the file's, such as #op=3. It skips the test if there is no browser.
func open(tb testing.TB, p Page, address string) *tab {
	tb.Helper()
	t := newTab(tb)
	t.path = filepath.Join(tb.TempDir(), "report.html")
	f, err := os.Create(t.path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := WriteHTML(tb.Context(), f, p); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	t.visit(tb, address)
	return t
}

func newTab(tb testing.TB) *tab {
	tb.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		tb.Skip("there is no chromium, so the page was not looked at in a browser: apt-get install chromium")
	}
	shared.start.Do(func() { shared.run(path) })
	if shared.err != nil {
		tb.Fatalf("start %s: %v", path, shared.err)
	}
	t := &tab{}
	ctx, cancel := chromedp.NewContext(shared.ctx)
	tb.Cleanup(cancel)
	t.ctx, cancel = context.WithTimeout(ctx, 4*patience)
	tb.Cleanup(cancel)
	t.do(tb)
	err := chromedp.Listen(t.ctx, func(event any) {
		text := ""
		switch e := event.(type) {
		case *log.EventEntryAdded:
			text = fmt.Sprint(e.Entry.Level, ": ", e.Entry.Text)
		case *runtime.EventExceptionThrown:
			text = fmt.Sprint("exception: ", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *runtime.EventConsoleAPICalled:
			text = fmt.Sprint("console: ", e.Type)
		case *cdpage.EventJavascriptDialogOpening:
			text = "dialog: " + e.Message
		}
		if text != "" {
			t.mu.Lock()
			t.complaints = append(t.complaints, text)
			t.mu.Unlock()
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		if _, err := chromedp.Call(t.ctx, enable, cdp.Empty{}); err != nil {
			tb.Fatal(err)
		}
	}
	t.do(tb, chromedp.EmulateViewport(1280, 900))
	return t
}

func (t *tab) visit(tb testing.TB, address string) {
	tb.Helper()
	t.do(tb, chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+t.path+address))
	t.wait(tb, "document.documentElement.dataset.ready === 'true'")
}

func (t *tab) do(tb testing.TB, steps ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	if err := chromedp.Do(t.ctx, steps...); err != nil {
		tb.Fatal(err)
	}
}

// wait waits until a condition, in JavaScript, holds. While a page is being loaded there may
// be nothing that could evaluate it.
func (t *tab) wait(tb testing.TB, condition string) {
	tb.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		holds, err := chromedp.Run(t.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		if err == nil && holds {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("waited %s for %s: %v; complaints: %q", patience, condition, err, t.complained())
		}
	}
}

// keys presses keys, with the focus on an element.
func (t *tab) keys(tb testing.TB, id, keys string, options ...chromedp.KeyOption) {
	tb.Helper()
	evaluate[any](tb, t, fmt.Sprintf("document.getElementById(%q).focus()", id))
	t.do(tb, chromedp.KeyEvent(keys, options...))
}

// place is the position of an operation's bar in the window.
func (t *tab) place(tb testing.TB, operation int) (x, y float64) {
	tb.Helper()
	at := evaluate[[]float64](tb, t, fmt.Sprintf(`(() => {
		const { timeline, data } = lsfr
		timeline.canvas.scrollIntoView({ block: 'center' })
		const box = timeline.canvas.getBoundingClientRect()
		const from = timeline.x(data.ops.call[%[1]d])
		const to = endOf(data, timeline.layout, %[1]d, from, timeline.layout.scale)
		return [box.left + (from + to) / 2, box.top + timeline.layout.laneTop + (timeline.layout.lanes.row[%[1]d] + 0.5) * timeline.layout.rowHeight]
	})()`, operation))
	return at[0], at[1]
}

func (t *tab) complained() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.complaints...)
}

// media emulates a medium, such as print, and a colour scheme.
func (t *tab) media(tb testing.TB, medium, scheme string) {
	tb.Helper()
	params := emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, params); err != nil {
		tb.Fatal(err)
	}
}

// evaluate returns the value of an expression in JavaScript.
func evaluate[T any](tb testing.TB, t *tab, expression string) T {
	tb.Helper()
	v, err := chromedp.Run(t.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.Fatalf("%s: %v", expression, err)
	}
	return v
}
