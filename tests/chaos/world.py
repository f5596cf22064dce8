"""The world that is shaken: two hosts with a server and an agent each, three hosts with clients, and
everything that can be done to them. A host's state and data lie on a small disk of its own (tmpfs).

Who dies is started again by heal(): a server in quarantine, as Tandem's drop-in starts it.
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

import hosts as network
import pair as lab
import redis
import resp

WIRE = "tandem-chaos"
ISLAND = "island"  # the bridge of who is cut off
DISK = "256m"
WRITERS = 2        # on each client's host
LONGEST_STOP = 45  # seconds, as in the agent's unit
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


class Side(lab.Node):
    """One host of the pair, with what can be done to it."""

    def __init__(self, label, address, priority):
        super().__init__(label, address, priority)
        self.disks = []
        self.crashes = []
        self.stopping = self.server_stopping = self.asked_to_end = False

    def prepare(self, root, programs, peer, interval, lines):
        super().prepare(root, programs, peer, interval, lines)
        self.server.launcher = self.with_clock([])
        self.set_clock(0)

    def set_clock(self, seconds):
        """The wall clock of this host's server and agent is that far off."""
        clock = os.open(os.path.join(self.folder, "clock"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(clock, struct.pack("q", seconds), 0)
        os.close(clock)

    def with_clock(self, argv):
        library = os.path.join(self.programs, "tests", "libtests_clock.so")
        return ["env", f"LD_PRELOAD={library}",
                f"TANDEM_CLOCK={os.path.join(self.folder, 'clock')}", *argv]

    def agent_command(self):
        return self.with_clock(super().agent_command())

    def give_disks(self):
        """Data and state get a small disk each, which can be filled."""
        for name in ("redis", "state"):
            path = os.path.join(self.folder, name)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "chaos", path],
                           check=True)
            self.disks.append(path)
        self.server.configure()

    def take_disks(self):
        for path in self.disks:
            subprocess.run(["umount", "-l", path], check=False)
        self.disks = []

    def nft(self, *rules):
        """Filters of this host alone, in a table that heal() removes."""
        text = "add table inet chaos\n"
        text += "add chain inet chaos in { type filter hook input priority 0; }\n"
        text += "add chain inet chaos out { type filter hook output priority 0; }\n"
        text += "".join(f"add rule inet chaos {rule}\n" for rule in rules)
        subprocess.run(["ip", "netns", "exec", self.host.namespace, "nft", "-f", "-"], input=text,
                       text=True, check=True)

    def clear_filters(self):
        subprocess.run(["ip", "netns", "exec", self.host.namespace, "nft", "delete", "table",
                        "inet", "chaos"], capture_output=True, check=False)

    def signal_server(self, number):
        self._signal(self.server.process, number)

    def signal_agent(self, number):
        self._signal(self.agent, number)

    @staticmethod
    def _signal(process, number):  # what `ip netns exec` has become
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def server_lives(self):
        return self.server.process is not None and self.server.process.poll() is None

    def agent_lives(self):
        return self.agent is not None and self.agent.poll() is None

    def stop_server(self):
        """As `systemctl stop redis-server`: it waits for its replica and saves, in its own time."""
        self.server_stopping = True
        self.signal_server(signal.SIGTERM)

    def await_server_stop(self):
        if self.server_stopping and self.server_lives():
            try:
                self.server.process.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self.server.kill()
        self.server_stopping = False

    def stop_agent(self):
        """As `systemctl stop`, which is not waited for here."""
        self.stopping = self.asked_to_end = True
        self.signal_agent(signal.SIGTERM)

    def await_stop(self):
        """As `systemctl start` waits for a stop, and ends it by force (TimeoutStopSec)."""
        if self.stopping and self.agent_lives():
            try:
                self.agent.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self.crashes.append(f"the agent of {self.host.label} does not stop")
                self.kill_agent()
        self.stopping = False

    def kill_agent(self):
        self.asked_to_end = True
        if self.agent_lives():
            self.end_agent(signal.SIGKILL)

    def note_crash(self):
        """It ended although nobody ended it; SIGKILL is what a dead host does."""
        code = self.agent.returncode if self.agent else None
        ended = (0, -signal.SIGKILL, -signal.SIGTERM) if self.asked_to_end else (-signal.SIGKILL,)
        if code is not None and code not in ended:
            self.crashes.append(f"the agent of {self.host.label} ended with {code}")
        self.asked_to_end = False

    def note_server_crash(self):
        code = self.server.process.returncode if self.server.process else None
        if code not in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
            self.crashes.append(f"the server of {self.host.label} ended with {code}")

    def has_vip(self):
        return f" {lab.VIP}/" in network.ip("-n", self.host.namespace, "-o", "-4", "address",
                                            "show", "dev", "eth0", check=False)

    def reload_changed(self):
        """A reload of a configuration that is another one."""
        path = os.path.join(self.folder, "tandem.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        one, other = "ping_interval = \"100ms\"\n", "ping_interval = \"90ms\"\n"
        if one not in text and other not in text:
            text = text.replace("[pair.server]\n", "[pair.server]\n" + one)
        elif one in text:
            text = text.replace(one, other)
        else:
            text = text.replace(other, one)
        self.write("tandem.toml", text)
        self.signal_agent(signal.SIGHUP)

    def restart_agent(self):
        """As after an upgrade."""
        self._asked_for("restart")

    def switchover(self):
        """As planned by an operator."""
        self._asked_for("switchover")

    def _asked_for(self, word):
        """To be refused is an answer, too."""
        try:
            self.tandem(word)
        except (RuntimeError, OSError):
            pass

    def burden(self):
        """File descriptors, resident memory in MiB and children of the living agent."""
        base = f"/proc/{self.agent.pid}"
        try:
            with open(base + "/statm", encoding="ascii") as file:
                resident = int(file.read().split()[1]) * 4096 / 2**20
            with open(f"{base}/task/{self.agent.pid}/children", encoding="ascii") as file:
                children = len(file.read().split())
            return {"fds": len(os.listdir(base + "/fd")), "rss": resident, "children": children}
        except OSError:
            return None


class World:
    """`with World(...) as world:` A leads, B is in sync, and six writers write."""

    side = Side
    judged = True        # what is not as promised is a problem
    keeps_copies = True  # of what is replaced
    absent = ()          # names of faults that there is no place for

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
        side.server.start(replica=True)

    def heal(self):
        """All that is broken is repaired, and all that is dead is started."""
        self.free_processors()
        for host in self._hosts:
            network.cable(host, "up", wire=WIRE)
            self.move(host, "bridge")
        for side in self.sides:
            side.set_clock(0)
            side.clear_filters()
            for folder in ("redis", "state"):
                filler = os.path.join(side.folder, folder, "filler")
                if os.path.exists(filler):
                    os.remove(filler)
            side.signal_server(signal.SIGCONT)
            side.signal_agent(signal.SIGCONT)
            self.boot(side)


class Reign:
    """Samples both servers: for how long they were masters that take writes, both at once."""

    PERIOD = 0.02

    def __init__(self, world):
        self._world = world
        self._stopping = threading.Event()
        self._masters = {}
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
                    connection = resp.Connection(side.server.socket, lab.PASSWORD, 0.2)
                self._masters[side] = connection.call("ROLE")[0] == "master"
            except (OSError, resp.ReplyError):
                connection = None
                self._masters[side] = False

    def _add_up(self):
        last = time.monotonic()
        while not self._stopping.wait(self.PERIOD):
            now = time.monotonic()
            if len(self._masters) == 2 and all(self._masters.values()):
                self.both += now - last
            last = now
