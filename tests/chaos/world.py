"""The world that is shaken: two hosts with a server and an agent each, three hosts with clients, and
everything that can be done to them. A host's state and data lie on a small disk of its own (tmpfs).

Who dies is started again by heal(): a server in quarantine, as Tandem's drop-in starts it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import hosts as network
import pair as lab
import redis
import resp
from side import Side

WIRE = "tandem-chaos"
ISLAND = "island"  # the bridge of who is cut off
WRITERS = 2        # on each client's host
FIRST_LEADER = "10.77.1.1"


class ClientHost:
    """The writers on one host."""

    def __init__(self, label, address, password_file):
        self.host = network.Host(label, address)
        self._password_file = password_file
        self._process = None

    def start(self, sentinels):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "writers.py")
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self._process = self.host.start(
            [sys.executable, script, self.host.label, str(WRITERS), lab.VIP, str(redis.PORT),
             self._password_file, *sentinels], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment)

    def ask(self, line):
        """One line to the writers, and their answer."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the writers on {self.host.label} have ended")
        return json.loads(answer)


class World:
    """`with World(...) as world:` A leads, B is in sync, and six writers write."""

    side = Side
    judged = True        # what is not as promised is a problem
    keeps_copies = True  # of what is replaced
    absent = ()          # names of faults that there is no place for
    by_address = True    # clients go to the virtual IP

    def __init__(self, root, programs, interval, lines=""):
        self.root = root
        self.a = self.side("chaos-a", FIRST_LEADER, 250)
        self.b = self.side("chaos-b", "10.77.1.2", 240)
        self.sides = [self.a, self.b]
        for side, peer in ((self.a, self.b), (self.b, self.a)):
            side.prepare(root, programs, peer, interval,
                         {"pair": lines, "agent": "", "server": ""})
            side.give_disks()
        password = os.path.join(self.a.folder, "redis.password")
        self.clients = [ClientHost(f"chaos-c{index}", f"10.77.1.{20 + index}", password)
                        for index in range(3)]
        self._hosts = [each.host for each in (*self.sides, *self.clients)]
        self._hogs = []

    def __enter__(self):
        network.remove(self._hosts, WIRE)
        network.make(self._hosts, WIRE)
        network.ip("-n", WIRE, "link", "add", ISLAND, "type", "bridge", "forward_delay", "0",
                   "mcast_snooping", "0")
        network.ip("-n", WIRE, "link", "set", ISLAND, "up")
        try:
            self.a.server.start(replica=False)
            self.b.server.start(replica=True)
            self.until("B is a replica", self.b.server.is_synced_replica)
            self.start_keepers()
            self.until("the pair is whole", self.is_whole)
            for client in self.clients:
                client.start(self.sentinels())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.free_processors()
        network.remove(self._hosts, WIRE)
        for side in self.sides:
            side.take_disks()
        shutil.rmtree(self.root, ignore_errors=True)

    def start_keepers(self):
        for side in self.sides:
            side.start_agent()

    def sentinels(self):
        """Where clients ask for the master; nowhere: they go to the virtual IP."""
        return []

    # ---- what is ---------------------------------------------------------------------------

    def leader(self):
        """The side that says it leads, the one with the higher epoch if both do; or None."""
        leading = [(status.get("epoch", 0), index) for index, side in enumerate(self.sides)
                   for status in [side.status()] if status["state"] == "leading"]
        return self.sides[max(leading)[1]] if leading else None

    def other(self, side):
        return self.b if side is self.a else self.a

    def is_whole(self):
        states = [side.status() for side in self.sides]
        leading = [status for status in states if status["state"] == "leading"]
        standby = [status for status in states if status["state"] == "standby"]
        whole = len(leading) == 1 and len(standby) == 1 and leading[0]["standby_in_sync"]
        return whole and self.leads_clients(self.sides[states.index(leading[0])])

    def leads_clients(self, leader):
        """The address is where the leader is, and nowhere else."""
        return leader.has_vip() and not self.other(leader).has_vip()

    def until(self, what, true, seconds=30):
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {seconds:.0f} s: {what}; {self.describe()}")
            time.sleep(0.05)

    def describe(self):
        return "; ".join(
            f"{side.host.label} is {status['state']} ({status.get('reason', '-')}), its server "
            f"{status.get('server', {}).get('health', '?')}, alarms: {status.get('alarms', [])}"
            for side in self.sides for status in [side.status()])

    # ---- what is done ----------------------------------------------------------------------

    def move(self, host, bridge):
        network.cable(host, "master", bridge, wire=WIRE)

    def hog_processors(self):
        code = "while True: pass"
        self._hogs += [subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
                       for _ in range(2 * (os.cpu_count() or 1))]

    def free_processors(self):
        for hog in self._hogs:
            hog.kill()
            hog.wait()
        self._hogs = []

    def boot(self, side, after=0.0):
        if after:
            time.sleep(after)
        side.await_server_stop()
        if not side.server_lives():
            side.note_server_crash()
            self.start_server(side)
        side.await_stop()
        if not side.agent_lives():
            side.note_crash()
            side.start_agent()

    def start_server(self, side):
        side.server.start_in_quarantine()

    def heal(self):
        """All that is broken is repaired, and all that is dead is started."""
        self.free_processors()
        for host in self._hosts:
            network.cable(host, "up", wire=WIRE)
            self.move(host, "bridge")
        # On both hosts before anybody is waited for: what is apart, is apart until here.
        for side in self.sides:
            side.set_clock(0)
            side.clear_filters()
            for folder in ("redis", "state"):
                filler = os.path.join(side.folder, folder, "filler")
                if os.path.exists(filler):
                    os.remove(filler)
            side.signal_server(signal.SIGCONT)
            side.signal_agent(signal.SIGCONT)
        for side in self.sides:
            self.boot(side)


