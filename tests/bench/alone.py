"""The frame of a measurement that owns the machine's namespaces: root, one at a time, interruptible."""

import fcntl
import os
import signal
import sys

LOCK = "/tmp/tandem-bench.lock"


def run_alone(what, measure, options):
    """What `measure(options)` answers: the exit code. `what` is the verb of ./dev bench."""
    if os.geteuid() != 0:
        sys.exit(f"bench: network namespaces need root: sudo ./dev bench {what}")
    with open(LOCK, "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("bench: another measurement is running on this machine")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        return measure(options)
