"""A durable key-value store with an HTTP API: stages 1 to 3 of lsfr's kv-store.

Every write takes the same path: a handler thread queues a record, the one writer
thread appends it to the log, fsyncs the log, changes the map, and only then lets the
handler answer. So the map holds nothing that a crash could take away, its order is the
log's order, and a read is a plain look into the map.

Files in the working directory (N counts checkpoints):

    N.log        the writes since checkpoint N began
    N.snapshot   the whole map as it was when N.log began
    *.tmp        a snapshot that is still being written
"""

import argparse
import os
import queue
import select
import signal
import struct
import sys
import threading
import traceback
import zlib
from concurrent.futures import Future
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_to_bytes

CHECKPOINT_BYTES = 8 << 20  # begin a checkpoint when the log has grown by this much
MAX_BODY_BYTES = 64 << 20
GRACE_SECONDS = 0.2  # after SIGTERM: for bytes that are already on their way to us
DRAIN_SECONDS = 10  # after SIGTERM: for clients that are slow to finish their request

# ---------------------------------------------------------------------------- records
#
# checksum (4 bytes) | length of the rest (4) | operation (1) | key length (4) | key | value
#
# The length makes any byte legal in a value; the checksum exposes a record that was cut
# short or never fully reached the disk. It covers the length too: otherwise a tail of
# zeros would read as a row of valid empty records.

PUT, DELETE, CLEAR = 1, 2, 3
FRAME = struct.Struct(">II")
FIELDS = struct.Struct(">BI")


def encode(operation, key=b"", value=b""):
    rest = FIELDS.pack(operation, len(key)) + key + value
    length = struct.pack(">I", len(rest))
    return struct.pack(">I", zlib.crc32(rest, zlib.crc32(length))) + length + rest


def apply(data, operation, key, value):
    if operation == PUT:
        data[key] = value
    elif operation == DELETE:
        data.pop(key, None)
    elif operation == CLEAR:
        data.clear()


def replay(path, data):
    """Applies the file's records to data. Returns how many bytes of it are intact."""
    intact, size = 0, path.stat().st_size
    with open(path, "rb") as file:
        while True:
            frame = file.read(FRAME.size)
            if len(frame) < FRAME.size:
                return intact
            checksum, length = FRAME.unpack(frame)
            if not FIELDS.size <= length <= size - file.tell():
                return intact
            rest = file.read(length)
            if zlib.crc32(rest, zlib.crc32(frame[4:])) != checksum:
                return intact
            operation, key_length = FIELDS.unpack_from(rest)
            key_end = FIELDS.size + key_length
            apply(data, operation, rest[FIELDS.size:key_end], rest[key_end:])
            intact = file.tell()


# ------------------------------------------------------------------------------ store


class Store:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = {}  # changed by the writer thread only
        self.queue = queue.SimpleQueue()
        self.checkpoint = None  # the thread of the latest checkpoint
        self.recover()
        threading.Thread(target=self.write_forever, daemon=True).start()

    def get(self, key):
        return self.data.get(key)

    def write(self, operation, key=b"", value=b""):
        """Returns when the write is on disk and visible."""
        done = Future()
        self.queue.put((encode(operation, key, value), operation, key, value, done))
        done.result()

    def write_forever(self):
        try:
            while True:
                self.write_batch()
        except BaseException:
            # After a failed write or fsync nobody knows what the disk holds. Ending here
            # is safe: nothing unlogged was shown or acknowledged, and the next start
            # reads the truth from the files.
            traceback.print_exc()
            os._exit(1)

    def write_batch(self):
        # Whatever queued up during the last fsync shares the next one. This "group
        # commit" is what makes an fsync per write affordable.
        batch = [self.queue.get()]
        while not self.queue.empty():
            batch.append(self.queue.get())

        self.log.write(b"".join(record for record, *_ in batch))
        self.log.flush()
        os.fsync(self.log.fileno())

        for record, operation, key, value, done in batch:
            self.log_bytes += len(record)
            apply(self.data, operation, key, value)
            done.set_result(None)

        # A log at least as long as the last snapshot keeps the cost of checkpoints in
        # proportion to what clients write.
        if self.log_bytes > max(CHECKPOINT_BYTES, self.snapshot_bytes):
            if self.checkpoint is None or not self.checkpoint.is_alive():
                self.begin_checkpoint()

    def begin_checkpoint(self):
        # The copy is shallow, so this pause is short; the long part runs beside the
        # writes, which already go to the next log.
        self.log.close()
        self.open_log(self.number + 1)
        self.log_bytes = 0
        self.checkpoint = threading.Thread(
            target=self.save_snapshot, args=(self.number, dict(self.data)), daemon=True
        )
        self.checkpoint.start()

    def save_snapshot(self, number, data):
        # Written aside and then renamed: under its final name a snapshot is always whole.
        temporary = self.path(number, "tmp")
        with open(temporary, "wb", buffering=1 << 20) as file:
            for key, value in data.items():
                file.write(encode(PUT, key, value))
            file.flush()
            os.fsync(file.fileno())
            self.snapshot_bytes = file.tell()
        os.replace(temporary, self.path(number, "snapshot"))
        self.sync_folder()  # the new name must be on disk before the old files go
        self.remove_before(number)

    def recover(self):
        for path in self.folder.glob("*.tmp"):
            path.unlink()  # a checkpoint that a crash cut short

        number = max(self.numbers("snapshot"), default=0)
        snapshot = self.path(number, "snapshot")
        self.snapshot_bytes = snapshot.stat().st_size if number else 0
        if number and replay(snapshot, self.data) != self.snapshot_bytes:
            sys.exit(f"{snapshot} is damaged")  # better no start than wrong answers

        logs = [n for n in sorted(self.numbers("log")) if n >= number] or [number]
        self.open_log(logs[-1])
        self.log_bytes = 0
        for n in logs:
            size = self.path(n, "log").stat().st_size
            intact = replay(self.path(n, "log"), self.data)
            self.log_bytes += intact
            if intact < size and n != logs[-1]:
                sys.exit(f"{self.path(n, 'log')} is damaged at byte {intact}")

        # Only the last log can end in a half-written record, which was never
        # acknowledged. It must go, or the records appended behind it would be
        # unreachable. The fsync also covers records the last process wrote but had no
        # time to fsync: from now on clients can see them.
        self.log.truncate(intact)
        os.fsync(self.log.fileno())
        self.remove_before(number)  # in case a crash came before this could be done

    def open_log(self, number):
        self.number = number
        self.log = open(self.path(number, "log"), "ab")
        self.sync_folder()  # a file is only safe once its name is

    def path(self, number, kind):
        return self.folder / f"{number}.{kind}"

    def numbers(self, kind):
        return [int(path.stem) for path in self.folder.glob(f"*.{kind}")]

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


