"""./dev capture: the picture of a terminal in README.md, made from a real run.

Two hosts in network namespaces, a Redis pair with 100000 keys, two agents with a peer link and a
client that writes. An operator looks, the master is killed, he looks what happened and gives the role
back. Each command is run in a terminal of its own (script(1)), and what it prints is what the picture
shows; only the paths of the socket and of the state directory are left out of what he types.
"""

import argparse
import os
import secrets
import shlex
import subprocess
import sys
import time

import demo
import hosts as network
import redis
import resp
from agent import Agent
from terminal_svg import svg
from timeline import Timeline
from watch import Client

COLUMNS = 112
KEYS = 100000
FILL = "for i = 1, ARGV[1] do redis.call('SET', 'key:' .. i, i) end"


class Stage:
    def __init__(self, programs):
        self._programs = programs
        self._password = secrets.token_hex(12)
        self._timeline = Timeline()
        self.password_file = self._secret("redis.password", self._password)
        network.make(demo.HOSTS)
        self.sides = [self._side(demo.A, demo.B, 250, "server11"),
                      self._side(demo.B, demo.A, 240, "server12")]
        self.client = Client(demo.CLIENT, demo.VIP, redis.PORT, self.password_file, self._timeline)

    def _secret(self, name, text):
        path = os.path.join(demo.FOLDER, name)
        with open(path, "w", opener=redis.private, encoding="utf-8") as file:
            file.write(text + "\n")
        return path

    def _side(self, host, peer, priority, node):
        folder = os.path.join(demo.FOLDER, host.label.lower())
        os.mkdir(folder, 0o700)
        server = redis.Server(host, peer.address, folder, self._password, persistent=True)
        server.configure()
        agent = Agent(host, self._programs, folder)
        agent.configure(peer, demo.VIP, priority, self.password_file)
        self._rename(agent, host, node)
        return server, agent

    @staticmethod
    def _rename(agent, host, node):
        with open(agent.configuration, encoding="utf-8") as file:
            text = file.read()
        with open(agent.configuration, "w", encoding="utf-8") as file:
            file.write(text.replace(f'node = "host-{host.label.lower()}"', f'node = "{node}"'))

    def start(self):
        (first, first_agent), (second, second_agent) = self.sides
        first.start(replica=False)
        second.start(replica=True)
        wait_for(second.is_synced_replica, "the replica is linked")
        connection = resp.Connection(first.socket, self._password, timeout=10)
        connection.call("EVAL", FILL, "0", str(KEYS))
        connection.close()
        first_agent.start()
        wait_for(lambda: first_agent.state() == "leading", "server11 leads")
        second_agent.start()
        wait_for(first_agent.has_standby_in_sync, "server12 is in sync")

    def close(self):
        self._timeline.close()


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Screen:
    """Types commands on the hosts and remembers what a terminal has shown."""

    def __init__(self, programs):
        self._tandem = os.path.join(programs, "tandem")
        self.text = ""

    def remark(self, text):
        self.text += f"\x1b[90m# {text}\x1b[0m\n"

    def type(self, node, agent, command):
        words = shlex.split(command)[1:]
        real = [self._tandem, "--socket", agent.socket, *words]
        if words[0] == "events":
            real += ["--state-dir", os.path.join(agent.folder, "state")]
        done = subprocess.run(
            ["script", "-qec", f"stty cols {COLUMNS}; " + shlex.join(real), "/dev/null"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "TERM": "xterm-256color"})
        if done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}")
        self.text += f"\x1b[1;32m{node}#\x1b[0m \x1b[1m{command}\x1b[0m\n"
        self.text += done.stdout.replace("\r\n", "\n").strip("\n") + "\n\n"


def story(stage, programs):
    (first, first_agent), (_, agent) = stage.sides
    screen = Screen(programs)
    time.sleep(3)  # so that the first status is of a pair that stands
    screen.type("server11", first_agent, "tandem status")
    stage.client.start()
    time.sleep(1)
    screen.remark("a while later redis-server on server11 is killed (kill -9)")
    first.kill()
    wait_for(lambda: agent.state() == "leading", "server12 leads")
    first.start_in_quarantine()
    wait_for(agent.has_standby_in_sync, "server11 is in sync again")
    time.sleep(1)
    screen.type("server12", agent, "tandem events --kind transition -n 1")
    screen.type("server12", agent, "tandem switchover --dry-run")
    screen.type("server12", agent, "tandem switchover")
    stage.client.stop_writing()
    wait_for(lambda: first_agent.state() == "leading", "server11 leads again")
    time.sleep(2)
    screen.type("server12", agent, "tandem status")
    return screen.text


def main():
    parser = argparse.ArgumentParser(prog="./dev capture", description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    parser.add_argument("--output", default="etc/guides/terminal.svg", help="the picture")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("capture: network namespaces need root: sudo ./dev capture")
    demo.refuse_a_second_one()
    demo.claim_folder()
    programs = os.path.abspath(options.build)
    failed = True
    try:
        stage = Stage(programs)
        stage.start()
        screen = story(stage, programs)
        stage.close()
        failed = False
    finally:
        demo.strike(keep_logs=failed)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(svg(screen, "A failover and a planned move, in a terminal", COLUMNS))
    print(f"\n{screen}\n{options.output} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
