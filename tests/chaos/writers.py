"""Several writers on one client's host: they write through the virtual IP all the time and remember
every acknowledged write and the round that it was made in.

They go to the virtual IP, or to the master that one of the Sentinels names, when they are told some.

Lines in: `round N`; `missing ROUND|all ADDRESS` reads what was acknowledged in that round, or ever,
back from there; `forget` drops what the last answer named, so that it is not named again. Lines out
are JSON. A write without an answer is not acknowledged, whatever became of it.
"""

import json
import sys
import threading
import time

import resp

PACE = 0.005
PATIENCE = 0.2  # no answer for this long: another connection
RETRY = 0.01
BATCH = 500


class Writer:
    def __init__(self, name, find, password):
        self.name = name
        self._find = find
        self._password = password
        self._connection = None
        self._next = 0
        self._round = 0
        self.acknowledged = {}
        self.lock = threading.Lock()
        self.pauses = {}  # the longest in a round, in seconds
        self._last = time.monotonic()

    def write_on(self):
        while True:
            begun = time.monotonic()
            took = self._write_one()
            rest = (PACE if took else RETRY) - (time.monotonic() - begun)
            if rest > 0:
                time.sleep(rest)

    def begin_round(self, number):
        with self.lock:
            self._round = number
            self._last = time.monotonic()

    def key(self, number):
        return f"{self.name}:{number}"

    def _write_one(self):
        number = self._next
        self._next += 1
        with self.lock:
            asked_in = self._round
        try:
            if self._connection is None:
                self._connection = connect_to_master(self._find(), self._password)
            self._connection.call("SET", self.key(number), number)
        except (OSError, resp.ReplyError):
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return False
        now = time.monotonic()
        with self.lock:
            self.acknowledged.setdefault(asked_in, []).append(number)
            pause = now - self._last
            self.pauses[self._round] = max(self.pauses.get(self._round, 0), pause)
            self._last = now
        return True


def connect_to_master(target, password):
    """As clients of Sentinel do it: who is named may be a replica already."""
    connection = resp.Connection(target, password, PATIENCE)
    if connection.call("ROLE")[0] != "master":
        connection.close()
        raise ConnectionError("not a master")
    return connection


def ask_sentinels(sentinels):
    """Where the first one that answers says the master is."""
    for sentinel in sentinels:
        try:
            connection = resp.Connection(sentinel, "", PATIENCE)
            said = connection.call("SENTINEL", "get-master-addr-by-name", "pair")
            connection.close()
            return (said[0], int(said[1]))
        except (OSError, resp.ReplyError, TypeError):
            continue
    raise ConnectionError("no Sentinel knows a master")


class Writers:
    def __init__(self, name, count, target, password, sentinels):
        def find():
            return ask_sentinels(sentinels) if sentinels else target
        self._target = target
        self._password = password
        self._writers = [Writer(f"{name}.{index}", find, password) for index in range(count)]
        self._missing = []

    def start(self):
        for writer in self._writers:
            threading.Thread(target=writer.write_on, daemon=True).start()

    def begin_round(self, number):
        for writer in self._writers:
            writer.begin_round(number)
        tell("round", number=number)

    def tell_totals(self, number):
        totals = pause = 0
        for writer in self._writers:
            with writer.lock:
                totals += len(writer.acknowledged.get(number, []))
                pause = max(pause, writer.pauses.get(number, 0))
        tell("totals", acknowledged=totals, pause=pause)

    def find_missing(self, which, address):
        self._missing = []
        answer = {"read": 0}
        try:
            connection = resp.Connection((address, self._target[1]), self._password, 10)
            for writer in self._writers:
                answer["read"] += self._look(connection, writer, which)
            connection.close()
        except (OSError, resp.ReplyError) as error:
            answer["error"] = str(error)
        tell("missing", keys=[writer.key(number) for writer, _, number in self._missing], **answer)

    def _look(self, connection, writer, which):
        read = 0
        with writer.lock:
            rounds = {number: list(numbers) for number, numbers in writer.acknowledged.items()
                      if which == "all" or number == int(which)}
        for number, numbers in rounds.items():
            read += len(numbers)
            for begin in range(0, len(numbers), BATCH):
                batch = numbers[begin:begin + BATCH]
                found = connection.call("MGET", *(writer.key(one) for one in batch))
                self._missing += [(writer, number, one)
                                  for one, value in zip(batch, found) if value != str(one)]
        return read

    def forget(self):
        for writer, number, one in self._missing:
            with writer.lock:
                writer.acknowledged[number].remove(one)
        self._missing = []
        tell("forgotten")


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def main(name, count, address, port, password_file, *sentinels):
    places = [(host, int(number)) for host, number in (one.split(":") for one in sentinels)]
    with open(password_file, encoding="utf-8") as file:
        writers = Writers(name, int(count), (address, int(port)), file.read().strip(), places)
    writers.start()
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "round":
            writers.begin_round(int(words[0]))
        elif verb == "totals":
            writers.tell_totals(int(words[0]))
        elif verb == "missing":
            writers.find_missing(*words)
        elif verb == "forget":
            writers.forget()


if __name__ == "__main__":
    main(*sys.argv[1:])
