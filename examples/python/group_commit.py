"""Clients' writes on their way into the store of the node that takes them."""

import queue
import threading
from concurrent.futures import Future

from records import encode


class GroupCommit:
    def __init__(self, store):
        self.store = store
        self.queue = queue.SimpleQueue()
        threading.Thread(target=self.run, daemon=True).start()

    def write(self, operation, key=b"", value=b""):
        """Returns when the write is on disk and visible."""
        done = Future()
        self.queue.put((encode(operation, key, value), done))
        done.result()

    def run(self):
        while True:
            # Whatever queued up during the last fsync shares the next one. This "group
            # commit" is what makes an fsync per write affordable.
            batch = [self.queue.get()]
            while not self.queue.empty():
                batch.append(self.queue.get())
            self.store.commit([record for record, _ in batch])
            for _, done in batch:
                done.set_result(None)
