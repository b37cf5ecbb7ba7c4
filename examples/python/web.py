"""HTTP, and how to stop without breaking off a request. Knows nothing of keys and values."""

import os
import select
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 64 << 20
SEND_BYTES = 64 << 10
GRACE_SECONDS = 0.2  # after SIGTERM: for bytes that are already on their way to us
DRAIN_SECONDS = 10  # after SIGTERM: for clients that are slow to finish their request
PEER_TIMEOUT = 5  # how long a peer may refuse to take more of an answer


class Connection(BaseHTTPRequestHandler):
    """Serves one connection, in a thread of its own. Subclasses define answer(body)."""

    protocol_version = "HTTP/1.1"  # keeps connections open between requests
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.request_or_stop = select.poll()
        self.request_or_stop.register(self.connection, select.POLLIN)
        self.request_or_stop.register(self.server.stop_signal, select.POLLIN)

    def finish(self):
        self.server.peers.discard(self.connection)
        super().finish()

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
        except (ConnectionError, socket.timeout):
            self.close_connection = True  # the other side is gone

    def wait_for_request(self):
        """Waits while the connection is idle. False: we are stopping, and it still is."""
        ready = [fd for fd, _ in self.request_or_stop.poll()]
        if self.connection.fileno() in ready:
            return True
        # A request that was sent before the signal may still be on its way.
        self.request_or_stop.unregister(self.server.stop_signal)
        return bool(self.request_or_stop.poll(GRACE_SECONDS * 1000))

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

    def mark_as_peer(self):
        """From now on this connection may be broken off: its other end will try again."""
        self.connection.settimeout(PEER_TIMEOUT)
        self.server.peers.add(self.connection)
        if self.server.stopping:  # it may have been too late for drain()
            raise ConnectionAbortedError

    def reply(self, status, body=b"", content_type="text/plain; charset=utf-8", **headers):
        if isinstance(body, str):
            body = body.encode()
        if self.server.stopping:
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            + "\r\n"
        )
        # One send for both: two small ones would run into delayed acknowledgements. And
        # not more than one for a large answer, because a timeout is that of each send.
        answer = memoryview(head.encode() + (b"" if self.command == "HEAD" else body))
        for start in range(0, len(answer), SEND_BYTES):
            self.connection.sendall(answer[start : start + SEND_BYTES])

    def log_message(self, *_):
        pass  # a line per request would cost more than the request


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False  # so that server_close() waits for the handlers
    stopping = False

    def __init__(self, port, handler):
        super().__init__(("127.0.0.1", port), handler, bind_and_activate=False)
        self.server_bind()  # sets SO_REUSEADDR, too
        # Closing the one end wakes all that wait at the other.
        self.stop_signal, self.stop_sender = os.pipe()
        self.peers = set()  # connections on which nobody needs an answer any more

    def start(self):
        self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def drain(self):
        """Answers every request that clients have begun, then returns."""
        deadline = threading.Timer(DRAIN_SECONDS, os._exit, [0])
        deadline.daemon = True
        deadline.start()

        self.stopping = True
        os.close(self.stop_sender)  # idle connections now close themselves
        for connection in list(self.peers):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already

        self.shutdown()
        self.timeout = 0
        for _ in range(self.request_queue_size):
            self.handle_request()  # connections the kernel accepted for us before the signal
        self.server_close()
