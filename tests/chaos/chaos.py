"""./dev chaos: two hosts with a real Redis pair, three with clients that write through the virtual IP,
and a seeded nemesis. After each round everything is repaired, and the pair must come back by itself
to one leader and one standby in sync; then all that was acknowledged is read back. keepalived and
Sentinel can be put in Tandem's place: what they lose is counted, and what they leave is put right by
hand.

A seed replays the faults, their sides and their lengths; what the scheduler does is its own.
"""

import argparse
import collections
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("demo", "bench"):
    sys.path.insert(0, os.path.join(HERE, "..", folder))

import nemesis  # noqa: E402
import peers  # noqa: E402
import resp  # noqa: E402
import watch  # noqa: E402
import world as place  # noqa: E402
from alone import run_alone  # noqa: E402
from preserved import preserved_keys  # noqa: E402

BOUND = 60         # seconds until the pair must be whole again
SETTLE = 10        # seconds until what a takeover keeps aside is complete
LONGEST_TAIL = 60  # writes that six writers have had answered and not yet replicated
FD_GROWTH = 20
RSS_GROWTH = 8     # MiB
WRITES_AGAIN = 10  # seconds
GRAVE = 3          # the exit code when acknowledged writes were lost, or something crashed


class Storm:
    def __init__(self, options):
        self.options = options
        self.rounds = []
        self.problems = []

    def run(self, world):
        holders = place.Holders()
        addresses = watch.Addresses([side.host for side in world.sides], place.lab.VIP, holders)
        reign = place.Reign(world, holders)
        end = time.monotonic() + self.options.minutes * 60
        try:
            number = 0
            while time.monotonic() < end:
                number += 1
                self.one_round(world, number, holders, reign)
                if self.problems and world.judged and not self.options.go_on:
                    break
            self.read_all(world)
        finally:
            reign.stop()
            addresses.stop()

    def one_round(self, world, number, holders, reign):
        for client in world.clients:
            client.ask(f"round {number}")
        # A round's own: how often it had to be asked in the one before changes nothing.
        chance = random.Random(f"{self.options.seed} {number}")
        time.sleep(chance.uniform(0.3, 1))
        faults = nemesis.draw(chance, world.absent)
        if self.options.only:
            faults = [fault for fault in nemesis.FAULTS if self.options.only in fault.name][:1]
        found = {"round": number, "faults": [fault.name for fault in faults], "by_hand": 0,
                 "vip_twice_ms": -holders.both, "two_masters_ms": -reign.both}
        broken = time.monotonic()
        for fault in faults:
            fault.do(world, chance)
        begun = time.monotonic()
        world.heal()
        try:
            world.until("one leader and one standby in sync", world.is_whole, BOUND)
        except RuntimeError as error:
            self.problem(number, faults, str(error))
            if not world.judged:
                found["by_hand"] = 1
                world.repair()
                world.until("whole by hand", world.is_whole, BOUND)
        found["whole_after_s"] = round(time.monotonic() - begun, 1)
        self.let_all_write(world, number, faults)
        found["vip_twice_ms"] = round(1000 * (found["vip_twice_ms"] + holders.both))
        found["two_masters_ms"] = round(1000 * (found["two_masters_ms"] + reign.both))
        if world.judged:
            self.judge_moments(number, faults, found, begun - broken)
        self.read_back(world, number, faults, found)
        self.look_at_agents(world, number, faults, found)
        self.rounds.append(found)
        names = " + ".join(found["faults"])
        print(f"{number:4} {names:58} whole after {found['whole_after_s']:5.1f} s, "
              f"pause {found['pause_ms']:6} ms, {found['acknowledged']:6} acknowledged, "
              f"{found['lost']} lost, {found['preserved']} in a copy, VIP twice "
              f"{found['vip_twice_ms']} ms, two masters {found['two_masters_ms']} ms", flush=True)

    def let_all_write(self, world, number, faults):
        """Who is whole serves: each host with clients has one more write acknowledged."""
        def acknowledged():
            return [client.ask(f"totals {number}")["acknowledged"] for client in world.clients]
        before = acknowledged()
        try:
            world.until("each client writes again", lambda: all(
                now > then for now, then in zip(acknowledged(), before)), WRITES_AGAIN)
        except RuntimeError as error:
            self.problem(number, faults, str(error))

    def judge_moments(self, number, faults, found, lasted):
        """How long there were two is a promise too; see nemesis.longest_twice()."""
        vip, masters = nemesis.longest_twice(faults, lasted, self.options.mode)
        for key, most, words in (("vip_twice_ms", vip, "the VIP was on both hosts"),
                                 ("two_masters_ms", masters, "both servers took clients' writes")):
            if found[key] > 1000 * most:
                self.problem(number, faults,
                             f"{words} for {found[key]} ms, {1000 * most:.0f} are allowed")

    def read_back(self, world, number, faults, found):
        """What this round's writers had acknowledged, from the leader; the rest from the copies."""
        promise = nemesis.promise_of(faults)
        # What no server had saved may be older than this round.
        which = "all" if promise == nemesis.DISK else number
        missing, lost = self.look_for(world, which, number, faults)
        allowed = {nemesis.DISK: len(lost), nemesis.TAIL: LONGEST_TAIL}.get(promise, 0)
        deadline = time.monotonic() + SETTLE
        while world.judged and len(lost) > allowed and time.monotonic() < deadline:
            # Whoever took over a moment ago is still keeping what its predecessor had.
            time.sleep(0.5)
            missing, lost = self.look_for(world, which, number, faults)
        found.update(acknowledged=0, pause_ms=0, lost=len(lost), preserved=len(missing) - len(lost))
        for client in world.clients:
            totals = client.ask(f"totals {number}")
            found["acknowledged"] += totals["acknowledged"]
            found["pause_ms"] = max(found["pause_ms"], round(1000 * totals["pause"]))
            client.ask("forget")
        if len(lost) > allowed:
            self.problem(number, faults, f"{len(lost)} acknowledged writes are nowhere: "
                                         f"{', '.join(lost[:3])}", grave=True)
        if found["preserved"] and promise == nemesis.NOTHING:
            self.problem(number, faults,
                         f"{found['preserved']} acknowledged writes are in a copy alone")

    def look_for(self, world, which, number, faults):
        """Keys that the leader does not have, and those of them that are in no copy either."""
        leader = self.leader_to_read(world, number, faults)
        missing = []
        for client in world.clients if leader else []:
            answer = client.ask(f"missing {which} {leader.host.address}")
            if "error" in answer:
                self.problem(number, faults, "the leader could not be read: " + answer["error"])
            missing += answer["keys"]
        kept = preserved_keys(world.sides, missing) if missing and world.keeps_copies else set()
        return missing, [key for key in missing if key not in kept]

    def leader_to_read(self, world, number, faults):
        leader = world.leader()
        if leader is None:
            self.problem(number, faults, "nobody leads: nothing could be read back")
        return leader

    def read_all(self, world):
        leader = self.leader_to_read(world, 0, [])
        for client in world.clients if leader else []:
            missing = client.ask(f"missing all {leader.host.address}")["keys"]
            kept = preserved_keys(world.sides, missing) if world.keeps_copies else set()
            lost = [key for key in missing if key not in kept]
            if lost:
                self.problem(0, [], f"read at the end: {len(lost)} writes of earlier rounds are "
                                    f"nowhere: {', '.join(lost[:3])}", grave=True)

    def look_at_agents(self, world, number, faults, found):
        found["agents"] = {}
        for side in world.sides:
            for crash in side.crashes:
                self.problem(number, faults, crash, grave=True)
            side.crashes = []
            burden = self.burden_at_rest(side)
            if burden is None:
                continue
            found["agents"][side.host.label] = {"pid": side.agent.pid, **burden}
            first = next((one["agents"][side.host.label] for one in self.rounds
                          if one["agents"].get(side.host.label, {}).get("pid") == side.agent.pid),
                         burden)
            if burden["fds"] > first["fds"] + FD_GROWTH:
                self.problem(number, faults, f"the agent of {side.host.label} has "
                                             f"{burden['fds']} files open, {first['fds']} before")
            if burden["rss"] > first["rss"] + RSS_GROWTH:
                self.problem(number, faults, f"the agent of {side.host.label} holds "
                                             f"{burden['rss']:.0f} MiB, {first['rss']:.0f} before")
            if burden["children"] > 0:
                self.problem(number, faults, f"the agent of {side.host.label} has children left: "
                                             f"{burden['children']}")

    @staticmethod
    def burden_at_rest(side):
        """A script that still runs is no child that was forgotten."""
        deadline = time.monotonic() + SETTLE
        burden = side.burden()
        while burden and burden["children"] and time.monotonic() < deadline:
            time.sleep(0.2)
            burden = side.burden()
        return burden

    def problem(self, number, faults, words, grave=False):
        """Grave: never the machine's fault, however busy it was."""
        names = " + ".join(fault.name for fault in faults) or "-"
        self.problems.append({"round": number, "faults": names, "words": words, "grave": grave})
        print(f"PROBLEM in round {number} ({names}): {words}", flush=True)

    def table(self):
        kinds = collections.defaultdict(list)
        for found in self.rounds:
            for name in found["faults"]:
                kinds[name].append(found)
        print(f"\n{'fault (also beside others)':34}{'rounds':>7}{'acknowledged':>14}{'lost':>6}"
              f"{'in a copy':>11}{'worst pause ms':>16}{'VIP twice ms':>14}{'two masters':>13}"
              f"{'whole after s':>15}{'by hand':>9}")
        for name, founds in sorted(kinds.items()):
            def worst(key, founds=founds):
                return max(one[key] for one in founds)
            print(f"{name:34}{len(founds):>7}{sum(one['acknowledged'] for one in founds):>14}"
                  f"{sum(one['lost'] for one in founds):>6}"
                  f"{sum(one['preserved'] for one in founds):>11}{worst('pause_ms'):>16}"
                  f"{worst('vip_twice_ms'):>14}{worst('two_masters_ms'):>13}"
                  f"{worst('whole_after_s'):>15}{sum(one['by_hand'] for one in founds):>9}")


