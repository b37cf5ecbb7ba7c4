package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/st3v3nmw/lsfr/history"
)

func TestTimelineShowsWhoLedWhen(t *testing.T) {
	h := steady() // for 4 s
	h.Nodes = []string{"n1", "n2", "n3"}
	h.Leaders = []history.LeaderEvent{
		{At: 0, Leader: "n2", Term: 1},
		{At: time.Second},
		{At: 1500 * ms, Leader: "n9", Term: 2}, // nobody knows it, and still it leads
		{At: 2000 * ms, Leader: "n1", Term: 4},
		{At: 1995 * ms, Leader: "n3", Term: 3},
	}
	d := drawTimeline(h, nil)
	var got []string
	reigns := d.Reigns[0].Reigns
	for i, r := range reigns {
		got = append(got, fmt.Sprintf("%d %q", r.Pattern, r.Label))
		if i > 0 && r.X < reigns[i-1].X+reigns[i-1].W-0.01 {
			t.Errorf("reign %d begins at %g, before the one in front of it ends", i, r.X)
		}
	}
	if want := []string{`1 "n2"`, `-1 ""`, `3 "n9"`, `2 ""`, `0 "n1"`}; !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := []leaderKey{{"n1", 0}, {"n2", 1}, {"n3", 2}, {"n9", 3}}; !slices.Equal(d.LeaderKeys, want) {
		t.Errorf("the legend is %v, want %v", d.LeaderKeys, want)
	}
	if last := reigns[4]; last.X+last.W < drawingRight-0.01 || last.X+last.W > drawingRight+0.01 {
		t.Errorf("the last reign ends at %g, not with the run at %d", last.X+last.W, drawingRight)
	}
	page := write(t, Page{History: h})
	for _, want := range []string{"n2 led from 0.000 s to 1.000 s (1.0 s), term 1", "no leader from 1.000 s to 1.500 s (500 ms)", "n3 leads"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, r := range reigns {
		if r.Pattern >= 0 && !strings.Contains(page.raw, fmt.Sprintf(`<pattern id="lead%d"`, r.Pattern)) {
			t.Errorf("the page has no pattern %d", r.Pattern)
		}
	}
	h.Leaders = nil
	if page := write(t, Page{History: h}); strings.Contains(page.raw, "lead0") || strings.Contains(page.text, "leader") {
		t.Error("a page on which nobody led has the row")
	}
}

func TestTimelineOfLeadersHasAnEnd(t *testing.T) {
	h := steady()
	for i := range 1000 {
		h.Leaders = append(h.Leaders, history.LeaderEvent{At: time.Duration(i) * ms, Leader: fmt.Sprint("n", i), Term: int64(i)})
	}
	d := drawTimeline(h, nil)
	if len(d.Reigns[0].Reigns) != mostReigns || d.MoreReigns != 600 || len(d.LeaderKeys) != keyedLeaders {
		t.Errorf("%d reigns and %d more, %d in the legend", len(d.Reigns[0].Reigns), d.MoreReigns, len(d.LeaderKeys))
	}
	if page := write(t, Page{History: h}); !strings.Contains(page.text, "600 later changes of the leader are not drawn") {
		t.Error("the page does not say what is missing")
	}
}
