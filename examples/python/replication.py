"""How followers get the leader's data.

A follower asks the leader for the records from its own position on, again and again:

    GET /replication/log?history=H&from=P     200: the next records, perhaps none yet
                                              410: no longer at hand, take a snapshot
    GET /replication/snapshot                 200: the whole state at some position

So the leader keeps no books about its followers, and nothing can be skipped or applied
twice: whatever breaks, the follower still knows its position and asks again from there.
The leader answers an empty 200 when nothing happened for a while. Silence therefore
means trouble, and the follower tries a new connection.
"""

import io
import threading
import time

from peer import Peer, Unreachable
from records import decode_snapshot, read_records

BACKLOG_BYTES = 32 << 20  # who missed more than this gets a snapshot
LEADER_WAITS = 0.5  # seconds without news until an empty answer
FOLLOWER_WAITS = 3.0  # seconds of silence until the follower gives up
# Between two requests, in seconds. The records that gather meanwhile share the cost of a
# request and of an fsync; without it both nodes are busier with asking than with writing.
PAUSE = 0.01
PAUSE_AFTER_FAILURE = 0.2


class Replicator:
    """Keeps a follower's store equal to the leader's, some moments behind it."""

    def __init__(self, store, leader, address):
        self.store = store
        self.leader = Peer(leader, address, FOLLOWER_WAITS)
        self.trouble = None

    def start(self):
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.pull()
                self.note(None)
                time.sleep(PAUSE)
            except Unreachable as error:
                self.note(str(error))
                time.sleep(PAUSE_AFTER_FAILURE)

    def pull(self):
        history, position = self.store.history, self.store.position
        path = f"/replication/log?history={history.hex()}&from={position}"
        status, body = self.leader.get(path)
        if status == 200:
            records = list(read_records(io.BytesIO(body)))
            if sum(map(len, records)) != len(body):
                raise Unreachable("it sent damaged records")
            if records:
                self.store.commit(records)
        elif status == 410:
            self.pull_snapshot()
        else:
            raise Unreachable(f"it answered {status} to {path}")

    def pull_snapshot(self):
        status, body = self.leader.get("/replication/snapshot")
        if status != 200:
            raise Unreachable(f"it answered {status} to the request for a snapshot")
        try:
            history, position, data = decode_snapshot(io.BytesIO(body))
        except ValueError as error:
            raise Unreachable(f"its snapshot is damaged: {error}") from error
        # Not merged but replaced: else keys that were deleted meanwhile would stay.
        self.store.install(history, position, data)
        print(f"took a snapshot: {len(data)} keys at position {position}", flush=True)

    def note(self, trouble):
        if trouble != self.trouble:  # once, not five times a second
            message = f"trouble: {trouble}" if trouble else f"at position {self.store.position}"
            print(f"following {self.leader.name}, {message}", flush=True)
        self.trouble = trouble
