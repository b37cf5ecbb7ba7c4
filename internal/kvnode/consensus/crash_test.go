package consensus

// crash ends a node without finishing anything. What a real crash loses, memory, is lost here too.
func (n *Node) crash() error {
	n.closed.Do(func() {
		n.mu.Lock()
		n.refusing = true
		n.mu.Unlock()
		n.unsynced = nil
		n.err = n.end()
	})
	return n.err
}
