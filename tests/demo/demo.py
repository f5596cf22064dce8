"""./dev demo: two hosts and a client in network namespaces, a Redis pair, an agent on each host.

Builds the stage, lets the story happen on it, and clears everything away, also after Ctrl-C or an
error; --keep leaves the stage standing. It touches the machine nowhere else.
"""

import argparse
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time

import hosts as network
import redis
from agent import Agent
from story import Side, Story, Unmet
from timeline import Timeline
from watch import Addresses, Client, Log

FOLDER = "/tmp/tandem-demo"
FAILED = FOLDER + ".failed"
VIP = "192.168.1.120"
A = network.Host("A", "192.168.1.112")
B = network.Host("B", "192.168.1.113")
CLIENT = network.Host("client", "192.168.1.10")
HOSTS = [A, B, CLIENT]
INTRODUCTION = f"""
Host A ({A.address}) and host B ({B.address}) each run redis-server and
tandemd; a client writes through the virtual IP {VIP} all the time, one
write every 2 ms. Times are milliseconds since the fault."""


class Stage:
    """All that runs during the demo; `strike` takes it away."""

    def __init__(self, programs):
        self._programs = programs
        self._watchers = []
        self.timeline = Timeline()
        self.password_file = os.path.join(FOLDER, "redis.password")

    def build(self):
        network.make(HOSTS)
        password = secrets.token_hex(12)
        with open(self.password_file, "w", opener=redis.private, encoding="utf-8") as file:
            file.write(password + "\n")
        # As in the field: the master without persistence, the replica with it.
        a = self._side(A, B, 250, password, persistent=False)
        b = self._side(B, A, 240, password, persistent=True)
        addresses = Addresses([A, B], VIP, self.timeline)
        self._watchers.append(addresses)
        self._watchers += [Log(side.agent, self.timeline) for side in (a, b)]
        client = Client(CLIENT, VIP, redis.PORT, self.password_file, self.timeline)
        return Story(a, b, client, addresses, self.timeline), a, b

    def close(self):
        for watcher in self._watchers:
            watcher.stop()
        self.timeline.close()

    def _side(self, host, peer, priority, password, persistent):
        folder = os.path.join(FOLDER, host.label.lower())
        os.mkdir(folder, 0o700)
        server = redis.Server(host, peer.address, folder, password, persistent)
        server.configure()
        agent = Agent(host, self._programs, folder)
        agent.configure(peer, VIP, priority, self.password_file)
        return Side(host, server, agent)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("demo: network namespaces need root: sudo ./dev demo")
    if options.clean:
        return clean()
    refuse_a_second_one()
    for program in ("tandemd", "tandem"):
        if not os.access(os.path.join(options.build, program), os.X_OK):
            sys.exit(f"demo: {options.build}/{program} is missing: ./dev build")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    return run(os.path.abspath(options.build), options.keep)


def arguments():
    parser = argparse.ArgumentParser(prog="./dev demo", description="Tandem, live, in a minute.")
    parser.add_argument("--keep", action="store_true", help="leave the two hosts up to play with")
    parser.add_argument("--clean", action="store_true", help="remove a demo that was kept")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


def run(programs, keep):
    claim_folder()
    stage = Stage(programs)
    status = 1
    try:
        story, a, b = stage.build()
        stage.timeline.text(INTRODUCTION)
        if missing := story.tell():
            raise Unmet(f"expected: no acknowledged write is missing\nfound: {missing} are missing")
        status = 0
    except KeyboardInterrupt:
        stage.timeline.text("\nstopped; clearing away")
        status = 130
    except (Unmet, OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        stage.timeline.text(f"\n{error}\nlogs: tandemd.log and redis.log in {FAILED}/a and b")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stage.close()
        if not (keep and status == 0):
            strike(keep_logs=status == 1)
    if keep and status == 0:
        print_play_commands(a, b)
    return status


def claim_folder():
    """Whoever makes the folder is the one demo; nothing is cleared away before that."""
    try:
        os.mkdir(FOLDER, 0o700)
    except FileExistsError:
        sys.exit(f"demo: another demo has just begun: {FOLDER}")
    with open(os.path.join(FOLDER, "demo.pid"), "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))


def strike(keep_logs):
    network.remove(HOSTS)
    if keep_logs:
        shutil.rmtree(FAILED, ignore_errors=True)
        os.rename(FOLDER, FAILED)
    else:
        shutil.rmtree(FOLDER, ignore_errors=True)


def refuse_a_second_one():
    if os.path.exists(FOLDER) or network.existing(HOSTS):
        pid = owner()
        what = f"is running (process {pid})" if pid else "was kept or left behind"
        sys.exit(f"demo: another demo {what}: {FOLDER}\n      ./dev demo --clean removes it")


def owner():
    """The process of a demo that is running now."""
    try:
        with open(os.path.join(FOLDER, "demo.pid"), encoding="utf-8") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return pid if b"demo.py" in file.read() else None
    except (OSError, ValueError):
        return None


def clean():
    if pid := owner():
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while owner() == pid and time.monotonic() < deadline:
            time.sleep(0.05)
    network.remove(HOSTS)
    for folder in (FOLDER, FAILED):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def print_play_commands(a, b):
    """Everything needed to go on by hand; one line per command."""
    def on(host, words):
        return shlex.join(["ip", "netns", "exec", host.namespace, *words])

    print("\nThe two hosts are up; nobody writes any more. To play on, as root:\n")
    for side in (a, b):
        name = side.host.label
        print(f"# {name}: status, log, kill the server, start it in quarantine, cut and plug")
        print(shlex.join(side.agent.status_command()))
        print(f"tail -f {side.agent.log}")
        print(f"kill -9 $(cat {side.server.folder}/redis.pid)")
        print(on(side.host, side.server.quarantine_command()) + " --daemonize yes")
        print(f"ip -n {network.WIRE} link set dev {side.host.port} down  # and: up")
        print()
    print("# the client, through the virtual IP")
    print(f"export REDISCLI_AUTH=$(cat {FOLDER}/redis.password)")
    print(on(CLIENT, ["redis-cli", "-h", VIP, "INFO", "replication"]))
    print("\n# remove it all\n./dev demo --clean")


if __name__ == "__main__":
    sys.exit(main())
