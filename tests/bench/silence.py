"""For how long a server answers nobody: the patience with a hung one must be longer than that.

Run as a program on SCHED_FIFO, where it is allowed, it sends one PING after the other through the
server's own socket and writes down each that took long: what is late then is the server.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))

import resp  # noqa: E402

PACE = 0.005   # seconds between PINGs
LONG = 0.010   # seconds that are written down
PRIORITY = 80
PATIENCE = 60


class Silence:
    """`server` is a redis.Server; the password comes from a file, never from a command line."""

    def __init__(self, server, password_file, path):
        self._path = path
        with open(path, "wb") as file:
            self._prober = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), server.socket, password_file],
                stdout=file, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True)

    def longest_ms(self, window):
        """Of those that ended in this window, 0 when each was short; the five longest first."""
        with open(self._path, encoding="ascii") as file:
            spans = [tuple(map(int, line.split())) for line in file if line.endswith("\n")]
        return sorted(((end - begin) / 1e6 for begin, end in spans
                       if window[0] <= end <= window[1]), reverse=True)[:5]

    def stop(self):
        self._prober.kill()
        self._prober.wait()


def probe(path, password_file):
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        pass  # then its own lateness is in the figures, too
    with open(password_file, encoding="utf-8") as file:
        connection = resp.Connection(path, file.read().strip(), PATIENCE)
    while True:
        begin = time.monotonic()
        try:
            connection.call("PING")
        except resp.ReplyError:
            pass  # it loads its data: an answer, too
        took = time.monotonic() - begin
        if took > LONG:
            now = time.time_ns()
            print(now - int(took * 1e9), now, flush=True)
        time.sleep(PACE)


if __name__ == "__main__":
    probe(sys.argv[1], sys.argv[2])
