"""Watchers: each follows one source in a thread of its own and puts what it sees on the timeline.

They only look. The virtual IP is watched with `ip monitor`, the agent through its log, the client
through the lines of writer.py.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time

import hosts as network


class Addresses:
    """Who holds the virtual IP on eth0, from the kernel's own messages."""

    def __init__(self, hosts, vip, timeline):
        self._vip = vip
        self._timeline = timeline
        self._holders = set()
        self._monitors = [self._follow(host) for host in hosts]
        for host in hosts:  # no message tells of what is there already
            if f" {vip}/" in network.ip("-n", host.namespace, "-o", "address", "show", "eth0",
                                        check=False):
                self._seen(host, True, time.monotonic())

    def holders(self):
        return set(self._holders)

    def describe(self):
        names = " and ".join(sorted(self._holders)) or "nobody"
        return f"{self._vip} is held by {names}"

    def stop(self):
        for monitor in self._monitors:
            monitor.kill()
            monitor.wait()

    def _follow(self, host):
        monitor = host.observe("-o", "monitor", "address")
        threading.Thread(target=self._read, args=(host, monitor.stdout), daemon=True).start()
        return monitor

    def _read(self, host, lines):
        for line in lines:
            at = time.monotonic()
            if f" {self._vip}/" not in line or " eth0 " not in line:
                continue
            self._seen(host, "Deleted" not in line, at)

    def _seen(self, host, present, at):
        if present == (host.label in self._holders):
            return  # a renewed lease
        if present:
            self._holders.add(host.label)
        else:
            self._holders.discard(host.label)
        self._timeline.event(
            "address", f"{self._vip} {'is on' if present else 'left'} {host.label}", at)


class Log:
    """The agent's log, line by line; lines of level debug and below are left out."""

    STAMP = re.compile(r"^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d+)\S*\s*")
    ORDINARY = re.compile(r"^\[?info\]?:?\s+")
    DETAIL = re.compile(r"^\[?(debug|trace)\b")

    def __init__(self, agent, timeline):
        self._source = "agent " + agent.host.label
        self._path = agent.log
        self._timeline = timeline
        self._stopping = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self):
        self._stopping.set()

    def _read(self):
        with open(self._path, "a+", encoding="utf-8", errors="replace") as file:
            file.seek(0)
            begun = ""
            while not self._stopping.is_set():
                begun += file.readline()
                if not begun.endswith("\n"):
                    self._stopping.wait(0.01)
                    continue
                self._tell(begun.strip())
                begun = ""

    def _tell(self, line):
        at = time.monotonic()
        if stamp := self.STAMP.match(line):
            wall = datetime.datetime.fromisoformat(stamp[1].replace(",", "."))
            age = time.time() - wall.timestamp()
            at -= age if 0 <= age < 1 else 0
            line = line[stamp.end():]
        line = self.ORDINARY.sub("", line)
        if line and not self.DETAIL.match(line):
            self._timeline.event(self._source, line, at)


class Client:
    """The writer on the client's host; it writes from `start` on."""

    def __init__(self, host, vip, port, password_file, timeline, *gap):
        self.vip = vip
        self._host = host
        self._arguments = [vip, str(port), password_file, *map(str, gap)]
        self._timeline = timeline
        self._changed = threading.Condition()
        self._acknowledged = 0
        self._stopped = False
        self._gaps = {}
        self._failed = {}
        self._open_gap = None
        self._counted = None
        self._phase = 0
        self._process = None

    def start(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "writer.py")
        self._process = self._host.start(
            [sys.executable, script, *self._arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def phase(self, phase):
        """Writes and refusals from now on belong to this phase."""
        self._phase = phase
        self._command(f"phase {phase}")

    def acknowledged(self):
        return self._acknowledged

    def is_refused(self):
        return self._open_gap is not None

    def gap(self, phase):
        """Milliseconds without an acknowledged write in this phase."""
        return sum(self.gaps(phase))

    def gaps(self, phase):
        return self._gaps.get(phase, [])

    def failed(self, phase):
        """Writes of this phase that got an error or no answer."""
        return self._failed.get(phase, 0)

    def count(self, address):
        """All acknowledged writes read back from there: {phase: (acknowledged, missing)}."""
        self._counted = None
        self._command(f"count {address}")
        with self._changed:
            if not self._changed.wait_for(lambda: self._counted is not None, timeout=20):
                return None
        if "error" in self._counted:
            return None
        return {int(phase): (facts["acknowledged"], facts["missing"])
                for phase, facts in self._counted["phases"].items()}

    def stop_writing(self):
        self._command("stop")
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, timeout=5)

    def _command(self, line):
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            raise RuntimeError("the client's writer has ended, see its words above") from None

    def _read(self):
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                self._take(message)
                self._changed.notify_all()

    def _take(self, message):
        match message["event"]:
            case "progress":
                self._acknowledged = message["acknowledged"]
            case "refused":
                self._open_gap = self._phase
                self._timeline.event("client", f"write refused: {message['why']}",
                                     message["at"], colour="refused")
            case "accepted":
                phase = self._phase if self._open_gap is None else self._open_gap
                self._gaps.setdefault(phase, []).append(message["gap_ms"])
                self._failed[phase] = self._failed.get(phase, 0) + message["failed"]
                self._open_gap = None
                self._timeline.event(
                    "client", f"write accepted, the one before it {message['gap_ms']} ms ago",
                    message["at"])
            case "stopped":
                self._acknowledged = message["acknowledged"]
                self._stopped = True
            case "counted":
                self._counted = message
