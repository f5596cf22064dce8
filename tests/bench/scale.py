"""./dev bench scale: many virtual routers on one host, beside keepalived.

Two hosts and a client on one wire (and one more for each further 250 routers, because a wire has
255 VRIDs). A leads all; what that costs is measured on both hosts. Then A dies at once, cable and
power, and B takes over. The same for keepalived, for Tandem's VRRP without servers, which is the
equal work, and for the whole agent, where each pair has two servers of its own.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import hosts as network  # noqa: E402
import kernel  # noqa: E402
import scale_systems as systems  # noqa: E402
from alone import run_alone  # noqa: E402
from capture import Inside  # noqa: E402

WIRE = "tandem-scale"
A = network.Host("scale-a", "10.81.0.251")
B = network.Host("scale-b", "10.81.0.252")
C = network.Host("scale-c", "10.81.0.253")
HOSTS = (A, B, C)
PAIRS = (1, 50, 250)
INTERVALS = (1000, 100)  # milliseconds between adverts
SETTLE = 6  # seconds: the second announcement is behind everybody then
STEADY = 15
PATIENCE = 30


# ---- what a process costs ------------------------------------------------------------------------


def cpu(pids):
    """Seconds of processor time of all threads until now."""
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def memory(pids):
    """MiB of resident memory; what several share is counted for each."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return total / 1024


