"""./dev bench restarts: what is noticed of reloads and restarts of the leader's agent.

A pair with adverts each 10 ms and a client that writes each 2 ms, and a second pair beside it. Each
round is watched twice for the same time: first left alone, then with the act. The longest interval
between two adverts is taken from the wire by kernel time, whoever sends them; writes are the
client's; what becomes of the VIP is said by the kernel of the host.
"""

import argparse
import bisect
import json
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

import pair as lab  # noqa: E402
import redis  # noqa: E402
import watch  # noqa: E402
from alone import run_alone  # noqa: E402
from capture import Recording  # noqa: E402

INTERVAL = 10       # milliseconds between adverts
WATCHED = 1.5       # seconds: at least this long from an act on
BACK_AFTER = 0.1    # RestartSec= of the unit
SECOND_PORT = 6380  # of the pair beside


# ---- the acts ----------------------------------------------------------------------------------


def reload_the_same(pair, leader):
    leader.tandem("reload")


def hang_up_signal(pair, leader):
    leader.agent.send_signal(signal.SIGHUP)


def reload_with_the_other_pair_changed(pair, leader):
    change(leader, "second")
    expect(leader.tandem("reload"), "1 changed (second), 1 unchanged")


def reload_with_this_pair_changed(pair, leader):
    change(leader, "redis")
    expect(leader.tandem("reload"), "1 changed (redis), 1 unchanged")


def restart_in_place(pair, leader):
    leader.tandem("restart")


def stop_and_start(pair, leader):
    leader.end_agent(signal.SIGTERM)
    leader.start_agent()


def killed_and_started_again(pair, leader):
    leader.end_agent(signal.SIGKILL)
    time.sleep(BACK_AFTER)
    leader.start_agent()


# The act, and whether it moves the role, as it is meant to.
ACTS = {
    "tandem reload, nothing changed": (reload_the_same, False),
    "SIGHUP, nothing changed": (hang_up_signal, False),
    "tandem reload, the other pair changed": (reload_with_the_other_pair_changed, False),
    "tandem reload, this pair changed": (reload_with_this_pair_changed, False),
    "tandem restart (an upgrade)": (restart_in_place, False),
    "systemctl restart: stop, start": (stop_and_start, True),
    "kill -9, back after 100 ms": (killed_and_started_again, False),
}


def change(node, name):
    """Another value for a key of this pair that changes nothing which is measured."""
    with open(os.path.join(node.folder, "tandem.toml"), encoding="utf-8") as file:
        before, mark, pair = file.read().partition(f'name = "{name}"\n')
    kept = int(re.match(r"keep_diverged = (\d+)", pair)[1]) % 9 + 1
    node.write("tandem.toml",
               before + mark + re.sub(r"\Akeep_diverged = \d+", f"keep_diverged = {kept}", pair))


def expect(said, wanted):
    if said.strip() != wanted:
        raise RuntimeError(f"the agent says \"{said.strip()}\" instead of \"{wanted}\"")


# ---- what watches ------------------------------------------------------------------------------


class Adverts:
    """All adverts of a pair, whichever host sends them, in a thread of its own."""

    def __init__(self, nodes, vrid):
        self._recording = Recording([(node.host.label, lab.WIRE, node.host.port, vrid)
                                     for node in nodes])
        if not self._recording.has_begun(lab.SOON):
            raise RuntimeError("there are no adverts")

    def end(self):
        """Nanoseconds since 1970, all of them, in order."""
        return sorted(time for times in self._recording.end().values() for time in times)


class Timeline:
    """When the VIP left a host."""

    def __init__(self):
        self._left = []

    def event(self, source, text, at=None, colour=None):
        if " left " in text:
            self._left.append(time.time_ns())

    def losses(self, windows):
        return sum(begin <= at <= end for at in self._left for begin, end in windows)


def longest_gap(adverts, window):
    """Milliseconds: the longest interval between two adverts that this window touches."""
    begin, end = window
    first = max(0, bisect.bisect_right(adverts, begin) - 1)
    last = min(len(adverts), bisect.bisect_left(adverts, end) + 1)
    times = adverts[first:last]
    gaps = [after - before for before, after in zip(times, times[1:])]
    if not gaps or times[0] > begin or times[-1] < end:
        raise RuntimeError("there were no adverts")
    return max(gaps) / 1e6


# ---- a row -------------------------------------------------------------------------------------


def measure_act(name, runs, root, programs):
    act, moves = ACTS[name]
    with lab.Pair(root, programs, interval=f"{INTERVAL}ms") as pair:
        add_second_pair(pair)
        leader = pair.a
        before = leader.status()["epoch"]
        timeline = Timeline()
        addresses = watch.Addresses([pair.a.host, pair.b.host], lab.VIP, timeline)
        adverts = Adverts([pair.a, pair.b], 51)
        quiet, acted, quiet_phases, phases = [], [], [], []
        for _ in range(runs):
            quiet_phases.append(pair.phase())
            quiet.append(window(lambda: None))
            phases.append(pair.phase())
            acted.append(window(lambda: act(pair, leader)))
            leader = pair.other(leader) if moves else leader
            settle(pair, leader)
        times = adverts.end()
        addresses.stop()
        pair.client.stop_writing()
        time.sleep(0.2)  # the last lines of the client
        acknowledged, missing = pair.acknowledged_and_missing(leader)
        return {"act": name, "n": runs,
                "quiet_gap_ms": [longest_gap(times, one) for one in quiet],
                "gap_ms": [longest_gap(times, one) for one in acted],
                "quiet_pause_ms": pauses(pair, quiet_phases), "pause_ms": pauses(pair, phases),
                "quiet_failed_writes": sum(map(pair.client.failed, quiet_phases)),
                "failed_writes": sum(map(pair.client.failed, phases)),
                "acknowledged": acknowledged, "missing": missing,
                "role_changes": leader.status()["epoch"] - before,
                "quiet_vip_losses": timeline.losses(quiet), "vip_losses": timeline.losses(acted),
                "realtime": is_realtime(leader), "refusals": sorted(set(pair.whys.texts))}