# ------------------------------------------------------------------------------- HTTP


class Handler(BaseHTTPRequestHandler):
    """Serves one connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"  # keeps connections open between requests
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.poll = select.poll()
        self.poll.register(self.connection, select.POLLIN)

    def handle_one_request(self):
        self.close_connection = True  # unless parse_request finds otherwise
        try:
            if not self.wait_for_request():
                return
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                body = self.read_body()
                if body is not None:
                    self.answer(body)
        except ConnectionError:
            self.close_connection = True  # the client is gone

    def wait_for_request(self):
        """Waits while the connection is idle. False: we are stopping, and it still is."""
        while not self.poll.poll(GRACE_SECONDS * 1000):
            if self.server.stopping:
                # Look once more: a request sent before the signal is here by now.
                return bool(self.poll.poll(GRACE_SECONDS * 1000))
        return True

    def read_body(self):
        """Reads the whole body: what is left of it would be taken for the next request."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            problem = HTTPStatus.LENGTH_REQUIRED
        elif not (length.isascii() and length.isdigit()):
            problem = HTTPStatus.BAD_REQUEST
        elif int(length) > MAX_BODY_BYTES:
            problem = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            self.close_connection = True  # cut off halfway: as if it had never been sent
            return None
        self.close_connection = True
        self.reply(problem, problem.phrase.lower())
        return None

    def answer(self, body):
        path = self.path.partition("?")[0]
        if path == "/clear":
            if self.command != "DELETE":
                return self.not_allowed("DELETE")
            self.server.store.write(CLEAR)
            return self.reply(HTTPStatus.OK)

        if not path.startswith("/kv/"):
            return self.reply(HTTPStatus.NOT_FOUND, "not found")
        if self.command not in ("GET", "PUT", "DELETE"):
            return self.not_allowed("GET, PUT, DELETE")
        key = unquote_to_bytes(path[len("/kv/"):])
        if not key:
            return self.reply(HTTPStatus.BAD_REQUEST, "key cannot be empty")

        if self.command == "GET":
            value = self.server.store.get(key)
            if value is None:
                return self.reply(HTTPStatus.NOT_FOUND, "key not found")
            return self.reply(HTTPStatus.OK, value)
        if self.command == "DELETE":
            self.server.store.write(DELETE, key)
            return self.reply(HTTPStatus.OK)
        if not body:
            return self.reply(HTTPStatus.BAD_REQUEST, "value cannot be empty")
        self.server.store.write(PUT, key, body)
        return self.reply(HTTPStatus.OK)

    def not_allowed(self, allowed):
        self.reply(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed", f"Allow: {allowed}\r\n")

    def reply(self, status, body=b"", headers=""):
        if isinstance(body, str):
            body = body.encode()
        if self.server.stopping:
            self.close_connection = True
        if self.close_connection:
            headers += "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        # One send for both: two small ones would run into delayed acknowledgements.
        self.wfile.write(head.encode() + (b"" if self.command == "HEAD" else body))

    def log_message(self, *_):
        pass  # a line per request would cost more than the request


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False  # so that server_close() waits for the handlers
    stopping = False

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.server_bind()  # sets SO_REUSEADDR, too

    def start(self, store):
        self.store = store
        self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def drain(self):
        """Answers every request that has begun, then returns."""
        self.stopping = True  # idle connections now close themselves
        deadline = threading.Timer(DRAIN_SECONDS, os._exit, [0])
        deadline.daemon = True
        deadline.start()

        self.shutdown()
        self.timeout = 0
        for _ in range(self.request_queue_size):
            self.handle_request()  # connections the kernel accepted for us before the signal
        self.server_close()


def main():
    # Blocked, so that sigwait below receives them, whenever they come.
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)

    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--working-dir", required=True)
    flags, _ = parser.parse_known_args()  # later stages pass more flags

    # The port comes first: where another server still runs, its files are left alone.
    server = Server(flags.port)
    store = Store(flags.working_dir)
    server.start(store)
    print(f"listening on 127.0.0.1:{flags.port}, {len(store.data)} keys recovered", flush=True)

    signal.sigwait(stop_signals)
    server.drain()
    # Everything acknowledged is on disk already, and a checkpoint may be cut at any point.
    os._exit(0)


if __name__ == "__main__":
    main()
