"""Where a virtual IP was when, on two hosts: takeovers, losses, both hosts at once."""

import time


class Moves:
    """Where a VIP is, as the kernels of both hosts say; a timeline for watch.Addresses."""

    def __init__(self):
        self._events = []  # (nanoseconds since 1970, host, it came)

    def event(self, source, text, at=None, colour=None):
        words = text.split()
        self._events.append((time.time_ns(), words[-1], " left " not in text))

    def is_known(self):
        return bool(self._events)

    def takeovers(self, window):
        """Arrivals on another host than the one on which it arrived last."""
        count, last = 0, None
        for at, host, came in self._events:
            if came and host != last:
                count += window[0] <= at <= window[1]
                last = host
        return count

    def losses(self, window):
        return sum(not came and window[0] <= at <= window[1] for at, _, came in self._events)

    def twice_ms(self, window):
        """For how long it was on both hosts."""
        holders, total, since = set(), 0, None
        for at, host, came in [*self._events, (window[1], None, False)]:
            if since is not None:
                total += max(0, min(at, window[1]) - max(since, window[0]))
            holders = holders | {host} if came else holders - {host}
            since = at if len(holders) > 1 else None
        return total / 1e6
