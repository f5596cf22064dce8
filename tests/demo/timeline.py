"""What the audience sees: headings, events in the order in which they happened, tables.

Events come from several threads with the time at which they happened; they are held back for a
moment and printed sorted. Times are milliseconds since the last fault (or the act's begin).
"""

import heapq
import itertools
import os
import shutil
import sys
import textwrap
import threading
import time

HOLD_BACK = 0.08
INDENT = " " * 24
COLOURS = {"fault": "1;31", "repair": "1;32", "address": "33", "client": "32", "refused": "31",
           "agent": "36"}


class Timeline:
    def __init__(self):
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._width = min(shutil.get_terminal_size((80, 24)).columns, 100)
        self._zero = time.monotonic()
        self._waiting = []
        self._sequence = itertools.count()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._printer = threading.Thread(target=self._print_on, daemon=True)
        self._printer.start()

    def act(self, heading):
        self.flush()
        self._zero = time.monotonic()
        self._print("\n" + self._paint("1", heading))

    def fault(self, text, kind="fault"):
        """Says what is broken or repaired now; the clock of the timeline starts over."""
        self.flush()
        self._zero = time.monotonic()
        self.event(kind, text, self._zero, colour=kind)

    def event(self, source, text, at=None, colour=None):
        at = time.monotonic() if at is None else at
        with self._lock:
            heapq.heappush(self._waiting, (at, next(self._sequence), source, text, colour))

    def text(self, text):
        """Plain lines between the events."""
        self.flush()
        self._print(text)

    def flush(self):
        self._print_until(float("inf"))

    def close(self):
        self._closed.set()
        self._printer.join()
        self.flush()

    def _print_on(self):
        while not self._closed.wait(0.02):
            self._print_until(time.monotonic() - HOLD_BACK)

    def _print_until(self, until):
        with self._lock:
            while self._waiting and self._waiting[0][0] <= until:
                at, _, source, text, colour = heapq.heappop(self._waiting)
                self._print(self._event_text(at, source, text, colour))

    def _event_text(self, at, source, text, colour):
        stamp = f"{round((at - self._zero) * 1000):+d} ms"
        body = textwrap.fill(text, self._width, initial_indent=INDENT, subsequent_indent=INDENT,
                             break_on_hyphens=False)
        label = self._paint(COLOURS.get(colour or source.split()[0], "0"), f"{source:<8}")
        return f"  {stamp:>10}  {label}  {body[len(INDENT):]}"

    def _paint(self, colour, text):
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text

    @staticmethod
    def _print(text):
        """A reader that went away (a closed pipe) must not keep the stage from being cleared."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(heading, rows):
    """Columns as wide as they need; the first is text, the others are numbers."""
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]

    def cells(line):
        first = line[0].ljust(widths[0])
        return "  ".join([first, *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join("  " + line for line in [cells(heading), rule, *map(cells, rows)])
