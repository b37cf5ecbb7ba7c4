package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/models"
)

// What --model takes besides the name of a model.
const (
	allModels  = "all"
	listModels = "list"
)

// showModels lists the models, a sentence each.
func showModels(w io.Writer) {
	for _, m := range models.All() {
		fmt.Fprintln(w, wrap(m.Title, columns(w), fmt.Sprintf("%-20s ", m.Name), strings.Repeat(" ", 21)))
	}
	fmt.Fprintln(w, wrap("every model that knows the operations in the history", columns(w), fmt.Sprintf("%-20s ", allModels), strings.Repeat(" ", 21)))
}

// showAll prints which models hold: the strongest in the headline.
func (a *app) showAll(judged *report.Judged) {
	s, file, verdicts := a.style(a.stdout), judged.Source, judged.All
	for _, w := range verdicts[0].Warnings {
		fmt.Fprintf(a.stderr, "lsfr: %s: warning: %s\n", file, w)
	}
	strongest := models.Strongest(verdicts)
	first := &verdicts[0]
	var headline string
	switch {
	case first.Status == models.Valid:
		headline = s.good.Sprint(first.Model)
	case len(strongest) == 0:
		headline = s.bad.Sprint("no model holds")
		if len(undecided(verdicts)) > 0 {
			headline = s.doubtful.Sprint("no model is known to hold")
		}
	case first.Status == models.Unknown:
		headline = s.doubtful.Sprintf("%s: unknown", first.Model) + "; " + s.good.Sprintf("%s: yes", strings.Join(strongest, ", "))
	default:
		headline = s.bad.Sprintf("not %s", first.Model) + "; " + s.good.Sprintf("%s: yes", strings.Join(strongest, ", "))
	}
	fmt.Fprintf(a.stdout, "%s: %s  (%s on %s)\n\n", file, headline, counted(first.Operations, "operation"), counted(first.Keys, "key"))
	for i := range verdicts {
		v := &verdicts[i]
		answer, why := s.good.Sprintf("%-8s", "yes"), ""
		switch {
		case v.Status == models.Invalid:
			answer, why = s.bad.Sprintf("%-8s", "no"), fmt.Sprintf("%s on %s", v.Violations[0].Rule, v.Violations[0].Key)
			if n := len(v.Violations); n > 1 {
				why += fmt.Sprintf(", and %d more keys", n-1)
			}
		case v.Status == models.Unknown:
			answer, why = s.doubtful.Sprintf("%-8s", "unknown"), v.Reason
		case strings.HasPrefix(v.Engine, "implied"):
			why = v.Engine
		}
		fmt.Fprintln(a.stdout, strings.TrimRight(wrap(why, columns(a.stdout), fmt.Sprintf("  %-20s %s ", v.Model, answer), strings.Repeat(" ", 32)), " "))
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.Status == models.Invalid {
			fmt.Fprintf(a.stdout, "\nWhy it is not %s:\n", v.Model)
			a.showViolation(&v.Violations[0], judged.Faults)
			return
		}
	}
}

func undecided(verdicts []models.Verdict) (list []string) {
	for _, v := range verdicts {
		if v.Status == models.Unknown {
			list = append(list, v.Model)
		}
	}
	return list
}

// allCode is the exit code of a history judged by all models: what the model
// that it names says; if it names none, whether any holds.
func allCode(named string, verdicts []models.Verdict) int {
	code := exitViolation
	for _, v := range verdicts {
		switch {
		case v.Model == named:
			return statusCode(v.Status)
		case v.Status == models.Valid:
			code = exitPassed
		case v.Status == models.Unknown && code == exitViolation:
			code = exitUnknown
		}
	}
	return code
}

func statusCode(s models.Status) int {
	switch s {
	case models.Valid:
		return exitPassed
	case models.Invalid:
		return exitViolation
	}
	return exitUnknown
}
