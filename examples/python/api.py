"""What a node answers: to clients, and to its peers."""

import json
from http import HTTPStatus
from urllib.parse import parse_qs, quote, unquote_to_bytes

from records import CLEAR, DELETE, PUT
from replication import LEADER_WAITS
from web import Connection


class Api(Connection):
    """The node it speaks for is self.server.node."""

    def answer(self, body):
        node = self.server.node
        path, _, query = self.path.partition("?")
        if path.startswith("/kv/"):
            return self.answer_key(node, path[len("/kv/"):], body)

        if node.cluster is None:
            routes = {"/clear": ("DELETE", self.clear), "/health": ("GET", self.health)}
        else:
            routes = {"/health": ("GET", self.health), "/cluster/info": ("GET", self.info)}
            if node.cluster.leads:
                routes["/replication/log"] = ("GET", self.send_log)
                routes["/replication/snapshot"] = ("GET", self.send_snapshot)
        if path not in routes:
            return self.reply(HTTPStatus.NOT_FOUND, "not found")
        method, route = routes[path]
        if self.command != method:
            return self.not_allowed(method)
        return route(node, query)

    # ------------------------------------------------------------------------ clients

    def answer_key(self, node, path, body):
        if self.command not in ("GET", "PUT", "DELETE"):
            return self.not_allowed("GET, PUT, DELETE")
        key = unquote_to_bytes(path)
        if not key:
            return self.reply(HTTPStatus.BAD_REQUEST, "key cannot be empty")
        if self.command == "PUT" and not body:
            return self.reply(HTTPStatus.BAD_REQUEST, "value cannot be empty")

        if not (node.leads or (self.command == "GET" and node.reads == "local")):
            # 307 keeps method and body. The client has to go there itself: a write that
            # we passed on could be done although we never hear of it.
            url = f"http://{node.cluster.leader_address}/kv/{quote(key, safe=':')}"
            return self.reply(HTTPStatus.TEMPORARY_REDIRECT, Location=url)

        if self.command == "GET":
            value = node.store.get(key)
            if value is None:
                return self.reply(HTTPStatus.NOT_FOUND, "key not found")
            return self.reply(HTTPStatus.OK, value)
        if self.command == "DELETE":
            node.writer.write(DELETE, key)
        else:
            node.writer.write(PUT, key, body)
        return self.reply(HTTPStatus.OK)

    def not_allowed(self, allowed):
        self.reply(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed", Allow=allowed)

    def clear(self, node, _):
        node.writer.write(CLEAR)
        self.reply(HTTPStatus.OK)

    def health(self, node, _):
        # The name tells peers that they reached whom they wanted.
        self.reply(HTTPStatus.OK, node.cluster.name if node.cluster else "ok")

    def info(self, node, _):
        self.reply(HTTPStatus.OK, json.dumps(node.cluster.info()), "application/json")

    # -------------------------------------------------------------------------- peers

    def send_log(self, node, query):
        self.mark_as_peer()
        try:
            fields = parse_qs(query, strict_parsing=True)
            history, position = bytes.fromhex(fields["history"][0]), int(fields["from"][0])
        except (KeyError, ValueError):
            return self.reply(HTTPStatus.BAD_REQUEST, "want ?history=HEX&from=POSITION")
        records = node.store.since(history, position, LEADER_WAITS)
        if records is None:
            return self.reply(HTTPStatus.GONE, "take a snapshot")
        return self.reply(HTTPStatus.OK, b"".join(records), "application/octet-stream")

    def send_snapshot(self, node, _):
        self.mark_as_peer()
        self.reply(HTTPStatus.OK, b"".join(node.store.snapshot()), "application/octet-stream")
