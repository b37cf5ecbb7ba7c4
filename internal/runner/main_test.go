package runner_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/kvnode"
	"github.com/st3v3nmw/lsfr/internal/report"
	"github.com/st3v3nmw/lsfr/internal/runner"
)

// The test binary is also the nodes and the guard process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "node":
			os.Exit(kvnode.Main(context.Background(), os.Args[2:], os.Stderr))
		case "fake":
			os.Exit(fakeNode(os.Args[2:]))
		case "cluster":
			os.Exit(fakeCluster(os.Args[2:]))
		case "shards":
			os.Exit(fakeShards(os.Args[2:]))
		case "guard":
			os.Exit(cluster.GuardMain(os.Stdin))
		}
	}
	os.Exit(m.Run())
}

// silent is an Observer for which nobody looks.
type silent struct{}

func (silent) Building(string)          {}
func (silent) CheckStarted(string)      {}
func (silent) CheckDone(report.Check)   {}
func (silent) Progress(runner.Progress) {}

func explain(r *report.Result) string {
	f := r.FirstFailure()
	if f == nil || f.Failure == nil {
		return string(r.Status)
	}
	return fmt.Sprintf("%s at %q: %s\n%s", r.Status, f.Name, f.Failure.Summary, strings.Join(f.Failure.Details, "\n"))
}
