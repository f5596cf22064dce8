"""Tandem as systems of the failover harness, which measures what a client at the VIP feels beside
keepalived and Sentinel. Run it by `./dev bench failover`.

The programs are those of $TANDEM_BUILD. Servers boot in quarantine, as Tandem's
users run them; scripts are not involved.
"""
import json
import os
import signal
import subprocess
import time

from fo.env import IPS, PORT, VIP
from fo.scenarios import optional
from fo.systems import REGISTRY, System, register

BUILD = os.environ["TANDEM_BUILD"]
PEER_PORT = 7112
QUARANTINE = "replicaof 127.0.0.1 1\n"

CONF = """[agent]
node = "{node}"
state_dir = "{dir}/state"
control_socket = "{dir}/control.sock"
log = {{ level = "info", target = "stderr" }}
[agent.peer_link]
listen = "{ip}:{peer_port}"
secret_file = "{dir}/peer.secret"
[[pair]]
name = "redis"
interface = "eth0"
vrid = 51
priority = {priority}
vips = ["{vip}/24"]
{pair}
[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{ip}:{port}"
{server}
[pair.peer]
server = "{peer}:{port}"
agent = "{peer}:{peer_port}"
"""


class Tandem(System):
    pair = ""
    server = ""
    repeat = 10
    scenarios = None

    def setup(self):
        for host, peer, persist in ((self.a, self.b, False), (self.b, self.a, True)):
            host.redis_conf(persist=persist, extra=self.redis_extra + QUARANTINE)
            os.makedirs(host.path("state"), exist_ok=True)
            host.write("peer.secret", "7" * 64 + "\n", 0o600)
            host.write("tandem.toml", CONF.format(
                node=host.name, dir=host.path(), ip=host.ip, peer=peer.ip, vip=VIP, port=PORT,
                peer_port=PEER_PORT, priority=250 if host is self.a else 240, pair=self.pair,
                server=self.server), 0o600)

    def start_pair(self):
        """A is the master of the preloaded data because somebody said so once."""
        dataset = self.a.path("redis", "dump.rdb")
        if self.preload_rdb:
            with open(self.preload_rdb, "rb") as source, open(dataset, "wb") as copy:
                copy.write(source.read())
        self.a.start_redis()
        self.env.wait("redis A is a master", self._promote_a, 20)
        if self.preload_rdb:
            os.unlink(dataset)
        self.b.start_redis()
        self.env.wait("redis B follows", self._follow_a, 20)
        self.env.wait("redis B in sync", lambda: self.b.role() == ("slave", "up"), 30)

    def _promote_a(self):
        return self._replicaof(self.a, "NO", "ONE") and self.a.role()[0] == "master"

    def _follow_a(self):
        return self._replicaof(self.b, self.a.ip, str(PORT))

    @staticmethod
    def _replicaof(host, *master):
        try:
            host.redis().cmd("REPLICAOF", *master)
        except OSError:
            return False
        return True

    def start_agent(self, h):
        host = self.env.hosts[h]
        host.spawn("agent", [BUILD + "/tandemd", "--foreground", "--config",
                             host.path("tandem.toml")])

    def agent_pids(self, h):
        pid = self.env.hosts[h].pid("agent")
        return [pid] if pid else []

    def _tandem(self, h, *words):
        host = self.env.hosts[h]
        return subprocess.run([BUILD + "/tandem", "--socket", host.path("control.sock"), *words],
                              capture_output=True, text=True, check=False)

    def wait_ready(self):
        super().wait_ready()
        self.env.wait("the leader's agent sees its standby in sync", self._protected, 30)
        self.notes["ready"] = time.time()

    def _protected(self):
        status = self._tandem("a", "status", "--json")
        return status.returncode == 0 and json.loads(status.stdout)["pairs"][0]["standby_in_sync"]

    def planned_switchover(self):
        moved = self._tandem("a", "switchover")
        self.notes["switchover"] = (moved.stdout + moved.stderr).strip()

    def stop(self):
        """The paths of the last transitions: where the milliseconds went. And what was kept."""
        kept = []
        for h in "ab":
            events = subprocess.run(
                [BUILD + "/tandem", "events", "--state-dir", self.env.hosts[h].path("state"),
                 "--kind", "transition", "--json"], capture_output=True, text=True, check=False)
            self.notes["path_" + h] = [json.loads(line) for line in events.stdout.splitlines()]
            copies = subprocess.run(
                [BUILD + "/tandem", "diverged", "--state-dir", self.env.hosts[h].path("state"),
                 "list"], capture_output=True, text=True, check=False).stdout.splitlines()
            kept += [f"{h.upper()}: {copy.strip()}" for copy in copies if "commands" in copy]
        if kept:
            self.notes["kept"] = "; ".join(kept)


@register
class TandemDefault(Tandem):
    name = "tandem"
    description = "Tandem at its defaults: adverts each 100 ms"
    repeat = 3
    repeat_of = {"kill9_redis": 10}


@register
class TandemFast(Tandem):
    name = "tandem-fast"
    description = "Tandem with adverts each 10 ms, ping each 20 ms, fall 5"
    pair = 'advert_interval = "10ms"'
    server = 'ping_interval = "20ms"\nfall = 5'


@register
class TandemSafe(Tandem):
    name = "tandem-safe"
    description = 'Tandem with mode = "safe": no acknowledged write is lost in a partition'
    pair = 'advert_interval = "10ms"\nmode = "safe"'
    server = 'ping_interval = "20ms"\nfall = 5'
    repeat = 3
    scenarios = ["partition", "host_death", "kill9_redis", "planned_switchover"]


@optional
def agent_restart(c):
    """SIGKILL the HA daemon on the master host; its supervisor starts it again 100 ms later."""
    pids = c.sys.agent_pids("a")
    c.mark("fault")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    c.env.reap()
    c.sys.start_agent("a")
    c.observe()
    c.watch(c.sys.after(c.name))
    return {"a": "any", "b": "any"}


@optional
def busy_switchover(c):
    """The planned move while a further client writes as fast as pipelines go."""
    load = c.env.hosts["c"].spawn("load", [
        "redis-benchmark", "-h", c.sys.vip, "-p", str(PORT), "-t", "set", "-P", "50", "-c", "4",
        "-r", "100000", "-n", "100000000", "-q"])
    time.sleep(2)
    rate = c.a.redis().info("stats")["instantaneous_ops_per_sec"]
    c.sys.notes["writes_per_second"] = int(rate)
    c.mark("fault")
    c.sys.planned_switchover()
    c.observe()
    load.kill()
    c.watch(c.sys.after(c.name))
    return {"a": "any", "b": "master"}


if "PEER_RUNS" in os.environ:
    for peer in REGISTRY.values():
        if not issubclass(peer, Tandem):
            peer.repeat, peer.repeat_of = int(os.environ["PEER_RUNS"]), {}

assert IPS  # the harness's addresses are those of the configuration above
