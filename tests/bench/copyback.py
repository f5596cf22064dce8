"""./dev bench copyback: the leader's dataset copied into a file by Tandem and by redis-cli --rdb.

Both read the same server over a TCP connection, in turns, and write to the same disk: what is
compared is the receiving side, its seconds and the most memory that it held.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import redis  # noqa: E402
import resp  # noqa: E402

PORT = 16379
PASSWORD = "measured"
VALUE_BYTES = 100
STARTED, FILLED = 20, 300  # seconds


class Source:
    """The redis-server with the dataset."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def start(self):
        configuration = os.path.join(self.folder, "redis.conf")
        with open(configuration, "w", opener=redis.private, encoding="utf-8") as file:
            file.write(f"port {PORT}\nbind 127.0.0.1\ndir {self.folder}\nsave \"\"\n"
                       f"requirepass {PASSWORD}\nrepl-diskless-sync-delay 0\nenable-debug-command local\n"
                       f"logfile {self.folder}/redis.log\n")
        self.process = subprocess.Popen(["redis-server", configuration])
        deadline = time.monotonic() + STARTED
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"redis-server does not answer on port {PORT}")
            time.sleep(0.05)

    def fill(self, keys):
        """DEBUG POPULATE ends with `keys` keys of VALUE_BYTES each."""
        self._call(FILLED, "FLUSHALL")
        self._call(FILLED, "DEBUG", "POPULATE", keys, "key", VALUE_BYTES)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _answers(self):
        try:
            return self._call(1, "PING") == "PONG"
        except OSError:
            return False

    def _call(self, seconds, *words):
        connection = resp.Connection(("127.0.0.1", PORT), PASSWORD, seconds)
        try:
            return connection.call(*words)
        finally:
            connection.close()


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="tandem-copyback-")
    source = Source(folder)
    try:
        source.start()
        measure(source, options)
        return 0
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, resp.ReplyError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        source.stop()
        shutil.rmtree(folder, ignore_errors=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench copyback", description="Copying a dataset back, beside redis-cli --rdb.")
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--runs", type=int, default=3, help="of each program (3)")
    parser.add_argument("--build", default="build/release", help="where tandem is")
    return parser.parse_args()


def measure(source, options):
    password_file = os.path.join(source.folder, "redis.password")
    with open(password_file, "w", opener=redis.private, encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    target = os.path.join(source.folder, "copy.rdb")
    programs = {
        "tandem": [os.path.join(options.build, "tandem"), "fetch", "--server", f"127.0.0.1:{PORT}",
                   "--output", target, "--password-file", password_file],
        "redis-cli": ["redis-cli", "-p", str(PORT), "--rdb", target],
    }
    print(f"{'keys':>9}{'bytes':>13}  {'program':10}{'seconds, median':>16}{'max':>8}"
          f"{'peak memory':>14}")
    for keys in options.keys:
        source.fill(keys)
        runs = {name: [] for name in programs}
        size = 0
        for _ in range(options.runs):
            for name, argv in programs.items():  # in turns: the machine's mood is that of both
                runs[name].append(run(argv))
                size = os.path.getsize(target)
                os.remove(target)
        for name, measured in runs.items():
            seconds = [one for one, _ in measured]
            print(f"{keys:>9}{size:>13}  {name:10}{statistics.median(seconds):>16.2f}"
                  f"{max(seconds):>8.2f}{max(kib for _, kib in measured) / 1024:>10.1f} MiB",
                  flush=True)
        mine, theirs = (statistics.median(one for one, _ in runs[name]) for name in programs)
        print(f"{'':22}  {'ratio':10}{mine / theirs:>16.2f}")


def run(argv):
    """Seconds, and the most resident memory in KiB."""
    begin = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "REDISCLI_AUTH": PASSWORD})
    peak = 0
    while process.poll() is None:  # its rusage would count the memory of this program, too
        peak = max(peak, high_water_mark(process.pid))
        time.sleep(0.005)
    if process.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {process.returncode}: "
                           f"{process.stderr.read().strip()}")
    return time.monotonic() - begin, peak


def high_water_mark(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