def chaos(options):
    print(f"{options.system}, seed {options.seed}, {platform.node()}, {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    root = tempfile.mkdtemp(prefix="tandem-chaos-")
    storm = Storm(options)
    lines = "" if options.mode == "available" else f'mode = "{options.mode}"\n'
    interrupted = False
    try:
        world_of = peers.WORLDS[options.system]
        with world_of(root, os.path.abspath(options.build), options.adverts, lines) as world:
            storm.run(world)
            if storm.problems and options.logs:
                keep_logs(world, options.logs)
    except KeyboardInterrupt:
        interrupted = True
    except (OSError, RuntimeError, subprocess.SubprocessError, resp.ReplyError) as error:
        storm.problem(len(storm.rounds) + 1, [], f"the run itself failed: {error}")
    storm.table()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"system": options.system, "seed": options.seed, "rounds": storm.rounds,
                       "problems": storm.problems}, file, indent=1)
    print(f"\n{len(storm.rounds)} rounds, {len(storm.problems)} problems; seed {options.seed}")
    if interrupted:
        return 130
    if any(problem["grave"] for problem in storm.problems):
        return GRAVE
    return 1 if storm.problems else 0


def keep_logs(world, folder):
    os.makedirs(folder, exist_ok=True)
    for side in world.sides:
        subprocess.run(["cp", "-r", side.folder, folder], check=False)
    print(f"logs and states of both hosts are in {folder}")


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev chaos", description="A pair under a seeded nemesis, for some minutes.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--system", choices=tuple(peers.WORLDS), default="tandem",
                        help="who keeps the pair (tandem)")
    parser.add_argument("--mode", choices=("available", "safe"), default="available")
    parser.add_argument("--adverts", default="100ms", metavar="TIME", help="advert_interval")
    parser.add_argument("--only", default="", metavar="TEXT", help="the fault with this in its name")
    parser.add_argument("--go-on", action="store_true", help="also after a problem")
    parser.add_argument("--json", metavar="FILE", help="all rounds and problems")
    parser.add_argument("--logs", metavar="DIR", help="keep both hosts' folders after a problem")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_alone("chaos", chaos, arguments()))
