"""Moments in which the machine itself stood still: a virtual processor that was not run.

For each processor one program on SCHED_FIFO, above everything that is measured, sleeps a
millisecond at a time and writes down when it woke up late. Run as a program it is one of those.
"""

import os
import subprocess
import sys
import time

PACE = 0.001     # seconds
LATE = 0.003     # seconds after its time that are a stall
PRIORITY = 90    # above the agents (1) and keepalived (50)


class Stalls:
    """`is_refused()`: this system grants no realtime priority; then nothing is noticed."""

    def __init__(self, folder):
        self._files = []
        self._watchers = []
        for processor in sorted(os.sched_getaffinity(0)):
            path = os.path.join(folder, f"stalls-{processor}")
            with open(path, "wb") as file:
                self._watchers.append(subprocess.Popen(
                    [sys.executable, os.path.abspath(__file__), str(processor)], stdout=file,
                    stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))
            self._files.append(path)

    def is_refused(self):
        return any(watcher.poll() is not None for watcher in self._watchers)

    def so_far(self):
        """[(begin, end), ...] in nanoseconds since 1970, in order; no two of them touch."""
        found = []
        for path in self._files:
            with open(path, encoding="ascii") as file:
                lines = [line.split() for line in file if line.endswith("\n")]
            found += [(int(begin), int(end)) for begin, end in lines]
        return merged(found)

    def stop(self):
        for watcher in self._watchers:
            watcher.kill()
            watcher.wait()


def merged(spans):
    result = []
    for begin, end in sorted(spans):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def without(begin, end, stalls):
    """Nanoseconds between the two that were no stall."""
    return end - begin - sum(max(0, min(end, until) - max(begin, since))
                             for since, until in stalls)


def watch(processor):
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    due = time.monotonic() + PACE
    while True:
        time.sleep(max(0, due - time.monotonic()))
        late = time.monotonic() - due
        if late > LATE:
            now = time.time_ns()
            print(now - int(late * 1e9), now, flush=True)
        due = time.monotonic() + PACE


if __name__ == "__main__":
    watch(int(sys.argv[1]))
