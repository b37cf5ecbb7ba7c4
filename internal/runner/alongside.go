package runner

import (
	"context"

	"github.com/st3v3nmw/lsfr/challenges"
	"github.com/st3v3nmw/lsfr/history"
	"github.com/st3v3nmw/lsfr/internal/cluster"
	"github.com/st3v3nmw/lsfr/internal/faults"
	"github.com/st3v3nmw/lsfr/workload"
)

// beside does what the scenario has done alongside its clients. If that goes wrong it
// cancels the scenario.
func (l *live) beside(ctx context.Context, cancel context.CancelCauseFunc, heal func(), stopClients <-chan struct{}) {
	defer close(l.alongside)
	if l.scenario.Alongside == nil {
		return
	}
	client := workload.NewClient(requestTime, routes(l.cluster))
	defer client.Close()
	running := &challenges.Running{
		Join: func(nodes []*cluster.Node) {
			clients := l.clients() * len(nodes) / l.run.Stage.Nodes
			l.work(ctx, addresses(nodes), max(clients, len(nodes)), l.clients(), stopClients)
		},
		Disturb: l.disturb,
		Heal:    heal,
		Phase: func(name string) func() {
			l.active(name, true)
			return func() { l.active(name, false) }
		},
	}
	err := l.scenario.Alongside(ctx, challenges.NewEnv(l.cluster, client, len(l.run.Stage.Checks)), running)
	if err != nil && ctx.Err() == nil {
		cancel(err)
	}
}

// disturb records a fault that lasts as long as meanwhile.
func (l *live) disturb(fault faults.Fault, targets []*cluster.Node, meanwhile func() error) error {
	event := history.FaultEvent{Fault: fault.Name, Start: l.rec.Now(), Hits: l.rec.OpenWrites()}
	for _, n := range targets {
		event.Targets = append(event.Targets, n.ID())
	}
	l.active(fault.Name, true)
	defer l.active(fault.Name, false)
	err := meanwhile()
	event.End = l.rec.Now()
	counting{l.rec, &l.injected}.Fault(event)
	return err
}
