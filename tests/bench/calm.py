"""./dev bench calm: does anything move that nobody asked for, on a busy machine at short times?

A linked pair with a few hundred MB of data, adverts each 10 ms and the patience with a hung server
that the tuning guide recommends for that; beside it, on a wire of its own, two keepalived with one
instance at the same interval. Once with realtime priority and once without, first left alone and
then with a busy loop for each processor and a BGSAVE of the master every few seconds. A client
writes through the VIP all the while. What the machine itself does to everybody is told apart.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import pair as lab  # noqa: E402
import watch  # noqa: E402
from adverts import keepalived_version, load_words, processors  # noqa: E402
from alone import run_alone  # noqa: E402
from capture import Recording  # noqa: E402
from figures import deviation  # noqa: E402
from load import Saves, fill, prefer, stay, stay_busy  # noqa: E402
from moves import Moves  # noqa: E402
from router_pair import RouterPair, VIP, VRID, WIRE  # noqa: E402
from silence import Silence  # noqa: E402
from stalls import Stalls, without  # noqa: E402


JUST_BEFORE = 50_000_000  # nanoseconds


# ---- what watches ------------------------------------------------------------------------------


class Adverts:
    """All adverts on both wires, in a thread of its own; times are the kernel's."""

    def __init__(self, nodes, routers):
        self._systems = {"tandem": [node.host.label for node in nodes],
                         "keepalived": [host.label for host in routers.hosts]}
        self._recording = Recording(
            [(node.host.label, lab.WIRE, node.host.port, 51) for node in nodes]
            + [(host.label, WIRE, host.port, VRID) for host in routers.hosts])

    def end(self):
        """{system: [nanoseconds since 1970, ...]}, whichever host sent them."""
        heard = self._recording.end()
        return {system: sorted(time for label in labels for time in heard[label])
                for system, labels in self._systems.items()}


# ---- one mode ----------------------------------------------------------------------------------


def measure_mode(realtime, root, options):
    """Rows: {"load", "realtime", "tandem": {...}, "keepalived": {...}, ...}."""
    tandem, keepalived = os.path.join(root, "tandem"), os.path.join(root, "keepalived")
    os.mkdir(tandem)
    os.mkdir(keepalived)
    stalls = Stalls(root)
    try:
        with RouterPair(keepalived, options.interval, realtime) as routers, lab.Pair(
                tandem, os.path.abspath(options.build), interval=f"{options.interval}ms",
                agent_lines=f"realtime = {str(realtime).lower()}",
                server_lines=f'ping_interval = "{options.ping}ms"\nfall = {options.fall}') as pair:
            try:
                return watch_both(pair, routers, stalls, realtime, options)
            finally:
                keep_logs(pair, routers, realtime, options)
    finally:
        stalls.stop()


def watch_both(pair, routers, stalls, realtime, options):
    moves = {"tandem": Moves(), "keepalived": Moves()}
    with contextlib.ExitStack() as watchers:
        for system, hosts, vip in (("tandem", [pair.a.host, pair.b.host], lab.VIP),
                                   ("keepalived", routers.hosts, VIP)):
            watchers.callback(watch.Addresses(hosts, vip, moves[system]).stop)
        routers.start()
        if not options.plain_servers:
            prefer([pair.a.server, pair.b.server])
        fill(pair, options.megabytes)
        pair.until("both VIPs are seen", lambda: all(one.is_known() for one in moves.values()))
        priority = priority_word(realtime, pair, routers)
        silences = [Silence(node.server, os.path.join(node.folder, "redis.password"),
                            os.path.join(pair.root, f"silence-{node.host.label}"))
                    for node in (pair.a, pair.b)]
        for silence in silences:
            watchers.callback(silence.stop)
        adverts, saves = Adverts((pair.a, pair.b), routers), Saves(pair)
        seen = [watch_load(load, pair, saves, priority, options) for load in ("idle", "busy")]
        times = adverts.end()
        pair.phase()
    if routers.have_ended() or any(node.agent.poll() is not None for node in (pair.a, pair.b)):
        raise RuntimeError("an agent or a keepalived has ended")
    return [{"load": load, "realtime": priority,
             **{system: of_system(times[system], moves[system], window, stalls.so_far(),
                                  options.interval)
                for system in moves},
             **of_tandem(pair, window, phase, stalls.so_far()),
             **of_machine(stalls, window), "stolen_ms": stolen,
             "silent_ms": sorted(sum((one.longest_ms(window) for one in silences), []))[::-1],
             "forks_ms": [ms for at, ms in saves.forks if window[0] <= at <= window[1]]}
            for load, window, phase, stolen in seen]


