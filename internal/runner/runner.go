// Package runner runs one stage: it starts the learner's nodes, does the
// stage's checks, lets clients and faults loose in its scenarios, judges the
// histories and writes the run folder.
package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/models"
	"github.com/st3v3nmw/lsfr/workload"
)

// Options of a run of one stage.
type Options struct {
	Challenge string
	Stage     *challenges.Stage
	// Dir is the learner's folder, RunDir the run folder, relative to Dir or absolute.
	Dir, RunDir string
	// Command starts a node.
	Command []string
	Env     []string
	Seed    int64
	// Duration and Clients override the scenarios' own if greater than 0.
	Duration time.Duration
	Clients  int
	// Faults restricts the faults that are injected; the zero value does not.
	Faults faults.Selection
	// FailFast skips what is left after the first failure.
	FailFast bool
	// NoEarlyStop lets a scenario run on when its history breaks the model already.
	NoEarlyStop bool
	// StrictDisk makes names durable only by a sync of their folder, in scenarios with disks.
	StrictDisk bool
	// Guard is the command of the process that ends nodes if lsfr is killed.
	Guard []string
	// Repeat is the command that repeats the run, for the reader.
	Repeat string
	// Ready is called once the first node answers: whatever run.sh builds is built.
	Ready func()
	// Tell is told what happens in a scenario, from several goroutines at once; it may be nil.
	Tell     func(Event)
	Observer Observer
	Log      zerolog.Logger
}

// Observer is told what happens while it happens. Its methods are called from
// one goroutine at a time, except Building.
type Observer interface {
	// Building says that a node's first start takes long.
	Building(node string)
	CheckStarted(name string)
	CheckDone(c report.Check)
	Progress(p Progress)
}

// Progress is the state of a running scenario.
type Progress struct {
	Elapsed, Total time.Duration
	// OK, Failed and Unknown count operations by outcome.
	OK, Failed, Unknown int64
	// Phase says what goes on: the name of the active fault, or "final reads",
	// or empty.
	Phase string
}

// Event is a moment in a scenario. Either Phase or Leader is set.
type Event struct {
	// Phase is what begins or ends, such as the name of a fault, or "final reads".
	Phase string
	Begun bool
	// Leader is who leads from now on.
	Leader *history.LeaderEvent
}

func (r *run) tell(e Event) {
	if r.Tell != nil {
		r.Tell(e)
	}
}

// run is one run of one stage.
type run struct {
	Options
	result *report.Result
	// page is what the report shows: the history of the scenario that failed,
	// or else of the last one.
	page report.Page
}

// WriteReport writes the HTML page of a run into its run folder, and sets the
// result's Report. If it cannot, that is one warning in the log, and Report stays
// empty. Cancelling ctx does not end it; it takes at most 20 seconds.
type WriteReport func(ctx context.Context)

// Stage runs a stage. What the learner's program got wrong is in the result;
// the error means that lsfr failed. When ctx is cancelled the result says so,
// and holds what was found until then. The report is for the caller to write, when
// the verdict has been shown: it never delays or changes one.
func Stage(ctx context.Context, opts Options) (*report.Result, WriteReport, error) {
	r := &run{Options: opts, result: &report.Result{
		Challenge: opts.Challenge, Stage: opts.Stage.Name, Seed: opts.Seed, Started: time.Now(),
		RunDir: opts.RunDir, Repeat: opts.Repeat,
	}}
	err := r.checks(ctx)
	for i := 0; err == nil && i < len(r.Stage.Scenarios); i++ {
		s := &r.Stage.Scenarios[i]
		if r.over(ctx) {
			r.skip(s.Title)
			continue
		}
		r.Observer.CheckStarted(s.Title)
		began := time.Now()
		var c report.Check
		c, err = r.scenario(ctx, i, s)
		c.Name, c.Took = s.Title, time.Since(began)
		if err == nil {
			r.done(c)
		}
	}
	r.result.Interrupted = ctx.Err() != nil
	r.result.Took = time.Since(r.result.Started)
	r.result.Conclude()
	if err != nil {
		return r.result, func(context.Context) {}, err
	}
	return r.result, r.writeReport, nil
}

