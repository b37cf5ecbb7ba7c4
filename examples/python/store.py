"""The data of one node, in memory and on disk.

One thread alone changes it: on the leader the one that collects the clients' writes, on
a follower the one that fetches the leader's. Every change is on disk before anybody can
see it, so the map holds nothing that a crash could take away, its order is the log's
order, and a read is a plain look into the map.

A position counts the records since the data began. It is not stored anywhere by itself:
it is where the last snapshot was, plus the records logged since. So it can never
disagree with the data, whatever moment a crash chooses. Positions only compare within
one history: a random name given to the data when it began.

Files in the working directory (N counts snapshots):

    N.snapshot   history, position and the whole map as they were when N.log began
    N.log        the records since then
    *.tmp        a snapshot that is still being written
"""

import os
import sys
import threading
from pathlib import Path

from backlog import Backlog
from records import apply, decode_snapshot, encode_snapshot, read_records

CHECKPOINT_BYTES = 8 << 20  # begin a checkpoint when the log has grown by this much


class Store:
    def __init__(self, folder, backlog_bytes=0):
        """Recovers what the folder holds. backlog_bytes: of recent records for followers."""
        self.folder = Path(folder)
        self.backlog_bytes = backlog_bytes
        # Held while data, history and position change, for those who need to see them
        # together, or to wait for a change.
        self.changed = threading.Condition()
        self.checkpoint = None  # the thread of the latest checkpoint
        self.recover()

    @property
    def position(self):
        return self.backlog.end

    def get(self, key):
        return self.data.get(key)

    def since(self, history, position, wait):
        """Returns the records that follow position; none if none come within wait
        seconds. None: only a snapshot can help, for this is another history or the
        records are no longer at hand."""
        with self.changed:
            if history != self.history:
                return None
            if position == self.position:
                self.changed.wait(wait)
            return self.backlog.since(position)

    def snapshot(self):
        """Returns the records of a snapshot. Those that follow it are since its position."""
        with self.changed:
            state = self.history, self.position, dict(self.data)
        return encode_snapshot(*state)

    # ------------------------------------------------- changes, from one thread only

    def commit(self, records):
        """Makes records durable and then visible, in this order and together."""
        # An error here must end the process. After a failed write or fsync nobody knows
        # what the disk holds. Ending is safe: nothing unlogged was shown or
        # acknowledged, and the next start reads the truth from the files.
        self.log.write(b"".join(records))
        self.log.flush()
        os.fsync(self.log.fileno())
        self.log_bytes += sum(map(len, records))

        with self.changed:
            for record in records:
                apply(self.data, record)
            self.backlog.extend(records)
            self.changed.notify_all()

        # A log at least as long as the last snapshot keeps the cost of checkpoints in
        # proportion to what clients write.
        if self.log_bytes > max(CHECKPOINT_BYTES, self.snapshot_bytes):
            if self.checkpoint is None or not self.checkpoint.is_alive():
                self.begin_checkpoint()

    def install(self, history, position, data):
        """Replaces everything, on disk and in memory, by the state of a snapshot."""
        if self.checkpoint is not None:
            self.checkpoint.join()
        # The rename that completes the new snapshot is the moment of change: a crash
        # before it leaves the old state, a crash after it the new one.
        number = self.number + 1
        self.save_snapshot(number, encode_snapshot(history, position, data))
        self.log.close()
        self.open_log(number)
        self.log_bytes = 0
        with self.changed:
            self.history = history
            self.data = data
            self.backlog = Backlog(position, self.backlog_bytes)
        self.remove_before(number)

    def begin_checkpoint(self):
        # The copy is shallow, so this pause is short; the long part runs beside the
        # writes, which already go to the next log.
        number = self.number + 1
        self.log.close()
        self.open_log(number)
        self.log_bytes = 0
        self.checkpoint = threading.Thread(
            target=self.run_checkpoint, args=(number, self.snapshot()), daemon=True
        )
        self.checkpoint.start()

    # -------------------------------------------------------------------------- files

    def run_checkpoint(self, number, records):
        try:
            self.save_snapshot(number, records)
            self.remove_before(number)
        except OSError as error:
            # The older files still hold everything; a later checkpoint tries again.
            print(f"checkpoint {number} failed: {error}", flush=True)

    def save_snapshot(self, number, records):
        # Written aside and then renamed: under its final name a snapshot is always whole.
        temporary = self.path(number, "tmp")
        with open(temporary, "wb", buffering=1 << 20) as file:
            for record in records:
                file.write(record)
            file.flush()
            os.fsync(file.fileno())
            self.snapshot_bytes = file.tell()
        os.replace(temporary, self.path(number, "snapshot"))
        self.sync_folder()  # the new name must be on disk before the old files go

    def recover(self):
        for path in self.folder.glob("*.tmp"):
            path.unlink()  # a snapshot that a crash cut short

        snapshots = self.numbers("snapshot")
        if not snapshots:  # a folder without data: here a history begins
            self.save_snapshot(0, encode_snapshot(os.urandom(16), 0, {}))
        number = max(snapshots, default=0)
        snapshot = self.path(number, "snapshot")
        try:
            with open(snapshot, "rb") as file:
                self.history, position, self.data = decode_snapshot(file)
        except ValueError as error:
            sys.exit(f"{snapshot} is damaged: {error}")  # better no start than wrong answers
        self.snapshot_bytes = snapshot.stat().st_size
        self.backlog = Backlog(position, self.backlog_bytes)

        logs = [n for n in self.numbers("log") if n >= number] or [number]
        if logs != list(range(number, number + len(logs))):
            sys.exit(f"a log is missing in {self.folder} after {snapshot.name}")
        self.open_log(logs[-1])
        self.log_bytes = 0
        for n in logs:
            size = self.path(n, "log").stat().st_size
            intact = self.replay(n)
            self.log_bytes += intact
            if intact < size and n != logs[-1]:
                sys.exit(f"{self.path(n, 'log')} is damaged at byte {intact}")

        # Only the last log can end in a half-written record, which was never
        # acknowledged. It must go, or the records appended behind it would be
        # unreachable. The fsync also covers records the last process wrote but had no
        # time to fsync: from now on clients and followers can see them.
        self.log.truncate(intact)
        os.fsync(self.log.fileno())
        self.remove_before(number)  # in case a crash came before this could be done

    def replay(self, number):
        """Applies a log's records. Returns how many bytes of it are intact."""
        intact = 0
        with open(self.path(number, "log"), "rb") as file:
            for record in read_records(file):
                apply(self.data, record)
                self.backlog.extend([record])
                intact += len(record)
        return intact

    def open_log(self, number):
        self.number = number
        self.log = open(self.path(number, "log"), "ab")
        self.sync_folder()  # a file is only safe once its name is

    def path(self, number, kind):
        return self.folder / f"{number}.{kind}"

    def numbers(self, kind):
        return sorted(int(path.stem) for path in self.folder.glob(f"*.{kind}"))

    def remove_before(self, number):
        for kind in ("log", "snapshot"):
            for n in self.numbers(kind):
                if n < number:
                    self.path(n, kind).unlink()

    def sync_folder(self):
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
