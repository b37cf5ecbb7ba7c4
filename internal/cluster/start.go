package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WaitReady returns nil when the node is ready. The error is a *NodeError of kind
// Exited as soon as every process of the node ended by itself, of kind NotReady
// when the time is over, counted from Spawn; ErrNotRunning if the node was not
// spawned, or is being stopped or killed; and the context's error as soon as it is
// done. In the latter two cases the processes are left as they are.
func (n *Node) WaitReady(ctx context.Context) error {
	inc := n.current()
	if inc == nil {
		return fmt.Errorf("wait for node %s: %w", n.id, ErrNotRunning)
	}
	limit, first := n.cluster.cfg.FirstStart, true
	n.mu.Lock()
	if n.everReady {
		limit, first = n.cluster.cfg.Restart, false
	}
	n.mu.Unlock()

	// A probe must not keep a dead node waiting.
	probing, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-inc.gone:
			cancel()
		case <-stop:
		}
	}()

	for round := 0; ; round++ {
		begun := time.Now()
		spent := begun.Sub(inc.begun)
		if first && spent > buildingAfter && n.cluster.cfg.OnBuilding != nil {
			n.cluster.building.Do(func() { n.cluster.cfg.OnBuilding(n.id) })
		}
		host, said := probe(probing, n.port, min(max(shortestProbe, spent/2), longestProbe))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case inc.isGone():
			return n.endOf(inc)
		case host != "":
			return n.becameReady(inc, host)
		case spent > limit: // a probe that began after the limit failed as well
			return n.notReady(inc, limit, said)
		}
		interval := earlyInterval
		if round >= earlyProbes {
			interval = lateInterval
		}
		timer := time.NewTimer(interval)
		select {
		case <-ctx.Done():
		case <-inc.gone:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// endOf says why an incarnation is over: its own failure, or lsfr's doing.
func (n *Node) endOf(inc *incarnation) error {
	if err := inc.failed(); err != nil {
		return err
	}
	return fmt.Errorf("wait for node %s: %w", n.id, ErrNotRunning)
}

// becameReady notes where the node answered, and which processes it is made of.
func (n *Node) becameReady(inc *incarnation, host string) error {
	inc.setReady()
	if host != n.host() {
		if err := n.linksUp(host); err != nil {
			return fmt.Errorf("wait for node %s: %w", n.id, err)
		}
	}
	n.mu.Lock()
	n.url = baseURL(host, n.port)
	n.everReady = true
	n.mu.Unlock()
	n.log.event("ready after %v", time.Since(inc.begun).Round(time.Millisecond))
	// Later the ties may be cut by which they are recognised now.
	alive, err := n.family.scan()
	if err != nil {
		return fmt.Errorf("wait for node %s: %w", n.id, err)
	}
	for _, p := range alive {
		if p.pgid != inc.pid {
			n.cluster.guard.member(p)
		}
	}
	return nil
}

// notReady describes a node that runs but did not answer in time.
func (n *Node) notReady(inc *incarnation, limit time.Duration, said string) error {
	failure := &NodeError{
		Kind:      NotReady,
		Node:      n.id,
		Problem:   fmt.Sprintf("node %s was not ready within %s: %s", n.id, seconds(limit), said),
		ExitCode:  -1,
		LogTail:   n.log.tail(shownLines),
		LogPath:   n.logPath,
		RunByHand: n.runByHand(),
	}
	alive, err := n.family.scan()
	if err != nil {
		return fmt.Errorf("wait for node %s: %w", n.id, errors.Join(failure, err))
	}
	ports := portsOf(alive)
	slices.Sort(ports)
	rootEnded := false
	select {
	case <-inc.rootEnded:
		rootEnded = true
	default:
	}
	switch {
	case n.log.saysAddressInUse():
		failure.Hint = n.addressHint()
	case len(ports) > 0 && !slices.Contains(ports, n.port):
		failure.Hint = fmt.Sprintf("it listens on port %s instead of %d: use the value of --port", joinPorts(ports), n.port)
	case inc.isPaused():
		failure.Hint = "lsfr paused the node and did not resume it"
	case len(ports) > 0:
		failure.Hint = "it listens on the right port; accept connections to 127.0.0.1, and answer GET /health, with 404 if there is no such route"
	case rootEnded:
		failure.Hint = fmt.Sprintf("%s itself has ended; what is left of it listens on no port: %s", n.cluster.cfg.Command[0], joinNames(describeAll(alive)))
	default:
		failure.Hint = fmt.Sprintf("listen for HTTP on port %d of 127.0.0.1, the value of --port", n.port)
	}
	return failure
}

func joinPorts(ports []int) string {
	text := make([]string, len(ports))
	for i, port := range ports {
		text[i] = strconv.Itoa(port)
	}
	return strings.Join(text, " and ")
}