def pauses(pair, phases):
    return [max(pair.client.gaps(phase), default=0) for phase in phases]


def add_second_pair(pair):
    """Servers and a pair of their own beside the first, on both hosts."""
    for node in (pair.a, pair.b):
        data = os.path.join(node.folder, "redis-2")
        os.mkdir(data)
        server = redis.Server(node.host, pair.other(node).host.address, data, lab.PASSWORD,
                              persistent=False, port=SECOND_PORT)
        server.configure()
        server.start(replica=node is pair.b)
        with open(os.path.join(node.folder, "tandem.toml"), encoding="utf-8") as file:
            text = file.read()
        kept = text.replace('name = "redis"\n', 'name = "redis"\nkeep_diverged = 3\n')
        second = kept[kept.index("[[pair]]"):]
        for old, new in (('"redis"', '"second"'), ("vrid = 51", "vrid = 52"),
                         (lab.VIP, "10.77.1.101"), (f":{redis.PORT}", f":{SECOND_PORT}")):
            second = second.replace(old, new)
        node.write("tandem.toml", kept + second)
        pair.until("the second server answers", lambda: server.replication() is not None)
    for node in (pair.b, pair.a):
        node.tandem("reload")
    settle(pair, pair.a)


def settle(pair, leader):
    """Until this node leads both pairs beside good standbys; it is not asked too often."""
    def settled():
        time.sleep(0.1)
        try:
            states = json.loads(leader.tandem("status", "--json"))["pairs"]
        except RuntimeError:
            return False  # it begins
        return len(states) == 2 and all(
            one["state"] == "leading" and one["standby_in_sync"] for one in states)
    pair.until(f"{leader.host.label} leads both pairs, with their standbys", settled)
    pair.until_writes_go_on()


def window(act):
    begin = time.time_ns()
    soonest = time.monotonic() + WATCHED
    act()
    time.sleep(max(0, soonest - time.monotonic()))
    return begin, time.time_ns()


def is_realtime(node):
    return os.sched_getscheduler(node.agent.pid) & 0x7 == os.SCHED_RR


# ---- the table -------------------------------------------------------------------------------


HEADINGS = (("act", 38), ("n", 4), ("quiet gap", 11), ("max", 7), ("gap", 7), ("max", 7),
            ("quiet pause", 13), ("max", 5), ("pause", 7), ("max", 5), ("failed", 8),
            ("missing", 9), ("role", 6), ("VIP", 5))


def heading():
    return "".join(f"{name:<{width}}" if name == "act" else f"{name:>{width}}"
                   for name, width in HEADINGS)


def line(row):
    def two(values, digits):
        return [f"{statistics.median(values):.{digits}f}", f"{max(values):.{digits}f}"]
    cells = [row["act"], row["n"], *two(row["quiet_gap_ms"], 1), *two(row["gap_ms"], 1),
             *two(row["quiet_pause_ms"], 0), *two(row["pause_ms"], 0),
             f"{row['quiet_failed_writes']}/{row['failed_writes']}", row["missing"],
             row["role_changes"], f"{row['quiet_vip_losses']}/{row['vip_losses']}"]
    words = "".join(f"{cell:<{width}}" if name == "act" else f"{cell:>{width}}"
                    for cell, (name, width) in zip(cells, HEADINGS))
    return words + ("  " + ", ".join(row["refusals"]) if row["refusals"] else "")


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench restarts", description="Reloads and restarts of the leader's agent.")
    parser.add_argument("--runs", type=int, default=20, help="of each act (20)")
    parser.add_argument("--only", metavar="TEXT", default="", help="acts with this in their name")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in this file")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


def measure(options):
    print(f"{platform.node() or 'this machine'}, {os.cpu_count()} processors, Linux "
          f"{platform.release()}, load {os.getloadavg()[0]:.1f}; adverts each {INTERVAL} ms, a "
          "write each 2 ms.\n"
          "gap: the longest interval between two adverts, in ms, median and maximum; pause: the "
          "longest time without\nan acknowledged write (0: below 5 ms); both left alone (quiet) "
          "and with the act. failed: writes that got an\nerror or no answer within 30 ms, "
          "quiet/act; missing: acknowledged ones that are not there at the end;\nrole: how often it "
          "was taken; VIP: how often it left a host, quiet/act.\n")
    print(heading(), flush=True)
    rows, failed = [], False
    for name in ACTS:
        if options.only not in name:
            continue
        root = tempfile.mkdtemp(prefix="tandem-restarts-")
        try:
            rows.append(measure_act(name, options.runs, root, os.path.abspath(options.build)))
            print(line(rows[-1]), flush=True)
        except KeyboardInterrupt:
            return 130
        except (OSError, RuntimeError, subprocess.SubprocessError, lab.resp.ReplyError) as error:
            failed = True
            print(f"{name:38}  failed: {error}", flush=True)
    report(rows, options)
    return 1 if failed else 0


def report(rows, options):
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    if rows and not all(row["realtime"] for row in rows):
        print("note: this system refuses realtime priority; the agents run with ordinary priority")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "processors": os.cpu_count(),
                       "interval_ms": INTERVAL, "load_at_the_end": os.getloadavg(),
                       "rows": rows}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    sys.exit(run_alone("restarts", measure, arguments()))
