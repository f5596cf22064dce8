"""A pair on two hosts of their own and a client that writes, for measurements.

Servers boot in quarantine and agents are linked, as on hosts that were set up by the README. What
the client felt is filed under the phase in which it happened.
"""

import json
import os
import shutil
import subprocess
import time

import hosts as network
import redis
import resp
import watch

WIRE = "tandem-writes"
VIP = "10.77.1.100"
PASSWORD = "measured"
SLOW = 0.005  # seconds without an answer that are a pause
SOON = 30

TOML = """\
[agent]
node = "{node}"
state_dir = "{folder}/state"
control_socket = "{folder}/control.sock"
log = {{ level = "info", target = "stderr" }}
{agent}
[agent.peer_link]
listen = "{own}:7112"
secret_file = "{folder}/peer.secret"
[[pair]]
name = "redis"
interface = "eth0"
vrid = 51
priority = {priority}
advert_interval = "{interval}"
vips = ["{vip}/24"]
max_takeovers_per_hour = 1000
wait_for_peer = "3s"
{pair}
[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{own}:{port}"
password_file = "{folder}/redis.password"
{server}
[pair.peer]
server = "{peer}:{port}"
agent = "{peer}:7112"
"""


class Node:
    def __init__(self, label, address, priority):
        self.host = network.Host(label, address)
        self.priority = priority
        self.folder = None
        self.server = None
        self.agent = None

    def prepare(self, root, programs, peer, interval, lines):
        self.folder = os.path.join(root, self.host.label)
        os.makedirs(os.path.join(self.folder, "state"))
        self.programs = programs
        data = os.path.join(self.folder, "redis")
        os.mkdir(data)
        self.server = redis.Server(self.host, peer.host.address, data, PASSWORD, persistent=True)
        self.server.configure()
        self.write("redis.password", PASSWORD + "\n")
        self.write("peer.secret", "7" * 64 + "\n")
        self.write("tandem.toml", TOML.format(
            node=self.host.label, folder=self.folder, own=self.host.address,
            priority=self.priority, interval=interval, vip=VIP, port=redis.PORT,
            peer=peer.host.address, **lines))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=redis.private, encoding="utf-8") as file:
            file.write(text)

    def data(self, name):
        return os.path.join(self.folder, "redis", name)

    def agent_command(self):
        return [os.path.join(self.programs, "tandemd"), "--config",
                os.path.join(self.folder, "tandem.toml"), "--foreground"]

    def start_agent(self):
        with open(os.path.join(self.folder, "tandemd.log"), "ab") as log:
            self.agent = self.host.start(self.agent_command(), stdout=log, stderr=log)

    def end_agent(self, signal_number):
        self.agent.send_signal(signal_number)
        self.agent.wait()

    def tandem(self, *words):
        """What the command prints; RuntimeError with its words if it fails."""
        done = subprocess.run(
            [os.path.join(self.programs, "tandem"), "--socket",
             os.path.join(self.folder, "control.sock"), *words],
            capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"tandem {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def preserved(self):
        return subprocess.run(
            [os.path.join(self.programs, "tandem"), "diverged", "--state-dir",
             os.path.join(self.folder, "state"), "list"],
            capture_output=True, text=True, check=False).stdout

    def status(self):
        try:
            pairs = json.loads(self.tandem("status", "--json"))["pairs"]
            return next(pair for pair in pairs if pair["name"] == "redis")
        except RuntimeError:
            return {"state": "not reachable", "standby_in_sync": False}

    def call(self, *words):
        connection = resp.Connection(self.server.socket, PASSWORD, 5)
        try:
            return connection.call(*words)
        finally:
            connection.close()


class Whys:
    """What was refused to the client, phase by phase."""

    def __init__(self):
        self.texts = []

    def event(self, source, text, at=None, colour=None):
        if colour == "refused":
            self.texts.append(text)


class Pair:
    """`with Pair(...) as pair:` both agents run, A leads, B is in sync and the client writes.
    Further lines go into the tables of the configuration that they are named after."""

    def __init__(self, root, programs, interval="100ms", pair_lines="", agent_lines="",
                 server_lines=""):
        self.a = Node("writes-a", "10.77.1.1", 250)
        self.b = Node("writes-b", "10.77.1.2", 240)
        self.client_host = network.Host("writes-c", "10.77.1.9")
        self.hosts = [self.a.host, self.b.host, self.client_host]
        self.root = root
        self.whys = Whys()
        self._phase = 0
        for node, peer in ((self.a, self.b), (self.b, self.a)):
            node.prepare(root, programs, peer, interval,
                         {"pair": pair_lines, "agent": agent_lines, "server": server_lines})
        self.client = watch.Client(self.client_host, VIP, redis.PORT,
                                   os.path.join(self.a.folder, "redis.password"), self.whys, SLOW)

    def __enter__(self):
        network.remove(self.hosts, WIRE)
        network.make(self.hosts, WIRE)
        try:
            self.a.server.start(replica=False)
            self.b.server.start(replica=True)
            self.until("B is a replica", self.b.server.is_synced_replica)
            self.a.start_agent()
            self.b.start_agent()
            self.until_led_by(self.a)
            self.client.start()
            self.until_writes_go_on()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        network.remove(self.hosts, WIRE)
        shutil.rmtree(self.root, ignore_errors=True)

    def other(self, node):
        return self.b if node is self.a else self.a

    def phase(self):
        """A new phase: what the client feels from now on belongs to it."""
        self._phase += 1
        self.client.phase(self._phase)
        self.until_writes_go_on()
        return self._phase

    def until(self, what, true, seconds=SOON):
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                states = ", ".join(f"{node.host.label} is {status['state']}: {status.get('reason')}"
                                   for node in (self.a, self.b) for status in [node.status()])
                raise RuntimeError(f"not within {seconds} s: {what}; {states}")
            time.sleep(0.02)

    def until_led_by(self, node, in_sync=True):
        def led():
            status = node.status()
            return status["state"] == "leading" and (status["standby_in_sync"] or not in_sync)
        self.until(f"{node.host.label} leads", led)

    def until_writes_go_on(self):
        before = self.client.acknowledged()
        self.until("the client writes", lambda: not self.client.is_refused()
                   and self.client.acknowledged() > before + 50)

    def acknowledged_and_missing(self, node):
        counted = self.client.count(node.host.address)
        if counted is None:
            raise RuntimeError(f"{node.host.label} could not be read back")
        return (sum(one for one, _ in counted.values()),
                sum(missing for _, missing in counted.values()))
