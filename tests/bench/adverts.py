"""./dev bench adverts: how punctual the adverts of Tandem and of keepalived are, side by side.

Both run at the same time, each on a wire of its own: for every interval one process with realtime
priority and one without. All are watched first on an idle machine, then with one busy loop for each
processor. Tandem does its whole work meanwhile, a Redis pair included; keepalived has no scripts.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import hosts as network  # noqa: E402
import redis  # noqa: E402
from alone import run_alone  # noqa: E402
from capture import Capture  # noqa: E402
from figures import punctuality, table  # noqa: E402

TANDEM_WIRE, KEEPALIVED_WIRE = "tandem-bench-1", "tandem-bench-2"
A = network.Host("bench-a", "10.78.0.1")
B = network.Host("bench-b", "10.78.0.2")
K = network.Host("bench-k", "10.79.0.1")
WIRES = {TANDEM_WIRE: [A, B], KEEPALIVED_WIRE: [K]}
# VRID: interval in milliseconds, with realtime priority.
ROUTERS = dict(enumerate(
    [(interval, realtime) for realtime in (True, False) for interval in (10, 100, 1000)], start=1))
PASSWORD = "measured"

TANDEM = """\
[agent]
node = "bench"
state_dir = "{folder}"
control_socket = "{folder}/control.sock"
realtime = {realtime}
log = {{ level = "info", target = "stderr" }}

[[pair]]
name = "redis"
interface = "eth0"
vrid = {vrid}
priority = 250
advert_interval = "{interval}ms"
vips = ["10.78.0.{vip}/24"]