def watch_load(load, pair, saves, priority, options):
    seconds = options.idle if load == "idle" else options.minutes * 60
    print(f"realtime {priority}, {load}: {seconds:.0f} s ...", flush=True)
    phase, stolen = pair.phase(), stolen_ms()
    window = stay(seconds) if load == "idle" else stay_busy(seconds, saves)
    return load, window, phase, stolen_ms() - stolen


def of_system(times, moves, window, stalls, interval):
    within = [at for at in times if window[0] <= at <= window[1]]
    pauses = list(zip(within, within[1:]))
    stalls = [stall for stall in stalls if window[0] <= stall[1] and stall[0] <= window[1]]
    lasting = [(after - before) / 1e6 for before, after in pauses]
    # What is no longer late once the stalls are taken off was the machine's doing.
    late = [without(*pause, stalls) / 1e6 for pause, ms in zip(pauses, lasting)
            if ms > 2 * interval]
    return {"takeovers": moves.takeovers(window), "losses": moves.losses(window),
            "twice_ms": moves.twice_ms(window), "adverts": deviation(lasting, interval),
            "late": len(late), "late_by_itself": sum(ms > 2 * interval for ms in late),
            "gap_by_itself": max([*late, *(ms for ms in lasting if ms <= 2 * interval)],
                                 default=0)}


def of_tandem(pair, window, phase, stalls):
    hung, transitions = [], []
    for node in (pair.a, pair.b):
        for event in events(node):
            at = event["time_us"] * 1000
            if not window[0] <= at <= window[1]:
                continue
            words = f"{clock(at)} {node.host.label}: {event['text']}{stall_words(at, stalls)}"
            if event["kind"] == "server" and "hung" in event["text"]:
                hung.append(words)
            elif event["kind"] == "transition":
                transitions.append(f"{words} ({event['from']} -> {event['to']})")
    return {"hung": hung, "transitions": transitions,
            "client_pause_ms": max(pair.client.gaps(phase), default=0),
            "client_failed": pair.client.failed(phase)}


def stall_words(at, stalls):
    """What the machine did just before the agent said so."""
    before = [end - begin for begin, end in stalls if at - JUST_BEFORE <= end and begin <= at]
    return f" [the machine stood still for {max(before) / 1e6:.0f} ms]" if before else ""


def clock(nanoseconds):
    return datetime.datetime.fromtimestamp(nanoseconds / 1e9).strftime("%H:%M:%S.%f")[:-3]


def events(node):
    told = node.tandem("events", "--state-dir", os.path.join(node.folder, "state"), "-n", "0",
                       "--json")
    return [json.loads(line) for line in told.splitlines()]


def of_machine(stalls, window):
    within = [end - begin for begin, end in stalls.so_far() if window[0] <= end <= window[1]]
    return {"stalls": None if stalls.is_refused() else len(within),
            "stalled_ms": sum(within) / 1e6, "longest_stall_ms": max(within, default=0) / 1e6}