class Holders:
    """On which hosts the VIP is, and for how long it was on both."""

    def __init__(self):
        self._lock = threading.Lock()
        self._both = 0.0
        self._on = {}
        self._since = None

    def event(self, source, text, at=None, colour=None):
        with self._lock:
            self._on[text.split()[-1]] = " is on " in text
            if sum(self._on.values()) == 2:
                self._since = self._since or at
            elif self._since is not None:
                self._both += at - self._since
                self._since = None

    def on(self, side):
        return self._on.get(side.host.label, False)

    @property
    def both(self):
        with self._lock:
            going_on = time.monotonic() - self._since if self._since is not None else 0
            return self._both + going_on


class Reign:
    """For how long both servers took writes of clients that reached them, both at once.

    A server counts while it answers a write, DEL of a key that there is not, which changes nothing
    and which a replica, a fence (min-replicas-to-write) and a disk that is full refuse and a pause
    holds back; and while the virtual IP is on its host, where clients go to it. What is not seen: a
    host that has the address and no client on its side of a partition counts as one with clients.
    """

    PERIOD = 0.02
    PATIENCE = 0.2
    NOTHING = "no such key of the nemesis"

    def __init__(self, world, holders):
        self._world = world
        self._holders = holders
        self._stopping = threading.Event()
        self._takes_writes = {}
        self.both = 0.0
        self._threads = [threading.Thread(target=self._sample, args=(side,), daemon=True)
                         for side in world.sides]
        self._threads.append(threading.Thread(target=self._add_up, daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _sample(self, side):
        connection = None
        while not self._stopping.wait(self.PERIOD):
            try:
                if connection is None:
                    connection = resp.Connection(side.server.socket, lab.PASSWORD, self.PATIENCE)
                connection.call("DEL", self.NOTHING)
                self._takes_writes[side] = True
            except resp.ReplyError:
                self._takes_writes[side] = False
            except OSError:
                self._takes_writes[side] = False
                if connection is not None:
                    connection.close()
                connection = None

    def _reigns(self, side):
        reached = not self._world.by_address or self._holders.on(side)
        return reached and self._takes_writes.get(side, False)

    def _add_up(self):
        last = time.monotonic()
        while not self._stopping.wait(self.PERIOD):
            now = time.monotonic()
            if all(self._reigns(side) for side in self._world.sides):
                self.both += now - last
            last = now
