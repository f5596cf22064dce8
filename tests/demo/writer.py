"""The client: a program that writes through the virtual IP all the time and remembers every
acknowledged write. It runs on the client's host and talks to the demo in lines.

Lines in: `phase N` files the following writes under N, `count ADDRESS` reads all acknowledged
writes back from there, `stop` ends the writing. Lines out are JSON: refused, accepted, progress,
counted, stopped. A write without an answer is not acknowledged, whatever became of it.
"""

import json
import socket
import sys
import threading
import time

import resp

PACE = 0.002     # one write each 2 ms at most: the precision of what is measured
PATIENCE = 0.03  # no answer for this long is a refusal; the next try is a new connection
RETRY = 0.005
GAP = 0.05       # a slow answer is shorter than this
BATCH = 500


class Writer:
    def __init__(self, address, port, password, gap):
        self._target = (address, port)
        self._gap = gap
        self._password = password
        self._connection = None
        self._acknowledged = {}
        self._phase = 0
        self._next = 0
        self._last_acknowledged = None
        self._refused = False
        self._failed = 0  # since the last acknowledgement
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def write_on(self):
        due = time.monotonic()
        reported = due
        while not self._stopping.is_set():
            due = max(due + PACE, time.monotonic())
            if not self._write_one():
                due = time.monotonic() + RETRY
            if time.monotonic() - reported > 0.1:
                reported = time.monotonic()
                tell("progress", acknowledged=self._count())
            self._stopping.wait(max(0, due - time.monotonic()))
        tell("stopped", acknowledged=self._count())

    def set_phase(self, phase):
        with self._lock:
            self._phase = phase

    def stop(self):
        self._stopping.set()

    def count(self, address):
        """Reads back, with a connection of its own, what was acknowledged until now."""
        with self._lock:
            snapshot = {phase: list(numbers) for phase, numbers in self._acknowledged.items()}
        answer = {"address": address, "phases": {}}
        try:
            connection = resp.Connection((address, self._target[1]), self._password, timeout=5)
            for phase, numbers in snapshot.items():
                answer["phases"][phase] = {
                    "acknowledged": len(numbers), "missing": missing(connection, numbers)}
            connection.close()
        except (OSError, resp.ReplyError) as error:
            answer["error"] = str(error)
        tell("counted", **answer)

    def _write_one(self):
        number = self._next
        self._next += 1
        try:
            if self._connection is None:
                self._connection = resp.Connection(self._target, self._password, PATIENCE)
            self._connection.call("SET", key(number), number)
        except (OSError, resp.ReplyError) as error:
            self._note_refusal(error)
            return False
        self._note_acknowledgement(number)
        return True

    def _note_refusal(self, error):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._failed += 1
        if not self._refused:
            self._refused = True
            tell("refused", why=words_for(error))

    def _note_acknowledgement(self, number):
        now = time.monotonic()
        gap = now - self._last_acknowledged if self._last_acknowledged is not None else 0
        if self._last_acknowledged is not None and (self._refused or gap > self._gap):
            tell("accepted", gap_ms=round(gap * 1000), failed=self._failed)
        self._refused = False
        self._failed = 0
        self._last_acknowledged = now
        with self._lock:
            self._acknowledged.setdefault(self._phase, []).append(number)

    def _count(self):
        with self._lock:
            return sum(len(numbers) for numbers in self._acknowledged.values())


def key(number):
    return f"demo:{number}"


def missing(connection, numbers):
    count = 0
    for begin in range(0, len(numbers), BATCH):
        batch = numbers[begin:begin + BATCH]
        found = connection.call("MGET", *(key(number) for number in batch))
        count += sum(value != str(number) for number, value in zip(batch, found))
    return count


def words_for(error):
    if isinstance(error, socket.timeout):
        return "no answer"
    if isinstance(error, resp.ReplyError):
        return str(error).split(".")[0]
    return error.strerror.lower() if getattr(error, "strerror", None) else str(error)


_output = threading.Lock()


def tell(event, **facts):
    with _output:
        print(json.dumps({"event": event, "at": time.monotonic(), **facts}), flush=True)


def main(address, port, password_file, gap=GAP):
    with open(password_file, encoding="utf-8") as file:
        writer = Writer(address, int(port), file.read().strip(), float(gap))
    thread = threading.Thread(target=writer.write_on)
    thread.start()
    try:
        for line in sys.stdin:
            command, _, argument = line.strip().partition(" ")
            if command == "phase":
                writer.set_phase(int(argument))
            elif command == "count":
                writer.count(argument)
            elif command == "stop":
                writer.stop()
                thread.join()
    finally:
        writer.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
