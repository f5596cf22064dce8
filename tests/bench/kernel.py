"""What the kernel says of addresses and neighbours, by netlink, with the time at which it was read.

Sockets belong to a namespace; knows nothing of who sets addresses.
"""

import fcntl
import select
import socket
import struct
import time

from capture import Inside

NEW_ADDRESS, GET_ADDRESS = 20, 22
NEW_NEIGHBOUR, GET_NEIGHBOUR = 28, 30
DONE = 3
ADDRESSES, NEIGHBOURS = 0x10, 0x4  # groups
DUMP = 0x301
ROOM = 8 * 1024 * 1024
SO_RCVBUFFORCE = 33
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def listen(namespace, groups):
    with Inside(namespace):
        ear = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    ear.bind((0, groups))
    return ear


def addresses(namespace):
    """The IPv4 addresses of a namespace."""
    return {address for address, _ in _dump(namespace, GET_ADDRESS)}


def neighbours(namespace):
    """{address: MAC} of those that are known by one."""
    return {address: mac for address, mac in _dump(namespace, GET_NEIGHBOUR) if mac}


def _dump(namespace, kind):
    with listen(namespace, 0) as ear:
        body = struct.pack("B11x", socket.AF_INET)
        ear.send(struct.pack("IHHII", 16 + len(body), kind, DUMP, 1, 0) + body)
        found = []
        while True:
            messages = list(_messages(ear.recv(1 << 20)))
            found += [fact for fact in map(_fact, messages) if fact]
            if any(kind == DONE for kind, _ in messages):
                return found


class Watch:
    """`with Watch(...)`: when addresses came to a host, and when the client knew who has them."""

    def __init__(self, host, client, wanted, mac):
        self.came, self.known = {}, {}
        self._wanted = wanted
        self._mac = mac
        self._ears = [listen(host, ADDRESSES), listen(client, NEIGHBOURS)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for ear in self._ears:
            ear.close()

    def until(self, enough, seconds):
        """Listens until `enough()`, or for so many seconds."""
        end = time.monotonic() + seconds
        while not enough() and time.monotonic() < end:
            for ear in select.select(self._ears, [], [], 0.1)[0]:
                now = time.monotonic()
                for message in _messages(ear.recv(1 << 20)):
                    self._take(now, message)

    def _take(self, now, message):
        fact = _fact(message)
        if not fact or fact[0] not in self._wanted:
            return
        if message[0] == NEW_ADDRESS:
            self.came.setdefault(fact[0], now)
        elif fact[1] in self._mac:
            self.known.setdefault(fact[0], now)


def _messages(data):
    return _pieces(data, "IH", 16)


def _attributes(body):
    return ((kind & 0x3fff, value) for kind, value in _pieces(body, "HH", 4))


def _pieces(data, head, size):
    """(kind, what is behind the head) of each: netlink has its messages and attributes alike."""
    at = 0
    while at + size <= len(data):
        length, kind = struct.unpack_from(head, data, at)
        if length < size:
            return
        yield kind, data[at + size:at + length]
        at += (length + 3) & ~3


def _fact(message):
    """(address, MAC or None) of what came or is there; None of all else."""
    kind, body = message
    if kind == NEW_ADDRESS:
        found = dict(_attributes(body[8:]))
        raw = found.get(2, found.get(1))
        return (socket.inet_ntoa(raw), None) if raw and len(raw) == 4 else None
    if kind == NEW_NEIGHBOUR:
        found = dict(_attributes(body[12:]))
        raw, mac = found.get(1), found.get(2)
        return (socket.inet_ntoa(raw), mac and mac.hex(":")) if raw and len(raw) == 4 else None
    return None


class Cable:
    """A port that can be pulled by one system call."""

    def __init__(self, namespace, port):
        with Inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._port = port.encode()

    def pull(self):
        request = struct.pack("16sh22x", self._port, 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(self._socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(self._socket, SIOCSIFFLAGS,
                    struct.pack("16sh22x", self._port, flags & ~IFF_UP))
        self._socket.close()
