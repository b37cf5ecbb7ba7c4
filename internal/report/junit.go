package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitSkipped struct {
	Message string `xml:"message,attr,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes results in the XML that build servers read: a suite per
// stage, a case per check; the type of a failure is its rule. What is unknown counts as an error, so that a build
// never passes without evidence.
func WriteJUnit(w io.Writer, results []*Result) error {
	all := junitSuites{Name: "lsfr"}
	var took time.Duration
	for _, r := range results {
		s := newJUnitSuite(r)
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		took += r.Took
	}
	all.Time = junitTime(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func newJUnitSuite(r *Result) junitSuite {
	s := junitSuite{
		Name: inline(r.Challenge, 200) + "/" + inline(r.Stage, 200), Time: junitTime(r.Took),
		Properties: []junitProperty{
			{"seed", fmt.Sprint(r.Seed)}, {"repeat", inline(r.Repeat, 1000)}, {"run_dir", inline(r.RunDir, 1000)},
		},
	}
	if !r.Started.IsZero() {
		s.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	checks := r.Checks
	if len(checks) == 0 {
		// A stage that got no further must not look like one with nothing to do.
		checks = []Check{{Name: "run", Status: r.Status, Took: r.Took}}
	}
	for i := range checks {
		c := &checks[i]
		if c.Scenario != nil && c.Scenario.Staleness != nil {
			s.Properties = append(s.Properties, junitProperty{"staleness in " + inline(c.Name, 200), StalenessLine(c.Scenario.Staleness)})
		}
		if c.Scenario != nil && AvailabilityLine(c.Scenario.Availability) != "" {
			s.Properties = append(s.Properties, junitProperty{"availability in " + inline(c.Name, 200), AvailabilityLine(c.Scenario.Availability)})
			for j := range c.Scenario.Shards {
				a := &c.Scenario.Shards[j]
				s.Properties = append(s.Properties, junitProperty{
					"availability of shard " + inline(a.Shard, 24) + " in " + inline(c.Name, 200), shardAvailability(a),
				})
			}
		}
		tc := junitCase{Class: inline(r.Challenge, 200) + "." + inline(r.Stage, 200), Name: inline(c.Name, 200), Time: junitTime(c.Took)}
		switch c.Status {
		case Passed:
		case Failed:
			tc.Failure = newJUnitProblem(c, r.Repeat, "check failed")
			s.Failures++
		case Skipped:
			tc.Skipped = &junitSkipped{}
			s.Skipped++
		case NotTried:
			tc.Skipped = &junitSkipped{Message: strings.TrimSuffix("not tried: "+inline(c.Note, 500), ": ")}
			s.Skipped++
		case NotPossible:
			tc.Skipped = &junitSkipped{Message: inline(c.Note, 500)}
			s.Skipped++
		default:
			tc.Error = newJUnitProblem(c, r.Repeat, "no verdict")
			s.Errors++
		}
		s.Cases = append(s.Cases, tc)
		s.Tests++
	}
	return s
}

func newJUnitProblem(c *Check, repeat, otherwise string) *junitProblem {
	p := &junitProblem{Message: otherwise, Type: otherwise}
	f := c.Failure
	if f == nil {
		f = &Failure{}
	}
	if f.Rule != "" {
		p.Type = inline(f.Rule, 80)
	}
	if f.Summary != "" {
		p.Message = inline(f.Summary, 500)
	}
	var lines []string
	line := func(name, text string) {
		if text != "" {
			lines = append(lines, name+visible(shorten(text, 4000)))
		}
	}
	line("", f.Summary)
	line("request: ", f.Request)
	line("expected: ", f.Expected)
	line("actual: ", f.Actual)
	line("hint: ", f.Hint)
	for _, d := range details(f.Details) {
		line("  ", d)
	}
	line("repeat: ", repeat)
	p.Text = strings.Join(lines, "\n")
	return p
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
