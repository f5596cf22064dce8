"""A tandemd on one of the hosts: its configuration, its start, and its status as it tells it."""

import json
import os
import subprocess

import redis

TEMPLATE = """\
[agent]
node = "{node}"
state_dir = "{folder}/state"
control_socket = "{folder}/control.sock"
log = {{ level = "info", target = "stderr" }}

[agent.peer_link]
listen = "{own}:7112"
secret_file = "{folder}/peer.secret"

[[pair]]
name = "redis"
interface = "eth0"
vrid = 51
priority = {priority}
advert_interval = "100ms"
vips = ["{vip}/24"]

[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{own}:{port}"
password_file = "{password_file}"

[pair.peer]
server = "{peer}:{port}"
agent = "{peer}:7112"
"""
# Of agents that live for the length of a demo in namespaces of their own.
SECRET = "0123456789abcdef" * 4


class Agent:
    def __init__(self, host, programs, folder):
        self.host = host
        self.folder = folder
        self.log = os.path.join(folder, "tandemd.log")
        self.configuration = os.path.join(folder, "tandem.toml")
        self.socket = os.path.join(folder, "control.sock")
        self.process = None
        self._programs = programs

    def configure(self, peer, vip, priority, password_file):
        os.makedirs(os.path.join(self.folder, "state"), mode=0o700, exist_ok=True)
        secret = os.path.join(self.folder, "peer.secret")
        with open(secret, "w", opener=redis.private, encoding="utf-8") as file:
            file.write(SECRET + "\n")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(TEMPLATE.format(
                node="host-" + self.host.label.lower(), folder=self.folder, priority=priority,
                vip=vip, own=self.host.address, peer=peer.address, port=redis.PORT,
                password_file=password_file))

    def start(self):
        """The log goes to a file, so that the agent can stay when the demo ends."""
        with open(self.log, "ab") as log:
            self.process = self.host.start(self.command(), stdout=log, stderr=log)

    def command(self):
        return [os.path.join(self._programs, "tandemd"), "--config", self.configuration,
                "--foreground"]

    def status_command(self, *options):
        return [os.path.join(self._programs, "tandem"), "--socket", self.socket, "status", *options]

    def pair(self):
        """The pair as `tandem status --json` tells it; None while the agent does not answer."""
        done = subprocess.run(self.status_command("--json"), capture_output=True, text=True,
                              timeout=10, check=False)
        if done.returncode != 0:
            return None
        return json.loads(done.stdout)["pairs"][0]

    def state(self):
        pair = self.pair()
        return pair["state"] if pair else "not reachable"

    def has_standby_in_sync(self):
        pair = self.pair()
        return pair is not None and pair["standby_in_sync"]

    def describe(self):
        if self.process and self.process.poll() is not None:
            return f"the agent of {self.host.label} has ended with {self.process.returncode}"
        pair = self.pair()
        if pair is None:
            return f"the agent of {self.host.label} does not answer"
        return f"the agent of {self.host.label} is {pair['state']} ({pair['reason']})"

    def status_text(self):
        """What an operator sees."""
        done = subprocess.run(self.status_command(), capture_output=True, text=True, timeout=10,
                              check=False)
        return (done.stdout + done.stderr).rstrip()
