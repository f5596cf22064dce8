"""Two hosts, a client and the wire between them, made of network namespaces.

Makes and removes the namespaces and runs programs in them. Knows nothing of Redis or Tandem.
Nothing is added to the machine's own network: the bridge has a namespace to itself.
"""

import os
import signal
import subprocess
import time

WIRE = "tandem-lan"
PREFIX = 24


class Host:
    """One namespace with eth0 on the wire; `label` is how the story calls it."""

    def __init__(self, label, address):
        self.label = label
        self.address = address
        self.namespace = "tandem-" + label.lower()
        self.port = label.lower()
        self._observers = set()

    def start(self, argv, **popen):
        """Starts a program on this host, in a session of its own: Ctrl-C is not for it."""
        popen.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *argv], start_new_session=True, **popen)

    def observe(self, *arguments):
        """Starts an ip(8) that looks at this host from outside: it survives the host's death."""
        observer = subprocess.Popen(
            ["ip", "-n", self.namespace, *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._observers.add(observer.pid)
        return observer

    def kill_everything(self):
        """SIGKILL to all programs of this host, as a power cut; returns when they are gone."""
        if not exists(self.namespace):
            return
        deadline = time.monotonic() + 30  # the bench of scale has hundreds of servers here
        while pids := self._pids():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"programs on {self.namespace} do not end: {pids}")
            time.sleep(0.01)

    def _pids(self):
        """The living programs; a zombie has no network namespace any more and is not listed."""
        found = ip("netns", "pids", self.namespace, check=False).split()
        return [int(pid) for pid in found if int(pid) not in self._observers]


def ip(*arguments, check=True):
    """Runs ip(8) and returns what it printed."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def exists(namespace):
    return os.path.exists("/run/netns/" + namespace)


def existing(hosts, wire=WIRE):
    """The namespaces of these hosts and their wire that are there already."""
    return [name for name in [wire, *(host.namespace for host in hosts)] if exists(name)]


def make(hosts, wire=WIRE):
    """One bridge, and for each host a cable (veth) from its eth0 to a port named after it."""
    ip("netns", "add", wire)
    ip("-n", wire, "link", "add", "bridge", "type", "bridge", "forward_delay", "0",
       "mcast_snooping", "0")
    ip("-n", wire, "link", "set", "bridge", "up")
    for host in hosts:
        ip("netns", "add", host.namespace)
        ip("link", "add", "name", host.port, "netns", wire, "type", "veth",
           "peer", "name", "eth0", "netns", host.namespace)
        cable(host, "master", "bridge", "up", wire=wire)
        ip("-n", host.namespace, "link", "set", "lo", "up")
        ip("-n", host.namespace, "link", "set", "eth0", "up")
        ip("-n", host.namespace, "address", "add", f"{host.address}/{PREFIX}", "dev", "eth0")


def cable(host, *words, wire=WIRE):
    """What becomes of a host's cable at the other end: "up", "down", "master", "bridge"."""
    ip("-n", wire, "link", "set", "dev", host.port, *words)


def remove(hosts, wire=WIRE):
    """Takes away whatever is there of programs and namespaces."""
    for host in hosts:
        host.kill_everything()
    for name in existing(hosts, wire):
        ip("netns", "delete", name)