[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{own}:{port}"
password_file = "{password_file}"

[pair.peer]
server = "{peer}:{port}"
"""

KEEPALIVED = """\
global_defs {{
  router_id bench
  {priority}
}}
vrrp_instance bench {{
  state BACKUP
  interface eth0
  version 3
  virtual_router_id {vrid}
  priority 250
  advert_int {seconds}
  virtual_ipaddress {{
    10.79.0.{vip}/24 dev eth0
  }}
}}
"""
# What tandemd does by itself is asked of keepalived by name; left alone it would also raise its
# priority by itself once it finds that it is late.
KEEPALIVED_PRIORITY = {True: "vrrp_rt_priority 50\n  vrrp_no_swap", False: "max_auto_priority -1"}


class Program:
    """One tandemd or keepalived, and the thread of it that sends adverts."""

    def __init__(self, wire, vrid, process, pid):
        self.wire = wire
        self.vrid = vrid
        self.process = process
        self.pid = pid

    def is_realtime(self):
        return os.sched_getscheduler(self.pid()) & 0x7 == os.SCHED_RR


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench adverts", description="Punctuality of adverts, beside keepalived's.")
    parser.add_argument("--seconds", type=int, default=90, help="idle, and as many busy (90)")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in this file")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


def measure(options):
    folder = tempfile.mkdtemp(prefix="tandem-bench-")
    capture = Capture()
    kept = False
    clear()
    try:
        print(f"{platform.node() or 'this machine'}, {len(processors())} processors, Linux "
              f"{platform.release()}, load {load_words()}, {keepalived_version()}", flush=True)
        programs = build(folder, os.path.abspath(options.build), capture)
        priorities = realtime_words(programs)
        rows = watch("idle", capture, options.seconds, priorities)
        loops = [busy_loop(processor) for processor in processors()]
        try:
            rows += watch("busy", capture, options.seconds, priorities)
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
        report(rows, programs, capture.lost(), options)
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        kept = True
        print(f"bench: {error}; logs: {folder}", file=sys.stderr)
        return 1
    finally:
        capture.close()
        clear()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


# ---- the arrangement ----------------------------------------------------------------------------


def build(folder, programs, capture):
    for wire, hosts in WIRES.items():
        network.make(hosts, wire)
        capture.listen(wire, wire, hosts[0].port)
    password_file = start_redis(folder)
    running = []
    for vrid, (interval, realtime) in ROUTERS.items():
        running.append(start_tandem(folder, programs, vrid, interval, realtime, password_file))
        running.append(start_keepalived(folder, vrid, interval, realtime))
    wanted = {(program.wire, program.vrid) for program in running}
    heard = capture.adverts(30, enough=lambda adverts: wanted <= adverts.keys())
    if missing := wanted - heard.keys():
        raise RuntimeError(f"no adverts from {sorted(missing)}")
    return running


def start_redis(folder):
    password_file = os.path.join(folder, "redis.password")
    with open(password_file, "w", opener=redis.private, encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    servers = []
    for host, peer in ((A, B), (B, A)):
        place = os.path.join(folder, host.label)
        os.mkdir(place)
        server = redis.Server(host, peer.address, place, PASSWORD, persistent=False)
        server.configure()
        server.start(replica=host is B)
        servers.append(server)
    deadline = time.monotonic() + 20
    while not servers[1].is_synced_replica():
        if time.monotonic() > deadline:
            raise RuntimeError(servers[1].describe())
        time.sleep(0.1)
    return password_file


def start_tandem(folder, programs, vrid, interval, realtime, password_file):
    place = os.path.join(folder, f"tandem-{vrid}")
    os.mkdir(place, 0o700)
    text = TANDEM.format(
        folder=place, realtime=str(realtime).lower(), vrid=vrid, interval=interval, vip=100 + vrid,
        port=redis.PORT, own=A.address, peer=B.address, password_file=password_file)
    configuration = write(place, "tandem.toml", text)
    process = start(A, place, [os.path.join(programs, "tandemd"), "--config", configuration,
                               "--foreground"])
    return Program(TANDEM_WIRE, vrid, process, lambda: process.pid)


def start_keepalived(folder, vrid, interval, realtime):
    place = os.path.join(folder, f"keepalived-{vrid}")
    os.mkdir(place, 0o700)
    text = KEEPALIVED.format(priority=KEEPALIVED_PRIORITY[realtime], vrid=vrid,
                             seconds=interval / 1000, vip=100 + vrid)
    configuration = write(place, "keepalived.conf", text)
    pid_file = os.path.join(place, "vrrp.pid")
    process = start(K, place, [
        "keepalived", "--vrrp", "--dont-fork", "--log-console", "--use-file", configuration,
        "--pid", os.path.join(place, "parent.pid"), "--vrrp_pid", pid_file])

    def pid():
        with open(pid_file, encoding="utf-8") as file:
            return int(file.read())

    return Program(KEEPALIVED_WIRE, vrid, process, pid)


def start(host, place, argv):
    with open(os.path.join(place, "log"), "ab") as log:
        return host.start(argv, stdout=log, stderr=log)


def write(place, name, text):
    path = os.path.join(place, name)
    with open(path, "w", opener=redis.private, encoding="utf-8") as file:
        file.write(text)
    return path


def clear():
    for wire, hosts in WIRES.items():
        network.remove(hosts, wire)


# ---- the measurement ----------------------------------------------------------------------------


def realtime_words(programs):
    """{VRID: "yes", "no" or "refused"}: a system may refuse what the configuration asks for."""
    words = {vrid: "yes" if realtime else "no" for vrid, (_, realtime) in ROUTERS.items()}
    refused = [program for program in programs
               if program.is_realtime() != (words[program.vrid] == "yes")]
    for program in refused:
        words[program.vrid] = "refused"
    if refused:
        print(f"note: this system refuses realtime priority to {len(refused)} of {len(programs)} "
              "programs (in a cgroup of version 1, cpu.rt_runtime_us must not be 0); they run with "
              "ordinary priority")
    return words


def watch(load, capture, seconds, priorities):
    print(f"{load}: {seconds} s ...", flush=True)
    adverts = capture.adverts(seconds)
    return [{"load": load, "realtime": priorities[vrid], "interval_ms": interval,
             "tandem": punctuality(adverts.get((TANDEM_WIRE, vrid), []), interval),
             "keepalived": punctuality(adverts.get((KEEPALIVED_WIRE, vrid), []), interval)}
            for vrid, (interval, _) in ROUTERS.items()]


def busy_loop(processor):
    """A program that keeps one processor busy, nice 0 and without realtime priority."""
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    os.sched_setaffinity(loop.pid, {processor})
    return loop


def report(rows, programs, lost, options):
    print("\n" + table(rows))
    print(f"\nload at the end {load_words()}; frames lost by the capture: {lost}")
    for program in programs:
        if program.process.poll() is not None:
            raise RuntimeError(f"{program.wire} VRID {program.vrid} has ended")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "processors": len(processors()),
                       "keepalived": keepalived_version(), "seconds": options.seconds,
                       "load_at_the_end": os.getloadavg(), "frames_lost": lost, "rows": rows},
                      file, indent=1)
            file.write("\n")


def processors():
    return sorted(os.sched_getaffinity(0))


def load_words():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def keepalived_version():
    done = subprocess.run(["keepalived", "--version"], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).split()
    return " ".join(words[:2]) or "keepalived"


if __name__ == "__main__":
    sys.exit(run_alone("adverts", measure, arguments()))
