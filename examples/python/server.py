"""A replicated, durable key-value store with an HTTP API: stages 1 to 5 of lsfr's kv-store.

    python3 server.py --port 8001 --working-dir data
    python3 server.py --port 8001 --working-dir data --id n1 --peers n2=HOST:PORT,n3=HOST:PORT

    records.py        what is written to disk and sent to followers
    store.py          the map, its log and snapshots, recovery
    backlog.py        the log's recent records, in memory
    group_commit.py   how concurrent writes share an fsync
    cluster.py        members, leader, who is alive
    replication.py    how followers get the leader's records
    peer.py           a connection to another node
    web.py, api.py    HTTP, and what is answered
"""

import argparse
import os
import signal
import threading
import traceback
from collections import namedtuple

from api import Api
from cluster import Cluster
from group_commit import GroupCommit
from replication import BACKLOG_BYTES, Replicator
from store import Store
from web import Server

# leads: takes writes. writer: only where it leads. cluster: None for a single node.
Node = namedtuple("Node", "leads reads store writer cluster")


def parse_peers(text):
    addresses = {}
    for peer in filter(None, text.split(",")):
        name, equals, address = peer.partition("=")
        host, _, port = address.rpartition(":")
        if not (name and equals and host and port.isdigit() and 0 < int(port) < 65536):
            raise argparse.ArgumentTypeError(f"{peer!r} is not ID=HOST:PORT")
        if name in addresses:
            raise argparse.ArgumentTypeError(f"{name} is there twice")
        addresses[name] = address
    return addresses


def parse_flags():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--working-dir", required=True)
    parser.add_argument("--id", help="this node's name in the cluster")
    parser.add_argument("--peers", type=parse_peers, metavar="ID=HOST:PORT,...")
    parser.add_argument("--reads", choices=("local", "leader"), default="local",
                        help="where a follower's clients read: from its own copy, which may"
                             " be stale, or from the leader")
    flags, _ = parser.parse_known_args()  # later stages pass more flags
    if flags.peers is not None and not flags.id:
        parser.error("--peers needs --id, too")
    if flags.peers is not None and flags.id in flags.peers:
        parser.error(f"--peers must not contain {flags.id}, this node itself")
    return flags


def main():
    # Blocked, so that sigwait below receives them, whenever they come.
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    threading.excepthook = end_process

    flags = parse_flags()
    cluster = Cluster(flags.id, flags.peers) if flags.peers is not None else None
    leads = cluster is None or cluster.leads

    # The port comes first: where another server still runs, its files are left alone.
    server = Server(flags.port, Api)
    store = Store(flags.working_dir, BACKLOG_BYTES if cluster else 0)
    writer = GroupCommit(store) if leads else None
    server.node = Node(leads, flags.reads, store, writer, cluster)
    server.start()
    print(f"listening on 127.0.0.1:{flags.port}, {len(store.data)} keys recovered", flush=True)
    if cluster:
        cluster.start()
    if not leads:
        Replicator(store, cluster.leader, cluster.leader_address).start()

    signal.sigwait(stop_signals)
    server.drain()
    # Everything acknowledged is on disk already, and whatever else runs may be cut short.
    os._exit(0)


def end_process(failure):
    # A node that has lost one of its threads would look alive and do nothing.
    traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)
    os._exit(1)


if __name__ == "__main__":
    main()
