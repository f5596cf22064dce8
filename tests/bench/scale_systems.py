"""Who is measured by scale.py: keepalived, Tandem's VRRP alone, and the whole agent.

Each is told a host and how many virtual routers; each knows how it is started there and which
processes are its own. Router number i has VRID i % 250 + 1 on interface i // 250.
"""

import json
import os
import signal
import subprocess
import time

import redis

PER_INTERFACE = 250
NETWORK = "10.81"
PASSWORD = "measured"
SOON = 60
NICE = -15  # of all that is measured, so that what else a machine does changes little

KEEPALIVED = """\
vrrp_instance V{number} {{
 state BACKUP
 interface {interface}
 virtual_router_id {vrid}
 priority {priority}
 advert_int {interval:g}
 virtual_ipaddress {{
  {vip}/24 dev {interface}
 }}
}}
"""
AGENT = """\
[agent]
node = "{node}"
state_dir = "{folder}"
control_socket = "{folder}/control.sock"
log = {{ level = "warn", target = "stderr" }}
[agent.peer_link]
listen = "{own}:7112"
secret_file = "{folder}/peer.secret"
"""
PAIR = """
[[pair]]
name = "pair{number}"
interface = "{interface}"
vrid = {vrid}
priority = {priority}
advert_interval = "{interval}ms"
vips = ["{vip}/24"]
max_takeovers_per_hour = 1000
wait_for_peer = "3s"
[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{own}:{port}"
password_file = "{folder}/redis.password"
ping_interval = "1s"
[pair.peer]
server = "{peer}:{port}"
agent = "{peer}:7112"
"""


def interfaces(count):
    return [f"eth{place}" for place in range((count + PER_INTERFACE - 1) // PER_INTERFACE)]


def places(count):
    """For each router what a configuration needs of it."""
    return [{"number": number, "interface": f"eth{number // PER_INTERFACE}",
             "vrid": number % PER_INTERFACE + 1,
             "vip": f"{NETWORK}.{number // PER_INTERFACE}.{number % PER_INTERFACE + 1}"}
            for number in range(count)]


def vips(count):
    return {place["vip"] for place in places(count)}


class System:
    name = "?"
    most = 4 * PER_INTERFACE

    def __init__(self, host, peer, priority, count, interval, folder, programs):
        self.host, self.peer, self.priority = host, peer, priority
        self.count, self.interval = count, interval
        self.folder = os.path.join(folder, host.label)
        self.programs = programs
        self.process = None
        os.makedirs(self.folder, exist_ok=True)

    def prepare(self):
        """What has to be there before the first start."""

    def command(self):
        raise NotImplementedError

    def pids(self):
        return [self.process.pid]

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = self.host.start(["nice", "-n", str(NICE), *self.command()],
                                           stdout=log, stderr=log)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", opener=redis.private, encoding="utf-8") as file:
            file.write(text)

    def reload(self):
        """Milliseconds of a reload that changes one pair; None: it has none."""
        return None


class Keepalived(System):
    name = "keepalived"

    def prepare(self):
        self.write("keepalived.conf", "global_defs {\n router_id bench\n vrrp_version 3\n}\n"
                   + "".join(KEEPALIVED.format(priority=self.priority,
                                               interval=self.interval / 1000, **place)
                             for place in places(self.count)))

    def command(self):
        return ["keepalived", "-P", "-n", "-l", "-f", self.path("keepalived.conf"),
                "-p", self.path("parent.pid"), "-r", self.path("vrrp.pid")]

    def pids(self):
        found = []
        for name in ("parent.pid", "vrrp.pid"):
            with open(self.path(name), encoding="utf-8") as file:
                found.append(int(file.read()))
        return found


class Routers(System):
    """The equal work: addresses that stay, as keepalived's do (a lease of ten days)."""

    name = "tandem vrrp"
    lease = 10 * 24 * 3600

    def command(self):
        return [os.path.join(self.programs, "tests", "bench_routers"), str(self.count),
                str(self.interval), str(self.priority), str(self.lease), f"{NETWORK}.0.0",
                *interfaces(self.count)]


class LeasingRouters(Routers):
    """With what keepalived has not: a dead router's addresses go by themselves (vip_lease)."""

    name = "and leases"
    lease = 2


class Agent(System):
    name = "tandem"
    most = PER_INTERFACE

    def prepare(self):
        self.write("redis.password", PASSWORD + "\n")
        self.write("peer.secret", "7" * 64 + "\n")
        self._configure(self.priority)
        os.mkdir(self.path("redis"))
        servers = [self._server(place["number"]) for place in places(self.count)]
        for server in servers if self.priority < 200 else ():
            until("a replica is in sync", server.is_synced_replica)

    def _server(self, number):
        """A small one of its own for each pair, which does its idle work once a second."""
        data = os.path.join(self.path("redis"), str(number))
        os.mkdir(data)
        server = redis.Server(self.host, self.peer.address, data, PASSWORD, persistent=False,
                              port=redis.PORT + number)
        server.configure()
        with open(server.configuration, "a", encoding="utf-8") as file:
            file.write("hz 1\n")
        server.start(replica=self.priority < 200)
        os.setpriority(os.PRIO_PROCESS, server.process.pid, NICE)
        return server

    def _configure(self, first):
        text = AGENT.format(node=self.host.label, folder=self.folder, own=self.host.address)
        for place in places(self.count):
            text += PAIR.format(priority=self.priority if place["number"] else first,
                                interval=self.interval, own=self.host.address,
                                peer=self.peer.address, port=redis.PORT + place["number"],
                                folder=self.folder, **place)
        self.write("tandem.toml", text)

    def command(self):
        return [os.path.join(self.programs, "tandemd"), "--config", self.path("tandem.toml"),
                "--foreground"]

    def tandem(self, *words):
        done = subprocess.run([os.path.join(self.programs, "tandem"), "--socket",
                               self.path("control.sock"), *words],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"tandem {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def in_sync(self):
        """How many pairs lead here with a standby in sync."""
        status = json.loads(self.tandem("status", "--json"))
        return sum(pair["state"] == "leading" and pair["standby_in_sync"]
                   for pair in status["pairs"])

    def reload(self):
        self._configure(self.priority + 1)
        begin = time.monotonic()
        self.tandem("reload")
        return (time.monotonic() - begin) * 1000


SYSTEMS = {system.name: system for system in (Keepalived, Routers, LeasingRouters, Agent)}


def until(what, true, seconds=SOON):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
