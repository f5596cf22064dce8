"""./dev bench writes: which acknowledged writes survive what, and how long a client waits meanwhile.

For each case a pair of its own with real servers, and a client that writes through the virtual IP
every 2 ms, reconnects at each error and remembers what was acknowledged. In the end all of it is
read back from the leader. What is counted as missing is missing there; what a server had alone is
preserved on its host, and the table says where.
"""

import argparse
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import hosts as network  # noqa: E402
import pair as lab  # noqa: E402
from alone import run_alone  # noqa: E402

PARTITION = 10  # seconds
ALONE = 100     # writes that only one server got


# ---- moves of the role, and deaths: many in one pair ------------------------------------------


def switchover(pair, leader):
    leader.tandem("switchover")


def switchover_by_the_servers(pair, leader):
    leader.tandem("switchover", "--server-failover")


def agent_stopped(pair, leader):
    leader.end_agent(signal.SIGTERM)
    pair.until_led_by(pair.other(leader), in_sync=False)
    leader.start_agent()


def agent_killed(pair, leader):
    leader.end_agent(signal.SIGKILL)
    pair.until_led_by(pair.other(leader), in_sync=False)
    leader.start_agent()


def server_killed(pair, leader):
    leader.server.kill()
    pair.until_led_by(pair.other(leader), in_sync=False)
    leader.server.start_in_quarantine()


def host_lost(pair, leader):
    leader.host.kill_everything()
    pair.until_led_by(pair.other(leader), in_sync=False)
    boot(leader)


MOVES = {
    "switchover": (switchover, 20, ""),
    "switchover --server-failover": (switchover_by_the_servers, 5, ""),
    "agent of the leader stopped": (agent_stopped, 10, ""),
    "agent of the leader kill -9": (agent_killed, 10, ""),
    "server of the leader kill -9": (server_killed, 10, ""),
    "host of the leader lost": (host_lost, 5, ""),
    "the same, mode safe": (host_lost, 5, 'mode = "safe"'),
}


def measure_moves(name, root, programs):
    move, times, lines = MOVES[name]
    with lab.Pair(root, programs, pair_lines=lines) as pair:
        leader = pair.a
        phases = []
        for _ in range(times):
            phases.append(pair.phase())
            move(pair, leader)
            leader = pair.other(leader)
            pair.until_led_by(leader)
            pair.until_writes_go_on()
        return row(pair, leader, phases)


# ---- failback and partitions -----------------------------------------------------------------


def automatic_failback(root, programs):
    lines = 'failback = "auto"\nfailback_delay = "2s"'
    with lab.Pair(root, programs, pair_lines=lines) as pair:
        phases = []
        for _ in range(5):
            pair.a.server.kill()
            pair.until_led_by(pair.b, in_sync=False)
            pair.until_writes_go_on()
            phases.append(pair.phase())
            pair.a.server.start_in_quarantine()
            pair.until_led_by(pair.a)
            pair.until_writes_go_on()
        return row(pair, pair.a, phases)


def partition(root, programs, lines):
    """The leader's host is cut off for a time, without a loss of its link; the client is not."""
    with lab.Pair(root, programs, pair_lines=lines) as pair:
        phase = pair.phase()
        network.cable(pair.a.host, "nomaster", wire=lab.WIRE)
        pair.until_led_by(pair.b, in_sync=False)
        alone = write_alone(pair.a)
        time.sleep(PARTITION)
        network.cable(pair.a.host, "master", "bridge", wire=lab.WIRE)
        pair.until_led_by(pair.b)
        pair.until_writes_go_on()
        return row(pair, pair.b, [phase], f"{alone} written to the cut-off master alone; ")


def write_alone(node):
    """Writes to the server itself; how many of them it took."""
    taken = 0
    for number in range(ALONE):
        try:
            node.call("SET", f"alone:{number}", number)
            taken += 1
        except (OSError, lab.resp.ReplyError):
            break
    return taken


# ---- the old master returns ------------------------------------------------------------------


def nothing_on_its_disk(pair, node):
    for name in os.listdir(node.data("")):
        if name.endswith((".rdb", ".aof")):
            os.remove(node.data(name))


def an_older_dump(pair, node):
    pass  # SAVE was before the death, and writes went on


