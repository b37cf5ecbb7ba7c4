package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/disk"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/models"
)

// historyFile is the name of a run's history: history.json for its first
// scenario, history-NAME.json for further ones.
func historyFile(index int, scenario string) string {
	if index == 0 {
		return "history.json"
	}
	return "history-" + scenario + ".json"
}

// scenario runs one scenario and judges its history.
func (r *run) scenario(ctx context.Context, index int, s *challenges.Scenario) (report.Check, error) {
	file := historyFile(index, s.Name)
	out, err := os.Create(r.path(file))
	if err != nil {
		return report.Check{}, fmt.Errorf("create history: %w", err)
	}
	defer out.Close() //nolint:errcheck // every byte was flushed by the recorder, which reports errors

	if s.Disks {
		if err := disk.Supported(); errors.Is(err, disk.ErrUnsupported) {
			return report.Check{Status: report.NotPossible, Note: err.Error()}, os.Remove(r.path(file))
		}
	}
	c, err := r.newCluster(ctx, s.Name, s.Disks)
	if err != nil {
		return r.scenarioFailed(ctx, s, err)
	}
	live := &live{
		run: r, scenario: s, seed: challenges.ScenarioSeed(r.Seed, index), cluster: c,
		shards: newShards(c), alongside: make(chan struct{}),
	}
	defer live.shards.close()
	header := history.Header{
		Challenge: r.Challenge, Stage: r.Stage.Name, Scenario: s.Name, Model: s.Model, Seed: r.Seed,
	}
	members := slices.Concat(r.Stage.Members(), s.Joining)
	header.Nodes, header.Groups = challenges.IDs(members), challenges.Groups(members)
	err = start(ctx, c, false)
	var h *history.History
	if err == nil {
		header.Started = time.Now() // what offsets count from; logs are merged by it
		w, werr := history.NewWriter(out, header)
		if werr != nil {
			return report.Check{}, errors.Join(werr, c.Close())
		}
		live.rec = history.NewRecorder(header, w)
		err = live.drive(ctx)
		var saved error
		h, saved = live.rec.Close()
		if saved != nil {
			r.Log.Warn().Err(saved).Str("file", file).Msg("the history could not be saved completely")
		}
	}
	if cerr := c.Close(); cerr != nil {
		return report.Check{}, errors.Join(cerr, err)
	}
	if errors.Is(err, challenges.ErrNotBuilt) {
		return report.Check{Status: report.NotTried, Note: s.NotBuilt}, os.Remove(r.path(file))
	}
	if err != nil {
		if h != nil {
			r.show(h, nil)
		}
		check, err := r.scenarioFailed(ctx, s, err)
		if h != nil {
			check.Scenario = live.summary(h, filepath.Join(r.RunDir, file))
		}
		return check, err
	}
	shown := r.page
	check, err := r.judge(ctx, live, h, filepath.Join(r.RunDir, file))
	if s.Alongside != nil && check.Status == report.Passed && shown.History != nil {
		r.page = shown // what is optional, and all right, is not what the reader came for
	}
	return check, err
}

func (r *run) scenarioFailed(ctx context.Context, s *challenges.Scenario, err error) (report.Check, error) {
	return outcome(ctx, s.Title, s.Hint, time.Now(), err)
}

const outageHint = "A majority that is connected accepts writes within 10 s, through each of its nodes. Look at the nodes' logs from that time on: does anybody stand for election, and is anybody elected? Does every node find out who leads now? And what is never given back when a request fails or times out: a lock, a place in a queue, a connection?"

// judge checks the history against the model, and asks for evidence.
func (r *run) judge(ctx context.Context, l *live, h *history.History, file string) (report.Check, error) {
	c := report.Check{Status: report.Passed, Scenario: l.summary(h, file)}
	r.show(h, nil)
	v, err := models.Check(ctx, h, models.Options{})
	if ctx.Err() != nil {
		c.Status = report.Skipped
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("judge %s: %w", file, err)
	}
	if l.violated.Load() && v.Status == models.Valid {
		return c, fmt.Errorf("judge %s: the history broke %s while it was recorded, and does not any more", file, v.Model)
	}
	c.Scenario.Verdict = &v
	if l.scenario.Converge > 0 { // reads may be stale, so how stale were they?
		s, err := models.MeasureStaleness(ctx, h)
		if err != nil {
			return c, fmt.Errorf("measure staleness in %s: %w", file, err)
		}
		c.Scenario.Staleness = &s
	}
	if l.scenario.Available {
		a := models.MeasureAvailability(h)
		c.Scenario.Availability, c.Scenario.Shards = &a, models.MeasureShards(h)
	}
	r.show(h, &v)
	switch {
	case v.Status == models.Invalid:
		c.Status = report.Failed
		worst := v.Violations[0]
		c.Failure = &report.Failure{Rule: string(worst.Rule), Summary: worst.Sentence, Hint: l.scenario.Hint, Details: report.OperationLines(worst.Operations, h.Faults)}
		if line := report.ShardLine(h, worst.Key); line != "" {
			c.Failure.Details = append(c.Failure.Details, line)
		}
		if l.scenario.Disks {
			c.Note = l.neverSynced()
		}
		if worst.Rule == models.RuleCopiesDisagree {
			said := fmt.Sprintf("after %g s without faults and writes, of %s:", l.scenario.Converge.Seconds(), worst.Key)
			c.Failure.Details = append(append(c.Failure.Details, "", said), report.FinalReadsOf(h, worst.Key)...)
		}
	case c.Scenario.Availability != nil && c.Scenario.Availability.Unavailable != nil:
		c.Status = report.Failed
		c.Failure = &report.Failure{
			Rule: string(challenges.RuleUnavailable), Summary: report.OutageSentence(c.Scenario.Availability.Unavailable), Hint: outageHint,
		}
	case v.Status == models.Unknown:
		c.Status = report.Unknown
		c.Failure = &report.Failure{Summary: "the history could not be judged: " + v.Reason}
	default:
		if missing := l.missingEvidence(h); missing != "" {
			c.Status = report.Unknown
			c.Failure = &report.Failure{Summary: "too little evidence: " + missing, Hint: evidenceHint}
		}
	}
	return c, nil
}
