"""A Redis connection of thirty lines: one command, one reply. Standard library only.

The demo does not use redis-py, so that it needs nothing but Python.
"""

import socket


class ReplyError(Exception):
    """The server answered with an error."""


class Connection:
    """`where` is a path (unix socket) or an (address, port) pair; no password: it wants none."""

    def __init__(self, where, password, timeout):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(where)
            if family == socket.AF_INET:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = self._socket.makefile("rb")
            if password:
                self.call("AUTH", password)
        except BaseException:
            self._socket.close()
            raise

    def call(self, *words):
        parts = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts)
        request += b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        return self._reply()

    def close(self):
        self._stream.close()
        self._socket.close()

    def _reply(self):
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed by the server")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._bulk(int(rest))
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise ConnectionError(f"not a Redis reply: {line!r}")

    def _bulk(self, size):
        data = self._stream.read(size + 2)
        if len(data) != size + 2:
            raise ConnectionError("connection closed by the server")
        return data[:-2].decode()
