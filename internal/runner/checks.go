package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/workload"
)

const (
	// requestTime is how long a request of a check may take, checkTime how long
	// a whole check may.
	requestTime = 5 * time.Second
	checkTime   = 60 * time.Second
)

// StartCheck is the name of the check that every stage begins with.
const StartCheck = "starts and answers requests"

// checks starts a cluster and does the stage's API checks on it, one after the
// other. After a failure the rest is done all the same.
func (r *run) checks(ctx context.Context) (err error) {
	r.Observer.CheckStarted(StartCheck)
	began := time.Now()
	c, err := r.newCluster(ctx, "", false)
	if c != nil {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	if err == nil {
		err = c.StartAll(ctx, true)
	}
	if node, ok := errors.AsType[*cluster.NodeError](err); ok && node.Kind == cluster.NotRunnable {
		return err // no verdict on a program that is not there
	}
	first, err := outcome(ctx, StartCheck, startHint, began, err)
	if err != nil {
		return err
	}
	r.done(first)
	formed := first.Status == report.Passed
	if formed && r.Stage.Nodes > 1 {
		r.Observer.CheckStarted(SettleCheck)
		began := time.Now()
		settled, err := outcome(ctx, SettleCheck, settleHint, began, settle(ctx, c))
		if err != nil {
			return err
		}
		r.done(settled)
		formed = settled.Status == report.Passed
	}
	if !formed {
		for _, k := range r.Stage.Checks {
			r.skip(k.Name)
		}
		for i := range r.Stage.Scenarios {
			r.skip(r.Stage.Scenarios[i].Title)
		}
		r.Stage = &challenges.Stage{Name: r.Stage.Name, Guide: r.Stage.Guide, Nodes: r.Stage.Nodes} // nothing is left to be done
		return nil
	}
	if r.Ready != nil {
		r.Ready()
	}
	client := workload.NewClient(requestTime, routes(c))
	defer client.Close()
	for i, k := range r.Stage.Checks {
		if r.over(ctx) {
			r.skip(k.Name)
			continue
		}
		r.Observer.CheckStarted(k.Name)
		began := time.Now()
		done, err := outcome(ctx, k.Name, k.Hint, began, r.check(ctx, c, client, i, k))
		if err != nil {
			return err
		}
		r.done(done)
	}
	return nil
}

const startHint = "lsfr runs ./run.sh --port PORT --working-dir DIR in your folder and waits until GET /health on that port answers anything but 503. Make run.sh build your program if need be, and start it with these flags (\"$@\")."

// SettleCheck is the name of the second check of every stage with several nodes.
const SettleCheck = "forms a cluster with one leader"

const settleHint = "Within 30 s of their start, exactly one node says in GET /cluster/info that it leads, and every node names that one as its leader. lsfr guide clustering has the whole answer, field by field."

// check does one check, on nodes that run and agree.
func (r *run) check(ctx context.Context, c *cluster.Cluster, client *workload.Client, number int, k challenges.Check) error {
	limit := cmp.Or(k.Limit, checkTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the check took longer than %s", limit))
	defer cancel()
	// An earlier check may have left nodes dead, and one failure must not become many.
	if err := start(ctx, c, false); err != nil {
		return err
	}
	err := k.Run(ctx, challenges.NewEnv(c, client, number))
	if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return &challenges.Failure{Rule: challenges.RuleTooSlow, Summary: context.Cause(ctx).Error(), Hint: slowHint, Err: err}
	}
	return err
}

const slowHint = "No single answer was late, but all of them together were: the check was given up, and shows nothing. Is the machine busy with something else? If not, find out what takes the time in your program."

// outcome sorts an error into the two channels: what the learner's program did
// becomes part of the result, what lsfr did stays an error.
func outcome(ctx context.Context, name, hint string, began time.Time, err error) (report.Check, error) {
	c := report.Check{Name: name, Status: report.Passed, Took: time.Since(began)}
	if err == nil {
		return c, nil
	}
	if ctx.Err() != nil { // interrupted
		c.Status = report.Skipped
		return c, nil
	}
	c.Status = report.Failed
	node, nodeFailed := errors.AsType[*cluster.NodeError](err)
	f, failed := errors.AsType[*challenges.Failure](err)
	if nodeFailed && node.Kind == cluster.PortTaken || failed && f.Rule == challenges.RuleTooSlow {
		c.Status = report.Unknown // another program is in the way, or slow is not wrong
	}
	c.Failure = explain(err, hint)
	if c.Failure == nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// explain turns an error about the learner's program into a Failure; nil if it
// is not about that.
func explain(err error, hint string) *report.Failure {
	if node, ok := errors.AsType[*cluster.NodeError](err); ok {
		return &report.Failure{Rule: string(node.Kind), Summary: node.Error(), Hint: hint, Details: node.Details()}
	}
	if unsettled, ok := errors.AsType[*cluster.UnsettledError](err); ok {
		return &report.Failure{Rule: string(challenges.RuleNoSingleLeader), Summary: unsettled.Error(), Hint: settleHint, Details: unsettled.Said}
	}
	if wrong, ok := errors.AsType[*cluster.InfoError](err); ok {
		return &report.Failure{
			Rule: string(challenges.RuleClusterInfo), Summary: wrong.Error(), Request: wrong.Request(), Actual: wrong.Body, Hint: hint,
		}
	}
	if f, ok := errors.AsType[*challenges.Failure](err); ok {
		out := &report.Failure{Rule: string(f.Rule), Summary: f.Summary, Request: f.Request, Expected: f.Expected, Actual: f.Actual, Hint: f.Hint}
		if out.Hint == "" {
			out.Hint = hint
		}
		return out
	}
	return nil
}