def descriptors(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


# ---- one measurement -----------------------------------------------------------------------------


def measure_one(system, count, interval, options, folder):
    make_wires(count)
    a, b = (system(host, peer, priority, count, interval, folder, os.path.abspath(options.build))
            for host, peer, priority in ((A, B, 200), (B, A, 100)))
    for each in (a, b):
        each.prepare()
    wanted = systems.vips(count)
    begin = time.monotonic()
    a.start()
    systems.until(f"{count} VIPs on A", lambda: wanted <= kernel.addresses(A.namespace))
    row = {"system": system.name, "pairs": count, "interval_ms": interval,
           "start_ms": (time.monotonic() - begin) * 1000}
    b.start()
    time.sleep(SETTLE)
    if system is systems.Agent:
        systems.until("all pairs lead on A with a standby in sync", lambda: a.in_sync() == count,
                      STEADY)
    if wrong := wanted & kernel.addresses(B.namespace):
        raise RuntimeError(f"{len(wrong)} VIPs are on B while A leads")
    row |= idle(a.pids(), b.pids(), options.seconds)
    if not wanted <= kernel.addresses(A.namespace):
        raise RuntimeError("VIPs have moved while nothing was done: the machine is too busy")
    if (took := a.reload()) is not None:
        row["reload_ms"] = took
        time.sleep(1)
    return row | die(count, wanted)


def idle(master, backup, seconds):
    begin, before = time.monotonic(), (cpu(master), cpu(backup))
    time.sleep(seconds)
    took, after = time.monotonic() - begin, (cpu(master), cpu(backup))
    row = {}
    for name, pids, first, last in zip(("master", "backup"), (master, backup), before, after):
        row[f"cpu_{name}"] = (last - first) / took * 60
        row[f"rss_{name}"] = memory(pids)
        row[f"fds_{name}"] = descriptors(pids)
    return row


def die(count, wanted):
    """A is gone from one moment to the next: how long B and the client take to know it."""
    taught = {vip for vip in wanted if vip.startswith(teacher(count))}
    teach(taught)
    known = taught & set(kernel.neighbours(C.namespace))
    macs = [mac(B, interface) for interface in systems.interfaces(count)]
    cables = [kernel.Cable(WIRE, port(A, interface)) for interface in systems.interfaces(count)]
    pids = A._pids()
    with kernel.Watch(B.namespace, C.namespace, wanted, macs) as watch:
        begin = time.monotonic()
        for cable in cables:
            cable.pull()
        systems.kill(pids)
        watch.until(lambda: len(watch.came) == count and known <= set(watch.known), PATIENCE)
        came = sorted((at - begin) * 1000 for at in watch.came.values())
        client = sorted((watch.known[vip] - begin) * 1000 for vip in known & set(watch.known))
    A.kill_everything()
    if len(came) != count:
        raise RuntimeError(f"{len(came)} of {count} VIPs are on B {PATIENCE} s after A died")
    whole = bool(known) and len(client) == len(known)
    return {"first_ms": came[0], "median_ms": statistics.median(came), "last_ms": came[-1],
            "client_ms": client[-1] if whole else None, "client_knew": len(known)}


def teacher(count):
    """The network of the last routers; a client's ARP table holds no thousand."""
    return f"{systems.NETWORK}.{len(systems.interfaces(count)) - 1}."


def teach(addresses):
    with Inside(C.namespace):
        talker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with talker:
        for address in sorted(addresses):
            talker.sendto(b"?", (address, 9))
            time.sleep(0.001)
    systems.until("the client knows the VIPs",
                  lambda: addresses <= set(kernel.neighbours(C.namespace)), 5)
    time.sleep(1.1)  # the kernel believes nobody new for a second (locktime)


# ---- the arrangement -----------------------------------------------------------------------------


def port(host, interface):
    return host.port + interface.removeprefix("eth").replace("0", "")


def make_wires(count):
    """eth0 by hosts.make; each further interface has a bridge of its own."""
    network.make(HOSTS, WIRE)
    for place, interface in enumerate(systems.interfaces(count)[1:], 1):
        network.ip("-n", WIRE, "link", "add", f"bridge{place}", "type", "bridge", "forward_delay",
                   "0", "mcast_snooping", "0")
        network.ip("-n", WIRE, "link", "set", f"bridge{place}", "up")
        for host in HOSTS:
            network.ip("link", "add", "name", port(host, interface), "netns", WIRE, "type", "veth",
                       "peer", "name", interface, "netns", host.namespace)
            network.ip("-n", WIRE, "link", "set", "dev", port(host, interface), "master",
                       f"bridge{place}", "up")
            network.ip("-n", host.namespace, "link", "set", interface, "up")
            own = host.address.replace(".0.", f".{place}.")
            network.ip("-n", host.namespace, "address", "add", f"{own}/24", "dev", interface)


def mac(host, interface):
    return network.ip("-n", host.namespace, "-o", "link", "show",
                      interface).split("link/ether ")[1].split()[0]


def clear():
    network.remove(HOSTS, WIRE)


# ---- the table -----------------------------------------------------------------------------------

COLUMNS = (("start ms", "start_ms", "{:.0f}"), ("CPU s/min master", "cpu_master", "{:.3f}"),
           ("backup", "cpu_backup", "{:.3f}"), ("a pair ms/min", "per_pair", "{:.1f}"),
           ("RSS MiB", "rss_master", "{:.1f}"), ("backup", "rss_backup", "{:.1f}"),
           ("fds", "fds_master", "{}"), ("backup", "fds_backup", "{}"),
           ("reload ms", "reload_ms", "{:.0f}"), ("first VIP ms", "first_ms", "{:.1f}"),
           ("last ms", "last_ms", "{:.1f}"), ("client ms", "client_ms", "{:.1f}"))


def line(row):
    out = [f"{row['system']:12}"]
    row = row | {"per_pair": row["cpu_master"] / row["pairs"] * 1000}
    for title, key, form in COLUMNS:
        value = row.get(key)
        out.append(("-" if value is None else form.format(value)).rjust(len(title)))
    return "  ".join(out)


def ratios(rows):
    """Each system's figures divided by keepalived's."""
    by_name = {row["system"]: row for row in rows}
    base = by_name.pop("keepalived", None)
    for name, row in by_name.items() if base else ():
        parts = [f"{title} {row[key] / base[key]:.2f}" for title, key in (
            ("CPU master", "cpu_master"), ("CPU backup", "cpu_backup"), ("RSS", "rss_master"),
            ("last VIP", "last_ms"), ("client", "client_ms")) if row.get(key) and base.get(key)]
        yield f"  {name} / keepalived: " + ", ".join(parts)


def flatness(rows):
    """Cost of one pair as master and as backup, by number of pairs."""
    for name in systems.SYSTEMS:
        for interval in sorted({row["interval_ms"] for row in rows}, reverse=True):
            parts = [f"{row['pairs']}: {row['cpu_master'] / row['pairs'] * 1000:.1f} and "
                     f"{row['cpu_backup'] / row['pairs'] * 1000:.1f}"
                     for row in rows if (row["system"], row["interval_ms"]) == (name, interval)]
            if len(parts) > 1:
                yield f"  {name}, each {interval} ms: " + "; ".join(parts)


def attempt(system, count, interval, options):
    """One row; None, with the reason on stderr, when it could not be measured."""
    folder, kept = tempfile.mkdtemp(prefix="tandem-scale-"), False
    clear()
    try:
        return measure_one(system, count, interval, options, folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        kept = True
        print(f"bench: {system.name}: {error}; logs: {folder}", file=sys.stderr)
        return None
    finally:
        clear()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def group_of(count, interval, options):
    """The systems side by side; None when one could not be measured."""
    rows = []
    print(f"\n{count} pair(s), adverts each {interval} ms\n  {'':12}  "
          + "  ".join(title for title, _, _ in COLUMNS), flush=True)
    for name in options.systems:
        system = systems.SYSTEMS[name]
        if count > system.most:
            continue
        row = attempt(system, count, interval, options) or attempt(system, count, interval, options)
        if row is None:
            return None
        rows.append(row)
        print("  " + line(rows[-1]), flush=True)
    for text in ratios(rows):
        print(text, flush=True)
    return rows


def measure(options):
    print(f"{platform.node() or 'this machine'}, {os.cpu_count()} processors, Linux "
          f"{platform.release()}, load {os.getloadavg()[0]:.1f}; idle for {options.seconds} s.\n"
          "tandem vrrp: no servers, no realtime priority; and leases: its addresses go when it dies "
          "(vip_lease 2s).\ntandem: each pair has two servers of its own (hz 1), asked each second. "
          f"All run with nice {systems.NICE}.\n"
          "client ms: when its ARP table knows B for the last VIP.")
    rows = []
    try:
        for interval in options.intervals:
            for count in options.pairs:
                group = group_of(count, interval, options)
                if group is None:
                    return 1
                rows += group
    except KeyboardInterrupt:
        return 130
    print("\nCPU ms/min of one pair, master and backup, by number of pairs")
    for text in flatness(rows):
        print(text)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "processors": os.cpu_count(),
                       "seconds": options.seconds, "load_at_the_end": os.getloadavg(),
                       "rows": rows}, file, indent=1)
            file.write("\n")
    return 0


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench scale", description="Cost and takeover of many pairs on one host.")
    parser.add_argument("--seconds", type=int, default=10, help="idle, of each (10)")
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS,
                        help="how many (1 50 250); over 250 without the agent, at most 1000")
    parser.add_argument("--intervals", type=int, nargs="+", default=INTERVALS,
                        help="milliseconds between adverts (1000 100)")
    parser.add_argument("--systems", nargs="+", default=list(systems.SYSTEMS),
                        choices=list(systems.SYSTEMS), help="whom (all four)")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in this file")
    parser.add_argument("--build", default="build/release", help="where the programs are")
    options = parser.parse_args()
    if any(not 0 < count <= systems.System.most for count in options.pairs):
        parser.error(f"--pairs: 1 to {systems.System.most}")
    return options


if __name__ == "__main__":
    sys.exit(run_alone("scale", measure, arguments()))