def a_corrupt_dump(pair, node):
    with open(node.data("dump.rdb"), "r+b") as file:
        file.seek(os.path.getsize(file.name) // 2)
        file.write(b"\xff" * 16)
    words = " ".join(node.server.quarantine_command())
    start = script(node, "start.sh", f"setsid {words} </dev/null >/dev/null 2>&1 &")
    stop = script(node, "stop.sh", f"kill $(cat {node.data('redis.pid')}) || true")
    with open(os.path.join(node.folder, "tandem.toml"), encoding="utf-8") as file:
        text = file.read()
    recovery = (f'start = "{start}"\nstop = "{stop}"\nrecovery = "rdb"\nrecovery_delay = "500ms"\n'
                f'rdb_file = "{node.data("dump.rdb")}"\n')
    node.write("tandem.toml", text.replace("[pair.server]\n", "[pair.server]\n" + recovery))


def script(node, name, line):
    path = os.path.join(node.folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{line}\n")
    os.chmod(path, 0o755)
    return path


RETURNS = {
    "old master back, empty": nothing_on_its_disk,
    "old master back, older RDB": an_older_dump,
    "old master back, corrupt RDB": a_corrupt_dump,
}


def measure_return(name, root, programs):
    with lab.Pair(root, programs) as pair:
        pair.a.call("SAVE")
        pair.until_writes_go_on()
        phase = pair.phase()
        pair.a.host.kill_everything()
        pair.until_led_by(pair.b, in_sync=False)
        pair.until_writes_go_on()
        RETURNS[name](pair, pair.a)
        begin = time.monotonic()
        boot(pair.a)
        pair.until_led_by(pair.b)
        took = time.monotonic() - begin
        return row(pair, pair.b, [phase], f"in sync {took:.1f} s after its boot; ")


def boot(node):
    node.server.start_in_quarantine()
    node.start_agent()


def both_hosts_lost(root, programs, first):
    """The leader dies first, so that the other one has newer data, then that one dies, too."""
    with lab.Pair(root, programs) as pair:
        pair.a.call("SAVE")
        phase = pair.phase()
        pair.a.host.kill_everything()
        pair.until_led_by(pair.b, in_sync=False)
        pair.until_writes_go_on()
        pair.client.stop_writing()
        pair.b.call("SAVE")
        pair.b.host.kill_everything()
        order = [pair.a, pair.b] if first == "a" else [pair.b, pair.a]
        boot(order[0])
        time.sleep(1)
        boot(order[1])
        pair.until_led_by(pair.b)
        return row(pair, pair.b, [phase], "the newer data led; ")


OTHERS = {
    "automatic failback": automatic_failback,
    f"partition of {PARTITION} s": lambda root, programs: partition(root, programs, ""),
    f"partition of {PARTITION} s, mode safe":
        lambda root, programs: partition(root, programs, 'mode = "safe"'),
    "both hosts lost, older one first":
        lambda root, programs: both_hosts_lost(root, programs, "a"),
    "both hosts lost, newer one first":
        lambda root, programs: both_hosts_lost(root, programs, "b"),
}


# ---- the table -------------------------------------------------------------------------------


def row(pair, leader, phases, words=""):
    pair.client.stop_writing()
    time.sleep(0.2)  # the last lines of the client
    pauses = [max(pair.client.gaps(phase), default=0) for phase in phases]
    acknowledged, missing = pair.acknowledged_and_missing(leader)
    read_only = sum("READONLY" in text for text in pair.whys.texts)
    return {"n": len(phases), "acknowledged": acknowledged, "missing": missing, "pauses": pauses,
            "read_only": read_only, "words": words + preserved_where(pair)}


def preserved_where(pair):
    kept = [f"{node.host.label}: {len(lines)} in diverged/"
            for node in (pair.a, pair.b)
            if (lines := re.findall(r"(?m)^\S+  \d{8}T.*", node.preserved()))]
    return "preserved on " + ", ".join(kept) if kept else "nothing to preserve"


def measurements():
    return {**{name: lambda root, programs, name=name: measure_moves(name, root, programs)
               for name in MOVES},
            **OTHERS,
            **{name: lambda root, programs, name=name: measure_return(name, root, programs)
               for name in RETURNS}}


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench writes", description="Acknowledged writes, lost writes, pauses.")
    parser.add_argument("--only", metavar="TEXT", default="", help="cases with this in their name")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


def measure(options):
    print(f"{platform.node() or 'this machine'}, {os.cpu_count()} processors, Linux "
          f"{platform.release()}, load {os.getloadavg()[0]:.1f}; adverts each 100 ms, a write each "
          "2 ms\n")
    print(f"{'case':34}{'n':>4}{'acknowledged':>14}{'missing':>9}{'READONLY':>10}"
          f"{'pause ms: median':>18}{'max':>7}  where", flush=True)
    failed = False
    for name, take in measurements().items():
        if options.only not in name:
            continue
        root = tempfile.mkdtemp(prefix="tandem-writes-")
        try:
            show(name, take(root, os.path.abspath(options.build)))
        except KeyboardInterrupt:
            return 130
        except (OSError, RuntimeError, subprocess.SubprocessError, lab.resp.ReplyError) as error:
            failed = True
            print(f"{name:34}  failed: {error}", flush=True)
    return 1 if failed else 0


def show(name, found):
    pauses = found["pauses"]
    print(f"{name:34}{found['n']:>4}{found['acknowledged']:>14}{found['missing']:>9}"
          f"{found['read_only']:>10}{statistics.median(pauses):>18.0f}{max(pauses):>7.0f}  "
          f"{found['words']}", flush=True)


if __name__ == "__main__":
    sys.exit(run_alone("writes", measure, arguments()))
