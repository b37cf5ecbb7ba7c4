"""Who belongs to the cluster, who leads it, and who is alive."""

import re
import threading
import time

from peer import Peer, Unreachable

PING_INTERVAL = 0.3
PING_TIMEOUT = 1.0
# One failure is no proof: a restarted peer has closed our connection, a paused one may
# be back, or we were paused ourselves. A dead peer refuses connections, so two failures
# take 0.6 s; one that is paused or cut off is silent, which takes 2.6 s.
FAILURES_UNTIL_DEAD = 2


def by_number(name):
    """Sorts n2 before n10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if part.isdigit() else part for part in parts], name


class Cluster:
    def __init__(self, name, addresses):
        """addresses: how this node, and only this one, reaches each of the others."""
        self.name = name
        self.addresses = addresses
        self.members = sorted([name, *addresses], key=by_number)
        # The leader is fixed, so all nodes agree on it without a word.
        self.leader = self.members[0]
        self.alive = {member: member == name for member in self.members}

    @property
    def leads(self):
        return self.leader == self.name

    @property
    def leader_address(self):
        return self.addresses[self.leader]

    def start(self):
        # A thread for each peer, so that a silent one does not delay the others.
        for name in self.addresses:
            threading.Thread(target=self.watch, args=(name,), daemon=True).start()

    def watch(self, name):
        peer = Peer(name, self.addresses[name], PING_TIMEOUT)
        failures = 0
        while True:
            try:
                _, body = peer.get("/health")
                failures = 0 if body == name.encode() else failures + 1
            except Unreachable:
                failures += 1
            if failures == 0:
                self.alive[name] = True
            elif failures >= FAILURES_UNTIL_DEAD:
                self.alive[name] = False
            time.sleep(PING_INTERVAL)

    def info(self):
        return {
            "id": self.name,
            "role": "leader" if self.leads else "follower",
            "leader": self.leader,
            "term": 0,  # it would grow with each change of leader
            "nodes": [{"id": name, "alive": self.alive[name]} for name in self.members],
        }
