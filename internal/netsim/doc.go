// Package netsim is the network between the nodes of a run: links that can be cut,
// slowed, made lossy, narrowed and reset, without root and without help from the
// nodes.
//
// A link is a TCP relay for an ordered pair of nodes, at an address that only the
// first of them is given. It knows nothing of what it carries. Conditions belong to
// a direction, also an ordered pair. What From sends to To travels in two places: in
// the connections that From dialled, and, as answers, in those that To dialled.
// Conditions of a direction act in both, and on nothing else: a cut from n1 to n2
// holds what n1 asks of n2 and what n1 answers n2, while n2's own requests and
// answers still reach n1.
//
// # What nodes see
//
// Nothing is ever lost from the middle of a stream, or reordered. A byte that was
// passed on before a fault began counts as arrived. From the moment Inject returns,
// no byte passes a cut.
//
// Cut: bytes are held, 1 MiB of each stream in memory and the rest in the sender's
// kernel, which at last makes the sender wait. Ends of streams are held behind them.
// Healing delivers everything at once: real TCP would wait for its next
// retransmission, but then how soon a cluster recovers would depend on the kernel.
//
// A new connection is held if either direction is cut, because the handshake needs
// both. No portable program can stop its kernel from completing the handshake with
// the dialer, so that one sees a connection on which nothing happens, exactly as when
// the target is paused. It reaches the target when the cut heals, unless the dialer
// gave up in the meantime: then the target never hears of it, as if the first packet
// had never got through. (Dropping the packets instead, which Linux can do, would
// leave it to the dialer's kernel to try again up to many seconds after healing, and
// macOS cannot.)
//
// Delay: every segment, handshakes included, arrives that much later; throughput
// stays, up to 1 MiB under way per stream. Loss: a lost segment arrives after TCP's
// retransmission pause, 200 ms and doubling each time it is lost again, and
// everything behind it in its stream waits. A segment is what was read at once, at
// most 64 KiB, which is what a kernel with segmentation offload hands over at once.
// Bandwidth: shared by all connections of a direction, segment by segment.
//
// Ends: the end of a stream (FIN) is passed on behind its bytes, and the other
// stream goes on. A reset (RST) is passed on as a reset; it drops what a cut still
// holds, as the kernel that sends it does.
//
// Dead and paused targets: a link refuses connections unless it is up. The
// connections of a target that dies are closed by its own kernel, which the relay
// passes on as it comes: after the bytes that were under way, and not through a cut.
// A paused target's kernel still accepts connections, so the relay does.
package netsim