def stolen_ms():
    """Of all processors since the boot, as far as the hypervisor says so."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8]) * 1000 / os.sysconf("SC_CLK_TCK")


def priority_word(realtime, pair, routers):
    """"yes", "no" or "refused": a system may refuse what the configuration asks for."""
    pids = [pair.a.agent.pid, pair.b.agent.pid, *routers.pids()]
    got = [os.sched_getscheduler(pid) & 0x7 == os.SCHED_RR for pid in pids]
    if all(one == realtime for one in got):
        return "yes" if realtime else "no"
    print(f"note: this system refuses realtime priority to {got.count(False)} of {len(got)} "
          "programs (in a cgroup of version 1, cpu.rt_runtime_us must not be 0); they run with "
          "ordinary priority")
    return "refused"


def keep_logs(pair, routers, realtime, options):
    if not options.logs:
        return
    place = os.path.join(options.logs, "realtime" if realtime else "ordinary")
    os.makedirs(place, exist_ok=True)
    files = [(node.host, name) for node in (pair.a, pair.b)
             for name in ("tandemd.log", "redis/redis.log", "state/events.jsonl")]
    for host, name in files:
        shutil.copy(os.path.join(pair.root, host.label, name),
                    os.path.join(place, f"{host.label}-{os.path.basename(name)}"))
    for host in routers.hosts:
        shutil.copy(routers.log(host), os.path.join(place, f"{host.label}.log"))


# ---- the report ----------------------------------------------------------------------------------


COLUMNS = (("load", 6), ("realtime", 10), ("system", 12), ("takeovers", 10), ("lost", 6),
           ("twice", 7), ("adverts", 9), ("median", 8), ("p99", 8), ("p99.9", 8), ("max", 8),
           ("gap", 8), ("long", 6), ("own", 5), ("own gap", 9))


def cells(values):
    return "".join(f"{value:<{width}}" if number < 3 else f"{value:>{width}}"
                   for number, (value, (_, width)) in enumerate(zip(values, COLUMNS)))


def lines_of(row):
    lines = []
    for system in ("tandem", "keepalived"):
        seen = row[system]
        adverts = seen["adverts"]
        figures = ["-"] * 6 if adverts is None else [adverts["intervals"]] + [
            f"{adverts[name]:.2f}" for name in ("median", "p99", "p99.9", "max", "gap")]
        lines.append(cells([row["load"], row["realtime"], system, seen["takeovers"],
                            seen["losses"], f"{seen['twice_ms']:.0f}", *figures, seen["late"],
                            seen["late_by_itself"], f"{seen['gap_by_itself']:.2f}"]))
    stalls = "unknown (realtime is refused)" if row["stalls"] is None else (
        f"{row['stalls']}, longest {row['longest_stall_ms']:.0f} ms, "
        f"together {row['stalled_ms']:.0f} ms (stolen {row['stolen_ms']:.0f} ms)")
    forks = f"{len(row['forks_ms'])}" + (
        f", longest fork {max(row['forks_ms']):.1f} ms" if row["forks_ms"] else "")
    silent = max(row["silent_ms"], default=0)
    lines.append(f"  servers held to be hung: {len(row['hung'])}, silent for {silent:.0f} ms at "
                 f"most; the client's longest pause "
                 f"{row['client_pause_ms']} ms, {row['client_failed']} failed writes; BGSAVEs: "
                 f"{forks}; stalls of the machine: {stalls}")
    return lines + ["  " + words for words in row["hung"] + row["transitions"]]


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench calm",
        description="Takeovers that nobody asked for, on a busy machine, beside keepalived's.")
    parser.add_argument("--minutes", type=float, default=10,
                        help="busy, for each of the two modes, realtime and ordinary (10)")
    parser.add_argument("--idle", type=float, default=30, metavar="SECONDS",
                        help="left alone before, for each mode (30)")
    parser.add_argument("--megabytes", type=int, default=megabytes_here(),
                        help="of data, so that forks are felt (400, less on a small machine)")
    parser.add_argument("--interval", type=int, default=10, metavar="MS",
                        help="between adverts, of both (10)")
    parser.add_argument("--ping", type=int, default=20, metavar="MS", help="ping_interval (20)")
    parser.add_argument("--fall", type=int, default=5, help="PINGs without an answer (5)")
    parser.add_argument("--plain-servers", action="store_true",
                        help="Redis without the larger share of the processors that "
                             "CPUWeight= gives and the tuning guide recommends")
    parser.add_argument("--only", choices=("realtime", "ordinary"), help="one mode")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in this file")
    parser.add_argument("--logs", metavar="DIR", help="keep the logs and events of all programs")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


def megabytes_here():
    """Two servers, and what their forks copy."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    return max(16, min(400, available // 1024 // 8))


def measure(options):
    print(f"{platform.node() or 'this machine'}, {len(processors())} processors, Linux "
          f"{platform.release()}, load {load_words()}, {keepalived_version()}; adverts each "
          f"{options.interval} ms, a PING each {options.ping} ms, fall {options.fall}, "
          f"{options.megabytes} MB of data.\n"
          "takeovers: the VIP came to another host; lost: it left one; twice: ms on both. How far "
          "intervals between adverts\nare from nominal in ms: median to max; gap: the longest. "
          f"long: intervals above {2 * options.interval} ms; own: those of them, and\nthe longest "
          "interval, that remain when the machine's own stalls are taken off.\n")
    rows, failed = [], False
    for realtime in (True, False):
        if options.only and (options.only == "realtime") != realtime:
            continue
        root = tempfile.mkdtemp(prefix="tandem-calm-")
        try:
            rows += measure_mode(realtime, root, options)
        except KeyboardInterrupt:
            return 130
        except (OSError, RuntimeError, subprocess.SubprocessError, lab.resp.ReplyError) as error:
            failed = True
            print(f"bench: realtime {realtime}: {error}", file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    report(rows, options)
    return 1 if failed else 0


def report(rows, options):
    print("\n" + cells([name for name, _ in COLUMNS]))
    for row in rows:
        print("\n".join(lines_of(row)))
    print(f"\nload at the end {load_words()}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "processors": len(processors()),
                       "keepalived": keepalived_version(), "interval_ms": options.interval,
                       "ping_ms": options.ping, "fall": options.fall,
                       "megabytes": options.megabytes,
                       "plain_servers": options.plain_servers,
                       "busy_minutes": options.minutes, "load_at_the_end": os.getloadavg(),
                       "rows": rows}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    sys.exit(run_alone("calm", measure, arguments()))
