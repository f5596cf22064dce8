"""The story: steady state, a killed server, its return, a lost host, its return.

Each act breaks or repairs something and then waits for what must follow, with a deadline. What does
not come is reported with what is there instead.
"""

import time
from dataclasses import dataclass

import hosts as network
from timeline import table

ACTS = [
    "1  Steady state: A holds the master and the virtual IP, B its replica",
    "2  kill -9 of the master's redis-server on A",
    "3  The server of A returns, empty and in quarantine",
    "4  The leader's host disappears: B's cable is cut, all on it is killed",
    "5  The host of B comes back",
]
SHORT = ["steady state", "A: redis-server killed (kill -9)", "A: redis-server returns, empty",
         "B: host lost (cable, power)", "B: host returns"]


class Unmet(Exception):
    """A condition that did not come true in time."""


@dataclass
class Side:
    host: network.Host
    server: object
    agent: object


class Story:
    def __init__(self, a, b, client, addresses, timeline):
        self._a = a
        self._b = b
        self._client = client
        self._addresses = addresses
        self._timeline = timeline

    def tell(self):
        self._steady_state()
        self._server_killed()
        self._server_returns()
        self._host_lost()
        self._host_returns()
        return self._balance()

    def _steady_state(self):
        """The pair is there before Tandem is, as in the field: the agents find it and adopt it."""
        self._timeline.act(ACTS[0])
        self._a.server.start(replica=False)
        self._b.server.start(replica=True)
        self._wait_for_replica(self._b, seconds=10)
        self._timeline.fault("the agents are started on both hosts", "start")
        self._a.agent.start()
        self._b.agent.start()
        self._wait_for_leader(self._a, self._b, seconds=20)
        self._wait_for_standby(self._b, self._a, seconds=20)
        self._client.start()
        self._client.phase(1)
        self._writes_go_on()
        self._show_status()

    def _server_killed(self):
        self._begin(2)
        pid = self._a.server.process.pid
        self._timeline.fault(f"kill -9 {pid}, the redis-server of A")
        self._a.server.kill()
        self._wait_for_leader(self._b, self._a, seconds=15)
        self._writes_go_on()

    def _server_returns(self):
        self._begin(3)
        self._timeline.fault("the redis-server of A is started in quarantine", "repair")
        self._a.server.start_in_quarantine()
        self._wait_for_standby(self._a, self._b, seconds=20)
        self._expect(self._a_has_what_b_has, 10, "A has every acknowledged write that B has",
                     lambda: self._describe_missing(self._a),
                     lambda: self._describe_missing(self._b))
        self._timeline.event("client", "read back from A and B: " + self._describe_missing(self._a))
        self._expect(lambda: self._addresses.holders() == {"B"}, 1,
                     "the virtual IP stays on B", self._addresses.describe)
        self._writes_go_on()

    def _host_lost(self):
        self._begin(4)
        self._timeline.fault("the cable of B is cut, everything on B is killed")
        network.cable(self._b.host, "down")
        self._b.host.kill_everything()
        self._b.server.process.wait()
        self._b.agent.process.wait()
        self._wait_for_leader(self._a, self._b, seconds=15)
        self._writes_go_on()

    def _host_returns(self):
        self._begin(5)
        self._timeline.fault("B is plugged in, its server and its agent are started", "repair")
        network.cable(self._b.host, "up")
        self._b.server.start_in_quarantine()
        self._b.agent.start()
        self._wait_for_standby(self._b, self._a, seconds=20)
        self._expect(lambda: self._addresses.holders() == {"A"}, 5,
                     "A alone holds the virtual IP", self._addresses.describe)
        self._writes_go_on()
        self._show_status()

    def _begin(self, act):
        self._timeline.act(ACTS[act - 1])
        self._client.phase(act)

    def _wait_for_leader(self, leader, other, seconds):
        name = leader.host.label
        self._expect(leader.server.is_master, seconds,
                     f"the server of {name} is the master", leader.server.describe,
                     leader.agent.describe, other.agent.describe)
        self._expect(lambda: name in self._addresses.holders(), seconds,
                     f"{name} holds the virtual IP", self._addresses.describe,
                     leader.agent.describe)
        self._expect(lambda: leader.agent.state() == "leading", seconds,
                     f"the agent of {name} is leading", leader.agent.describe)

    def _wait_for_replica(self, side, seconds):
        self._expect(side.server.is_synced_replica, seconds,
                     f"the server of {side.host.label} is a replica with its link up",
                     side.server.describe, side.agent.describe)

    def _wait_for_standby(self, side, leader, seconds):
        """The leader's word counts: it knows when its stream has reached the replica."""
        name = side.host.label
        self._wait_for_replica(side, seconds)
        self._expect(lambda: side.agent.state() == "standby", seconds,
                     f"the agent of {name} is standby", side.agent.describe)
        self._expect(leader.agent.has_standby_in_sync, seconds,
                     f"the leader says that {name} is in sync", leader.agent.describe)
        self._timeline.event("server " + name, side.server.describe())

    def _writes_go_on(self):
        """At least half a second of writes, all accepted."""
        begin = self._client.acknowledged()
        self._expect(lambda: self._client.acknowledged() >= begin + 100
                     and not self._client.is_refused(), 10,
                     "100 more writes are acknowledged",
                     lambda: f"{self._client.acknowledged() - begin} were acknowledged",
                     self._addresses.describe)
        self._timeline.event("client", f"{self._client.acknowledged()} writes acknowledged so far")

    def _a_has_what_b_has(self):
        on_b, on_a = self._missing(self._b), self._missing(self._a)
        return on_a is not None and on_b is not None and on_a <= on_b

    def _missing(self, side):
        counted = self._client.count(side.host.address)
        return None if counted is None else sum(missing for _, missing in counted.values())

    def _describe_missing(self, side):
        missing = self._missing(side)
        if missing is None:
            return f"the client cannot read from {side.host.label}"
        return f"{missing} acknowledged writes are missing on {side.host.label}"

    def _show_status(self):
        for side in (self._a, self._b):
            text = "\n".join("    " + line for line in side.agent.status_text().splitlines())
            self._timeline.text(f"\n  tandem status on {side.host.label}\n{text}")

    def _balance(self):
        """The table at the end: everything the client was promised, read through the virtual IP."""
        self._expect(self._client.stop_writing, 1, "the client stops writing", lambda: "it goes on")
        counted = {}

        def count():
            nonlocal counted
            counted = self._client.count(self._client.vip)
            return counted is not None
        self._expect(count, 10, "all acknowledged writes can be read back", lambda: "no answer",
                     self._addresses.describe)
        rows = []
        for act, name in enumerate(SHORT, start=1):
            acknowledged, missing = counted.get(act, (0, 0))
            rows.append((f"{act}  {name}", f"{self._client.gap(act)} ms", str(acknowledged),
                         str(missing)))
        total = [sum(numbers) for numbers in zip(*counted.values())]
        rows.append(("   all", "", str(total[0]), str(total[1])))
        heading = ("What happened", "Writes refused", "Acknowledged", "Missing")
        self._timeline.text("\n" + table(heading, rows))
        return total[1]

    def _expect(self, condition, seconds, expected, *found):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                facts = "; ".join(describe() for describe in found)
                raise Unmet(f"expected within {seconds} s: {expected}\nfound: {facts}")
            time.sleep(0.02)
