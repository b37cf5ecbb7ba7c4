package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/st3v3nmw/lsfr/internal/netsim"
)

// link is how one node reaches another.
type link struct {
	from, to *Node
	*netsim.Link
}

// allLinks returns the links that there are, in the order of their targets.
func (c *Cluster) allLinks() []link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]link(nil), c.links...)
}

// Network returns the links between the nodes, or nil if Config.Links is not set.
func (c *Cluster) Network() *netsim.Network { return c.network }

// connect makes the links between a new node and the others; c.mu is held.
func (c *Cluster) connect(n *Node) error {
	if c.network == nil {
		return nil
	}
	for _, other := range c.nodes {
		for _, pair := range [][2]*Node{{n, other}, {other, n}} {
			l, err := c.network.Link(pair[0].id, pair[1].id)
			if err != nil {
				return err
			}
			c.links = append(c.links, link{from: pair[0], to: pair[1], Link: l})
			if err := pair[1].openLate(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLate opens a link that was made while its target runs already. If that ends
// meanwhile, whoever closes its links may have been here before.
func (n *Node) openLate(l *netsim.Link) error {
	if !n.Running() {
		return nil
	}
	if err := l.Up(net.JoinHostPort(n.host(), strconv.Itoa(n.port))); err != nil || n.Running() {
		return err
	}
	return l.Down()
}

// linksUp lets the other nodes reach this one, at the host it listens on.
func (n *Node) linksUp(host string) error {
	return n.eachLink(func(l *netsim.Link) error {
		return l.Up(net.JoinHostPort(host, strconv.Itoa(n.port)))
	})
}

// linksDown makes the links to this node refuse connections, as the port of a dead
// process does.
func (n *Node) linksDown() error { return n.eachLink((*netsim.Link).Down) }

// eachLink does something to every link that leads to this node.
func (n *Node) eachLink(do func(*netsim.Link) error) error {
	var errs []error
	for _, l := range n.cluster.allLinks() {
		if l.to == n {
			errs = append(errs, do(l.Link))
		}
	}
	return errors.Join(errs...)
}

// NodeAt returns the node that an address of a Location leads to, such as
// "127.0.0.1:30412": the address by which any node reaches it, or its own. It
// returns nil if that is no node of the cluster.
func (c *Cluster) NodeAt(address string) *Node {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil
	}
	for _, l := range c.allLinks() {
		if l.Addr() == net.JoinHostPort(loopbacks[0], port) {
			return l.to
		}
	}
	for _, n := range c.Nodes() {
		if strconv.Itoa(n.port) == port {
			return n
		}
	}
	return nil
}

// startNetwork makes the network, which lives until the cluster is closed.
func (c *Cluster) startNetwork(ctx context.Context) {
	if c.cfg.Links {
		c.network = netsim.New(context.WithoutCancel(ctx), netsim.Config{Seed: c.cfg.Seed})
	}
}

// closeNetwork ends all links.
func (c *Cluster) closeNetwork() error {
	if c.network == nil {
		return nil
	}
	if err := c.network.Close(); err != nil {
		return fmt.Errorf("links between the nodes: %w", err)
	}
	return nil
}
