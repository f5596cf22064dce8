"""./dev bench failover: what a client at the VIP feels of each failure, Tandem beside its peers.

The harness measures (TANDEM_HARNESS names its folder; failover_tandem.py makes Tandem one of its
systems). This runs it, then says what the figures mean: whether Tandem meets its targets, whether it
is ahead of every peer that moves the service at all, what must never be seen, and where the
milliseconds of the median run went.
"""

import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEMS = ("tandem,tandem-fast,tandem-safe,keepalived-tuned,keepalived-max,sentinel,"
           "sentinel-tuned,seed")
SCENARIOS = ("kill9_redis,hang_redis,host_death,agent_kill9,agent_restart,graceful_stop,partition,"
             "master_return,planned_switchover,busy_switchover,quick_restart")
OURS = ("tandem-fast", "tandem", "tandem-safe")
# Milliseconds without an acknowledged write, median; a window of its own where one is named.
TARGETS = {
    ("tandem-fast", "kill9_redis"): 15, ("tandem", "kill9_redis"): 25,
    ("tandem-fast", "host_death"): 45, ("tandem-fast", "hang_redis"): 120,
    ("tandem-fast", "agent_restart"): 10, ("tandem-fast", "agent_kill9"): 20,
    ("tandem-fast", "planned_switchover"): 10, ("tandem-fast", "busy_switchover"): 60,
    ("tandem-fast", "graceful_stop"): 10, ("tandem-fast", "quick_restart"): 25,
}
SECOND = {"hang_redis": "resume", "partition": "heal", "master_return": "return"}


def main(arguments):
    harness = os.environ["TANDEM_HARNESS"]
    if "--peer-runs" in arguments:  # Tandem's own are 10 of each scenario
        at = arguments.index("--peer-runs")
        os.environ["PEER_RUNS"] = arguments[at + 1]
        del arguments[at:at + 2]
    out = option(arguments, ("-o", "--out")) or os.path.join("build", "failover.json")
    if not option(arguments, ("-s", "--systems")):
        arguments += ["-s", SYSTEMS]
    if not option(arguments, ("-c", "--scenarios")):
        arguments += ["-c", SCENARIOS]
    if not option(arguments, ("-o", "--out")):
        arguments += ["-o", out]
    code = subprocess.run(
        [sys.executable, os.path.join(harness, "run.py"), "run", "--plugin",
         os.path.join(HERE, "failover_tandem.py"), *arguments], check=False).returncode
    if not os.path.exists(out):
        return code or 1
    with open(out, encoding="utf-8") as file:
        runs = [run for run in json.load(file)["runs"] if run["ok"]]
    print("\n" + "\n".join(verdicts(runs) + never(runs) + paths(runs)))
    return code


def option(arguments, names):
    for name, value in zip(arguments, arguments[1:]):
        if name in names:
            return value
    return None


def of(runs, system, scenario):
    return [run for run in runs if run["system"] == system and run["scenario"] == scenario]


def outages(runs, window=None):
    if window:
        return [run["windows"][window]["outage_ms"] for run in runs]
    return [run["outage_ms"] for run in runs]


def moves(runs):
    """Whether the service was seen to go on at B in most of these runs."""
    return sum(run["final_master"] == "b" for run in runs) * 2 > len(runs)


# ---- verdicts -----------------------------------------------------------------------------------


def verdicts(runs):
    lines = ["Milliseconds without an acknowledged write, median (worst), beside the peers that move "
             "the service, too:", "",
             f"{'':34}{'Tandem':>16}{'target':>8}   {'best peer':28}"]
    scenarios = list(dict.fromkeys(run["scenario"] for run in runs))
    for scenario in scenarios:
        for system in OURS:
            mine = of(runs, system, scenario)
            if not mine:
                continue
            lines.append(verdict(runs, system, scenario, None, outages(mine)))
            if scenario in SECOND:
                window = SECOND[scenario]
                lines.append(verdict(runs, system, scenario, window, outages(mine, window)))
    return lines + [""]


def verdict(runs, system, scenario, window, mine):
    median, worst = statistics.median(mine), max(mine)
    target = None if window else TARGETS.get((system, scenario))
    peers = {}
    for name in dict.fromkeys(run["system"] for run in runs):
        theirs = of(runs, name, scenario)
        if name not in OURS and theirs and (window or moves(theirs)):
            peers[name] = statistics.median(outages(theirs, window))
    words = []
    best = ""
    if peers:
        name = min(peers, key=peers.get)
        best = f"{name} {peers[name]:.1f}"
        words.append("ahead" if median < peers[name] else "BEHIND")
        if median < peers[name] <= worst:
            words.append("its worst run is not")
    if target is not None:
        words.append("target met" if median <= target else "TARGET MISSED")
    label = f"{scenario}{', after ' + window if window else ''}"
    figures = f"{median:.1f} ({worst:.1f})"
    return (f"{system:12}{label:32}{figures:>16}{target or '-':>8}   {best:28}{', '.join(words)}")


def never(runs):
    """What no run of Tandem may end with. A partition in mode "available" is the exception that its
    documentation names: what the isolated side took is kept aside."""
    lines = ["Runs that ended with wrong roles, lost acknowledged writes or two masters for longer than "
             "a moment:", ""]
    for run in runs:
        if run["system"] not in OURS:
            continue
        words = []
        if not run["roles_ok"]:
            words.append(f"roles wrong: {run['final_roles']}, VIP on {run['vip_final']}")
        if run["lost"] or run["preload_lost"]:
            words.append(f"{run['lost']} acknowledged writes not on the last master")
        kept = run["notes"].get("kept")
        if words and kept:
            words.append(f"kept: {kept}")
        if words:
            lines.append(f"{run['system']:12}{run['scenario']:20}#{run['rep']}  {'; '.join(words)}")
    if len(lines) == 2:
        lines.append("none")
    return lines + [""]


# ---- where the milliseconds went -----------------------------------------------------------------


def paths(runs):
    lines = ["Where the milliseconds went in the median run, from the first that any agent saw:", ""]
    for system in OURS:
        for scenario in dict.fromkeys(run["scenario"] for run in runs):
            mine = sorted(of(runs, system, scenario), key=lambda run: run["outage_ms"])
            if mine and (path := merged(mine[(len(mine) - 1) // 2])):
                lines += [f"{system} {scenario}: {mine[(len(mine) - 1) // 2]['outage_ms']:.1f} ms", path]
    return lines


def merged(run):
    """The first transitions of both agents after the pair was ready, in one line of time: they share
    a clock here."""
    steps = []
    ready = run["notes"].get("ready", 0) * 1e6
    for host in "ab":
        ways = [event for event in run["notes"].get("path_" + host, [])
                if event.get("path") and event["time_us"] > ready]
        if not ways:
            continue
        begin = ways[0]["time_us"] - ways[0]["path"][-1]["us"]
        steps += [(begin + step["us"], host.upper(), step["what"]) for step in ways[0]["path"]]
    steps.sort()
    return "   " + ", ".join(f"{host} {what} {(at - steps[0][0]) / 1000:.1f}"
                             for at, host, what in steps) if steps else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
