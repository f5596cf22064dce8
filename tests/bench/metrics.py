"""./dev bench metrics: what a scrape of /metrics costs, with one pair and with 250.

One agent leads all pairs, which share one server and its replica. It is watched for a time without
scrapes and for as long with one each 100 ms: its processor time by thread, its memory, and how far
its adverts are from nominal, by kernel time.
"""

import argparse
import http.client
import json
import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import hosts as network  # noqa: E402
import redis  # noqa: E402
from alone import run_alone  # noqa: E402
from capture import Capture, Inside  # noqa: E402

WIRE = "tandem-metrics"
A = network.Host("metrics-a", "10.80.0.251")
B = network.Host("metrics-b", "10.80.0.252")
PASSWORD = "measured"
PORT = 9112
INTERVAL = 100  # milliseconds between adverts, and between scrapes
PAIRS = (1, 250)
SOON = 30

AGENT = """\
[agent]
node = "metrics"
state_dir = "{folder}"
control_socket = "{folder}/control.sock"
metrics = "127.0.0.1:{port}"
log = {{ level = "warn", target = "stderr" }}
"""
PAIR = """
[[pair]]
name = "pair{vrid}"
interface = "eth0"
vrid = {vrid}
priority = 250
advert_interval = "{interval}ms"
vips = ["10.80.0.{vrid}/24"]
[pair.server]
address = "127.0.0.1:{port}"
replication_address = "{own}:{port}"
password_file = "{folder}/redis.password"
[pair.peer]
server = "{peer}:{port}"
"""


