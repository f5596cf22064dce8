"""Times of adverts as figures, and two programs' figures side by side."""

import math

COLUMNS = ("median", "p99", "max", "gap")


def punctuality(times, interval_ms):
    """How far the intervals are from nominal: median, 99th and 99.9th percentile and maximum of the
    absolute deviation, and the longest interval itself; all in milliseconds. None without any."""
    return deviation([(after - before) / 1e6 for before, after in zip(times, times[1:])],
                     interval_ms)


def deviation(intervals, interval_ms):
    if not intervals:
        return None
    deviations = sorted(abs(interval - interval_ms) for interval in intervals)

    def at(share):
        return deviations[max(0, math.ceil(share * len(deviations)) - 1)]

    return {"intervals": len(intervals), "median": at(0.5), "p99": at(0.99),
            "p99.9": at(0.999), "max": deviations[-1], "gap": max(intervals)}


def table(rows):
    """`rows`: dictionaries of load, realtime, interval_ms and the figures of the two programs."""
    lines = [
        "Milliseconds that an interval between two adverts is away from nominal, and the longest "
        "interval (gap).",
        "",
        f"{'':26}{'tandem':^39}{'keepalived':^39}{'tandem / keepalived':^27}",
        f"{'load':6}{'realtime':10}{'interval':>8}  " + 2 * _heading() + _heading(COLUMNS[:3], ""),
    ]
    for row in rows:
        mine, theirs = row["tandem"], row["keepalived"]
        lines.append(f"{row['load']:6}{row['realtime']:10}"
                     f"{row['interval_ms']:>5} ms  " + _figures(mine) + _figures(theirs)
                     + _ratios(mine, theirs))
    return "\n".join(lines)


def _heading(columns=COLUMNS, counted="n"):
    return (f"{counted:>6}" if counted else "   ") + "".join(f"{name:>8}" for name in columns)[:33]


def _figures(figures):
    if figures is None:
        return f"{'no adverts':^38}"
    return f"{figures['intervals']:>6}" + "".join(f"{_short(figures[name]):>8}" for name in COLUMNS)


def _ratios(mine, theirs):
    if mine is None or theirs is None:
        return ""
    return "   " + "".join(
        f"{mine[name] / theirs[name]:>8.2f}" if theirs[name] else f"{'-':>8}"
        for name in COLUMNS[:3])


def _short(milliseconds):
    return f"{milliseconds:.3f}" if milliseconds < 100 else f"{milliseconds:.1f}"