// over reports whether the rest is to be skipped.
func (r *run) over(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	f := r.result.FirstFailure()
	return f != nil && r.FailFast
}

func (r *run) skip(name string) {
	r.result.Checks = append(r.result.Checks, report.Check{Name: name, Status: report.Skipped})
}

func (r *run) done(c report.Check) {
	r.result.Checks = append(r.result.Checks, c)
	r.Observer.CheckDone(c)
}

// path returns a path in the run folder that this process can open.
func (r *run) path(elem ...string) string {
	p := filepath.Join(append([]string{r.RunDir}, elem...)...)
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(r.Dir, p)
}

// newCluster returns a cluster of the stage's nodes, not started. Working
// folders are below folder in the run folder; all clusters of a run share their logs.
func (r *run) newCluster(ctx context.Context, folder string, disks bool) (*cluster.Cluster, error) {
	c, err := cluster.New(ctx, cluster.Config{
		Dir: r.Dir, Command: r.Command, Env: r.Env,
		RunDir: filepath.Join(r.RunDir, folder), LogDir: filepath.Join(r.RunDir, "nodes"),
		Links: r.Stage.Nodes > 1, Seed: r.Seed, Disks: disks, StrictDisks: r.StrictDisk,
		Guard: r.Guard, OnBuilding: r.Observer.Building, Log: r.Log,
	})
	if err != nil {
		return nil, err
	}
	for _, m := range r.Stage.Members() {
		if _, err := c.AddMember(ctx, m.ID, cluster.Shard{Name: m.Shard}); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// start starts all nodes that do not run, and waits until a cluster is settled.
// first is set if the program may have to be built.
func start(ctx context.Context, c *cluster.Cluster, first bool) error {
	if err := c.StartAll(ctx, first); err != nil {
		return err
	}
	return settle(ctx, c)
}

func settle(ctx context.Context, c *cluster.Cluster) error {
	if len(c.Nodes()) == 1 {
		return nil
	}
	return c.WaitSettled(ctx, challenges.SettleTime)
}

// routes finds nodes by the addresses in redirects.
func routes(c *cluster.Cluster) workload.Route {
	return func(address string) (workload.Node, bool) {
		n := c.NodeAt(address)
		if n == nil {
			return workload.Node{}, false
		}
		return workload.Node{ID: n.ID(), URL: n.URL()}, true
	}
}

// reportTime bounds the writing of the report, its picture included.
const reportTime = 20 * time.Second

// writeReport is the WriteReport of this run.
func (r *run) writeReport(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	path := r.path("report.html")
	r.page.Result, r.page.Repeat = r.result, r.Repeat
	r.page.Guide, r.page.Logs = r.Stage.Guide, r.logs()
	err := WriteFile(path, func(f *os.File) error { return report.WriteHTML(ctx, f, r.page) })
	if err != nil {
		r.Log.Warn().Err(err).Msg("the report could not be written")
		return
	}
	r.result.Report = filepath.Join(r.RunDir, "report.html")
}

// logs are the logs of all nodes that there were.
func (r *run) logs() (logs []report.NodeLog) {
	if r.page.History == nil {
		return nil
	}
	for _, id := range r.page.History.Nodes {
		logs = append(logs, report.NodeLog{Node: id, Path: r.path("nodes", id+".log")})
	}
	return logs
}

// WriteFile creates a file and writes it.
func WriteFile(path string, write func(*os.File) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	if err := write(f); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// show puts a scenario's history on the report's page, unless one that failed
// is there already.
func (r *run) show(h *history.History, v *models.Verdict) {
	if r.page.Verdict == nil || r.page.Verdict.Status != models.Invalid {
		r.page.History, r.page.Verdict = h, v
	}
}
