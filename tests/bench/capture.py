"""VRRP adverts on several wires, each with the time at which the kernel saw it.

One process listens to all of them, so all times are of one clock and one observer; how late this
process itself runs does not matter. Knows frames, nothing of who sends them.
"""

import ctypes
import os
import select
import socket
import struct
import threading
import time

ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
CLONE_NEWNET = 0x40000000
ROOM = 8 * 1024 * 1024


class Capture:
    def __init__(self):
        self._wires = {}
        self._adverts = {}

    def listen(self, wire, namespace, port):
        """Hears what comes in by this port of a bridge; `wire` names it in the answers."""
        with Inside(namespace):
            ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            ear.bind((port, ETH_P_ALL))
        ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        ear.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        ear.setblocking(False)
        self._wires[ear] = wire

    def adverts(self, seconds, enough=None):
        """{(wire, VRID): [nanoseconds, ...]} of this time, or until `enough` of them is true."""
        self._take()
        self._adverts = {}
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            select.select(list(self._wires), [], [], min(left, 0.1))
            self._take()
            if enough and enough(self._adverts):
                break
        return self._adverts

    def lost(self):
        """Frames that did not fit into the kernel's queue since the last call."""
        return sum(struct.unpack("II", ear.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
                   for ear in self._wires)

    def close(self):
        for ear in self._wires:
            ear.close()

    def _take(self):
        for ear, wire in self._wires.items():
            while True:
                try:
                    frame, extra, _, address = ear.recvmsg(256, 64)
                except BlockingIOError:
                    break
                if address[2] != socket.PACKET_OUTGOING and (vrid := _vrid(frame)):
                    self._adverts.setdefault((wire, vrid), []).append(_nanoseconds(extra))


class Recording:
    """Adverts heard in a thread of its own until it is ended, of (label, namespace, port, VRID)."""

    def __init__(self, routers):
        self._capture = Capture()
        self._routers = []
        for label, namespace, port, vrid in routers:
            self._capture.listen(label, namespace, port)
            self._routers.append((label, vrid))
        self._begun, self._ending = threading.Event(), threading.Event()
        self._heard = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def has_begun(self, seconds):
        """Whether one of these routers was heard within that time."""
        return self._begun.wait(seconds)

    def end(self):
        """{label: [nanoseconds since 1970, ...]}"""
        self._ending.set()
        self._thread.join()
        if lost := self._capture.lost():
            raise RuntimeError(f"{lost} frames were lost by the capture")
        self._capture.close()
        return {label: self._heard.get((label, vrid), []) for label, vrid in self._routers}

    def _listen(self):
        self._heard = self._capture.adverts(24 * 3600, enough=self._is_enough)

    def _is_enough(self, heard):
        if any(router in heard for router in self._routers):
            self._begun.set()
        return self._ending.is_set()


class Inside:
    """This process in a network namespace; sockets made meanwhile stay there."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._home = None

    def __enter__(self):
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + self._namespace, os.O_RDONLY)
        _enter(there)
        os.close(there)

    def __exit__(self, *_):
        _enter(self._home)
        os.close(self._home)


def _enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def _vrid(frame):
    """The VRID of a frame that carries a VRRP packet over IPv4, else 0."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 112:
        return 0
    return frame[14 + 4 * (frame[14] & 0x0f) + 1]


def _nanoseconds(extra):
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return seconds * 1_000_000_000 + nanoseconds
    raise RuntimeError("the kernel gave no time for a frame")
