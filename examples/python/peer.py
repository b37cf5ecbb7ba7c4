"""How this node talks to another one."""

from http.client import HTTPConnection, HTTPException


class Unreachable(Exception):
    """The peer gave no answer that could be used. What became of the request is unknown."""


class Peer:
    """A connection to a peer that renews itself. For one thread at a time."""

    def __init__(self, name, address, timeout):
        """timeout: seconds of silence, also while connecting, after which to give up."""
        self.name = name
        self.connection = HTTPConnection(address, timeout=timeout)

    def get(self, path):
        """Returns status and body, or raises Unreachable."""
        try:
            self.connection.request("GET", path)
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            # The answer may still come, and must not be taken for that to the next
            # request. So the next request begins a new connection.
            self.connection.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error
