package main

import (
	"io"
	"os"
	"time"

	"fmt"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// terminal reports whether w is one, and its width in columns.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// colours reports whether w shows them: a terminal that is not dumb, and no
// NO_COLOR (no-color.org).
func (a *app) colours(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// style paints text, or leaves it plain.
type style struct {
	good, bad, doubtful, faint, bold *color.Color
	painted                          bool
}

func (a *app) style(w io.Writer) style {
	s := style{
		good: color.New(color.FgGreen), bad: color.New(color.FgRed, color.Bold), doubtful: color.New(color.FgYellow),
		faint: color.New(color.Faint), bold: color.New(color.Bold),
		painted: a.colours(w),
	}
	for _, c := range []*color.Color{s.good, s.bad, s.doubtful, s.faint, s.bold} {
		if s.painted {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return s
}

// seconds shows a duration for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// counted is a number of things: 1 key, 2 keys.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