class Agent:
    def __init__(self, folder, programs, pairs):
        self.pairs = pairs
        text = AGENT.format(folder=folder, port=PORT) + "".join(
            PAIR.format(vrid=vrid, interval=INTERVAL, folder=folder, own=A.address,
                        peer=B.address, port=redis.PORT) for vrid in range(1, pairs + 1))
        configuration = os.path.join(folder, "tandem.toml")
        write(configuration, text)
        with open(os.path.join(folder, "log"), "ab") as log:
            self.process = A.start([os.path.join(programs, "tandemd"), "--config", configuration,
                                    "--foreground"], stdout=log, stderr=log)

    def cpu(self):
        """Milliseconds of processor time until now: of all threads, and of the loop's."""
        folder = f"/proc/{self.process.pid}/task"
        each = {}
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/schedstat", encoding="utf-8") as file:
                each[int(thread)] = int(file.read().split()[0]) / 1e6
        return sum(each.values()), each[self.process.pid]

    def memory(self):
        """MiB of resident memory: now, and at most until now."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            lines = dict(line.split(":", 1) for line in file)
        return [int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")]

    def stop(self):
        self.process.kill()
        self.process.wait()


def scrape():
    """Seconds that it took, and the text."""
    begin = time.monotonic()
    with Inside(A.namespace):
        connection = socket.socket()
    with connection:
        connection.settimeout(10)
        connection.connect(("127.0.0.1", PORT))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"/metrics answers {answer.status}")
    return time.monotonic() - begin, body.decode()


# ---- the measurement -----------------------------------------------------------------------------


def measure_pairs(pairs, seconds, programs, folder):
    capture = Capture()
    agent = Agent(folder, programs, pairs)
    try:
        capture.listen("a", WIRE, A.port)
        wait_until_all_lead(agent, capture)
        memory = {"before": agent.memory()[0]}
        quiet = watch(agent, capture, seconds, lambda: None)
        took, size = [], []

        def one():
            duration, text = scrape()
            took.append(duration * 1000)
            size.append(len(text))

        scraped = watch(agent, capture, seconds, one)
        memory["after"], memory["at most"] = agent.memory()
        if lost := capture.lost():
            raise RuntimeError(f"{lost} frames were lost by the capture")
        count = len(took)
        return {"pairs": pairs, "scrapes": count, "bytes": statistics.median(size),
                "took_ms": took, "memory_mib": memory, "quiet": quiet, "scraped": scraped,
                "cpu_ms": [(with_them - without) / count for with_them, without
                           in zip(scraped["cpu_ms"], quiet["cpu_ms"])]}
    finally:
        agent.stop()
        capture.close()


def wait_until_all_lead(agent, capture):
    heard = capture.adverts(SOON, enough=lambda adverts: len(adverts) == agent.pairs)
    if len(heard) != agent.pairs:
        raise RuntimeError(f"{len(heard)} of {agent.pairs} pairs lead within {SOON} s")
    capture.adverts(5)  # its second announcement is behind it then
    leading = scrape()[1].count('state="leading"} 1')
    if leading != agent.pairs:
        raise RuntimeError(f"{leading} of {agent.pairs} pairs lead")


def watch(agent, capture, seconds, act):
    """Processor time and adverts of this time, while `act` is done each INTERVAL."""
    ending = threading.Event()
    problems = []

    def act_on():
        due = time.monotonic()
        try:
            while not ending.wait(max(0, due - time.monotonic())):
                due += INTERVAL / 1000
                act()
        except (OSError, RuntimeError) as error:
            problems.append(error)

    before = agent.cpu()
    actor = threading.Thread(target=act_on)
    actor.start()
    heard = capture.adverts(seconds)
    ending.set()
    actor.join()
    after = agent.cpu()
    if problems:
        raise RuntimeError(problems[0])
    intervals = sorted((second - first) / 1e6 for times in heard.values()
                       for first, second in zip(times, times[1:]))
    late = sorted(abs(interval - INTERVAL) for interval in intervals)
    return {"cpu_ms": [end - begin for begin, end in zip(before, after)],
            "adverts": len(intervals), "median": statistics.median(late),
            "p99": late[math.ceil(0.99 * len(late)) - 1], "gap": intervals[-1]}


# ---- the arrangement -----------------------------------------------------------------------------


def build(folder):
    network.make([A, B], WIRE)
    write(os.path.join(folder, "redis.password"), PASSWORD + "\n")
    servers = []
    for host, peer in ((A, B), (B, A)):
        place = os.path.join(folder, host.label)
        os.mkdir(place)
        servers.append(redis.Server(host, peer.address, place, PASSWORD, persistent=False))
        servers[-1].configure()
        servers[-1].start(replica=host is B)
    deadline = time.monotonic() + SOON
    while not servers[1].is_synced_replica():
        if time.monotonic() > deadline:
            raise RuntimeError(servers[1].describe())
        time.sleep(0.1)


def write(path, text):
    with open(path, "w", opener=redis.private, encoding="utf-8") as file:
        file.write(text)


def clear():
    network.remove([A, B], WIRE)


def measure(options):
    print(f"{platform.node() or 'this machine'}, {os.cpu_count()} processors, Linux "
          f"{platform.release()}, load {os.getloadavg()[0]:.1f}; adverts each {INTERVAL} ms, "
          f"{options.seconds} s without scrapes, and with one each {INTERVAL} ms", flush=True)
    rows = []
    for pairs in options.pairs:
        folder, kept = tempfile.mkdtemp(prefix="tandem-metrics-"), False
        clear()
        try:
            build(folder)
            rows.append(measure_pairs(pairs, options.seconds, os.path.abspath(options.build),
                                      folder))
        except KeyboardInterrupt:
            return 130
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            kept = True
            print(f"bench: {pairs} pair(s): {error}; logs: {folder}", file=sys.stderr)
            return 1
        finally:
            clear()
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        print("\n" + words(rows[-1]), flush=True)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"kernel": platform.release(), "processors": os.cpu_count(),
                       "interval_ms": INTERVAL, "seconds": options.seconds,
                       "load_at_the_end": os.getloadavg(), "rows": rows}, file, indent=1)
            file.write("\n")
    return 0


def words(row):
    took, memory, quiet, scraped = (row[key] for key in ("took_ms", "memory_mib", "quiet",
                                                         "scraped"))
    rows = [f"{row['pairs']} pair(s), {row['scrapes']} scrapes",
            f"  a scrape: {row['bytes']:.0f} bytes; answered after "
            f"{statistics.median(took):.1f} ms (median), {max(took):.1f} ms (max); processor "
            f"{row['cpu_ms'][0]:.2f} ms, of it {row['cpu_ms'][1]:.2f} ms in the loop",
            f"  memory: {memory['before']:.1f} MiB before, {memory['after']:.1f} MiB after, "
            f"{memory['at most']:.1f} MiB at most"]
    for name, of in (("without", quiet), ("with", scraped)):
        rows.append(f"  {name + ' scrapes:':17}{of['adverts']} intervals of adverts, from nominal "
                    f"{of['median']:.3f} ms (median), {of['p99']:.3f} ms (p99), longest "
                    f"{of['gap']:.1f} ms")
    return "\n".join(rows)


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench metrics", description="Cost of /metrics, and what adverts feel of it.")
    parser.add_argument("--seconds", type=int, default=30, help="without scrapes, and with (30)")
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS, help="how many (1 250)")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in this file")
    parser.add_argument("--build", default="build/release", help="where tandemd and tandem are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_alone("metrics", measure, arguments()))
