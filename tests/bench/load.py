"""What makes a pair's hosts busy: data that make forks felt, BGSAVEs, a loop on each processor."""

import time

import resp
from adverts import busy_loop, processors

SAVE_EVERY = 5             # seconds
VALUE = 4000               # bytes of a value that fills the server
FILL_AT_ONCE = 250         # values: a call of few milliseconds
FILL = """\
for i = ARGV[1], ARGV[1] + ARGV[2] - 1 do
  redis.call('SET', 'fill:' .. string.format('%d', i), string.rep(redis.sha1hex(i), ARGV[3] / 40))
end
"""


def fill(pair, megabytes):
    """Not everything is quiet yet: whatever is refused is written again, to whoever leads then."""
    def written(first):
        try:
            for node in (pair.a, pair.b):
                if node.server.is_master():
                    node.call("EVAL", FILL, 0, first, FILL_AT_ONCE, VALUE)
                    return True
        except (OSError, resp.ReplyError):
            pass
        return False
    for first in range(0, megabytes * 1024 * 1024 // VALUE, FILL_AT_ONCE):
        pair.until("the server takes its data", lambda at=first: written(at))
        time.sleep(0.002)
    pair.until("a leader beside a standby that has everything", lambda: any(
        node.status()["standby_in_sync"] for node in (pair.a, pair.b)), 60)


def prefer(servers):
    """A larger share of the processors than the busy loops, as CPUWeight= of their unit gives."""
    for server in servers:
        try:
            with open(f"/proc/{server.process.pid}/autogroup", "w", encoding="ascii") as file:
                file.write("-20")
        except OSError as error:
            raise RuntimeError(f"this kernel knows no /proc/PID/autogroup: {error}; use "
                               "--plain-servers") from None


class Saves:
    """BGSAVEs of whichever server is the master, and how long each fork took."""

    def __init__(self, pair):
        self._pair = pair
        self.forks = []  # (nanoseconds since 1970, milliseconds)

    def save(self):
        for node in (self._pair.a, self._pair.b):
            if not node.server.is_master():
                continue
            try:
                node.call("BGSAVE")
                text = node.call("INFO", "stats")
            except (OSError, resp.ReplyError):
                return  # one is still under way
            self.forks += [(time.time_ns(), int(line.split(":")[1]) / 1000)
                           for line in text.splitlines() if line.startswith("latest_fork_usec:")]
            return


def stay(seconds, act=None):
    """The window of this time; `act` is done every few seconds."""
    begin = time.time_ns()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if act:
            act()
        time.sleep(max(0, min(SAVE_EVERY if act else left, end - time.monotonic())))
    return begin, time.time_ns()


def stay_busy(seconds, saves):
    loops = [busy_loop(processor) for processor in processors()]
    try:
        return stay(seconds, saves.save)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
