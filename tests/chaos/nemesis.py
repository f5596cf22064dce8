"""What is done to the pair, one kind of fault each.

A fault has a name, what it may cost, and do(world, random): it breaks something and may wait for as
long as it lasts. What it has broken, World.heal() mends. PROMISE says which acknowledged writes may
be missing on the leader afterwards:

  nothing   none may be
  copy      none may be, unless a preserved copy on one of the hosts has it
  tail      the last ones before a death may be, which replication had not sent yet
  disk      all may be that no server had saved

How long there may be two of something is longest_twice()'s matter.

Who was cut off and then dies takes what only it had along: copy and tail together are disk. So are
two deaths, or one while the standby is kept behind: the last is that of the only server.
"""

import os
import signal
import time
from dataclasses import dataclass
from typing import Callable

import hosts as network
import resp
import world as place

NOTHING, COPY, TAIL, DISK = "nothing", "copy", "tail", "disk"


@dataclass(frozen=True)
class Fault:
    name: str
    promise: str
    do: Callable
    share: int = 2  # how often it is drawn, beside the others
    death: bool = False  # of a server, with what only it has in memory
    alone: bool = False  # the standby is behind while it lasts
    apart: bool = False  # the hosts may know nothing of each other while it lasts, and just after


def leader_of(world, random):
    drawn = random.choice(world.sides)  # always: what comes after must not depend on the moment
    return world.leader() or drawn


def someone(world, random):
    """The leader two times out of three."""
    leader = leader_of(world, random)
    return leader if random.random() < 0.67 else world.other(leader)


def last(random, shortest, longest):
    time.sleep(random.uniform(shortest, longest))


def command(side, *words):
    """One command to the server; what it answers, or None."""
    try:
        return side.call(*words)
    except (OSError, resp.ReplyError):
        return None


# ---- deaths ------------------------------------------------------------------------------------


def server_killed(world, random):
    someone(world, random).signal_server(signal.SIGKILL)
    last(random, 1, 4)


def server_killed_and_supervised(world, random):
    side = someone(world, random)
    side.signal_server(signal.SIGKILL)
    side.server.process.wait()
    world.boot(side, after=random.uniform(0.05, 0.3))
    last(random, 1, 3)


def server_stopped(world, random):
    someone(world, random).stop_server()
    last(random, 1, 4)


def server_restarted(world, random):
    """As `systemctl restart redis-server`."""
    side = someone(world, random)
    side.stop_server()
    world.boot(side)
    last(random, 1, 3)


def server_emptied(world, random):
    side = someone(world, random)
    side.signal_server(signal.SIGKILL)
    side.server.process.wait()
    for name in os.listdir(side.data("")):
        if name.endswith((".rdb", ".aof")):
            os.remove(side.data(name))
    world.boot(side, after=random.uniform(0.05, 2))
    last(random, 1, 3)


def agent_killed(world, random):
    side = someone(world, random)
    side.kill_agent()
    last(random, 3, 6)


def agent_killed_and_supervised(world, random):
    side = someone(world, random)
    side.kill_agent()
    world.boot(side, after=0.1)
    last(random, 1, 3)


def agent_stopped(world, random):
    someone(world, random).stop_agent()
    last(random, 2, 5)


def power_cut(side):
    network.cable(side.host, "down", wire=place.WIRE)
    side.change_vip("del")
    side.host.kill_everything()


def host_gone(world, random):
    power_cut(someone(world, random))
    last(random, 1, 5)


def both_hosts_gone(world, random):
    """Some seconds after a save: two empty servers rightly wait for an operator."""
    command(leader_of(world, random), "SAVE")
    last(random, 0, 2)
    first = someone(world, random)
    power_cut(first)
    last(random, 0, 3)
    power_cut(world.other(first))
    order = [first, world.other(first)]
    random.shuffle(order)
    network.cable(order[0].host, "up", wire=place.WIRE)
    world.boot(order[0])
    last(random, 0, 3)


# ---- silences ----------------------------------------------------------------------------------


def server_hangs(world, random):
    side = someone(world, random)
    side.signal_server(signal.SIGSTOP)
    last(random, 0.1, 4)
    side.signal_server(signal.SIGCONT)
    last(random, 0, 2)


def agent_hangs(world, random):
    side = someone(world, random)
    side.signal_agent(signal.SIGSTOP)
    last(random, 0.05, 4)
    side.signal_agent(signal.SIGCONT)
    last(random, 0, 2)


def slow_script_in_redis(world, random):
    side = leader_of(world, random)
    took = random.uniform(0.1, 3)
    script = ("local t = redis.call('TIME') local function now() local n = redis.call('TIME') "
              "return (n[1] - t[1]) + (n[2] - t[2]) / 1000000 end "
              f"while now() < {took:.2f} do end return 1")
    command(side, "EVAL", script, "0")


def saves_without_end(world, random):
    end = time.monotonic() + random.uniform(1, 4)
    while time.monotonic() < end:
        for side in world.sides:
            command(side, "BGSAVE")
        time.sleep(0.1)


def starved_processors(world, random):
    world.hog_processors()
    last(random, 2, 8)


# ---- the network -------------------------------------------------------------------------------


def link_down(world, random):
    side = someone(world, random)
    network.cable(side.host, "down", wire=place.WIRE)
    last(random, 0.2, 5)
    network.cable(side.host, "up", wire=place.WIRE)
    last(random, 0, 2)


def partition(world, random):
    """One host is cut off with some of the clients."""
    side = someone(world, random)
    world.move(side.host, place.ISLAND)
    for client in world.clients:
        if random.random() < 0.4:
            world.move(client.host, place.ISLAND)
    last(random, 0.5, 8)


def deaf(world, random):
    side = someone(world, random)
    side.nft(f"in ip saddr {world.other(side).host.address} drop")
    last(random, 0.5, 6)


def mute(world, random):
    side = someone(world, random)
    side.nft(f"out ip daddr {{ {world.other(side).host.address}, 224.0.0.18 }} drop")
    last(random, 0.5, 6)


def no_vrrp(world, random):
    side = someone(world, random)
    side.nft("in ip protocol vrrp drop", "out ip protocol vrrp drop")
    last(random, 0.5, 6)


def no_peer_link(world, random):
    side = someone(world, random)
    side.nft("in tcp dport 7112 drop", "out tcp dport 7112 drop")
    last(random, 0.5, 6)


def no_replication(world, random):
    side = someone(world, random)
    peer = world.other(side).host.address
    side.nft(f"in ip saddr {peer} tcp dport 6379 drop", f"in ip saddr {peer} tcp sport 6379 drop")
    last(random, 0.5, 6)


def lossy_network(world, random):
    for side in world.sides:
        side.nft("in numgen random mod 100 < 20 drop")
    last(random, 2, 6)


# ---- disks and hands ---------------------------------------------------------------------------


def disk_full(world, random):
    side = someone(world, random)
    for name in random.choice((("redis",), ("state",), ("redis", "state"))):
        try:
            with open(os.path.join(side.folder, name, "filler"), "wb", buffering=0) as file:
                while True:
                    file.write(b"\0" * 2**20)
        except OSError:
            pass
    if random.random() < 0.5:
        command(side, "BGSAVE")
    last(random, 1, 4)


def foreign_master(world, random):
    """Somebody makes the standby's server a master."""
    command(world.other(leader_of(world, random)), "REPLICAOF", "NO", "ONE")
    last(random, 1, 4)


def foreign_replica(world, random):
    """Somebody makes the leader's server a replica of the standby's."""
    leader = leader_of(world, random)
    command(leader, "REPLICAOF", world.other(leader).host.address, "6379")
    last(random, 1, 4)


def vip_deleted(world, random):
    leader_of(world, random).change_vip("del")
    last(random, 0.5, 2)


def vip_added(world, random):
    world.other(leader_of(world, random)).change_vip("add")
    last(random, 0.5, 2)


def reloaded(world, random):
    someone(world, random).reload_changed()
    last(random, 0.2, 2)


def clock_steps(world, random):
    seconds = random.choice((30, 3600, 86400)) * random.choice((-1, 1))
    someone(world, random).set_clock(seconds)
    last(random, 1, 4)


def agent_restarted(world, random):
    someone(world, random).restart_agent()
    last(random, 0.2, 2)


def switchover(world, random):
    random.choice(world.sides).switchover()


FAULTS = [
    Fault("server killed", TAIL, server_killed, death=True),
    Fault("server killed, supervised", TAIL, server_killed_and_supervised, death=True),
    Fault("server stopped", NOTHING, server_stopped, 1, death=True),
    Fault("server restarted", NOTHING, server_restarted, 1, death=True),
    Fault("server emptied", TAIL, server_emptied, death=True),
    Fault("server hangs", COPY, server_hangs),
    Fault("agent killed", NOTHING, agent_killed),
    Fault("agent killed, supervised", NOTHING, agent_killed_and_supervised),
    Fault("agent stopped", NOTHING, agent_stopped),
    Fault("agent hangs", COPY, agent_hangs),
    Fault("host gone", TAIL, host_gone, death=True),
    Fault("both hosts gone", DISK, both_hosts_gone, 1),
    Fault("slow script in Redis", COPY, slow_script_in_redis),
    Fault("saves without end", NOTHING, saves_without_end, 1),
    Fault("starved processors", COPY, starved_processors, 1, apart=True),
    Fault("link down", COPY, link_down, apart=True),
    Fault("partition", COPY, partition, apart=True),
    Fault("deaf in one direction", COPY, deaf, 1, apart=True),
    Fault("mute in one direction", COPY, mute, 1, apart=True),
    Fault("VRRP dropped", COPY, no_vrrp, 1),
    Fault("peer link dropped", NOTHING, no_peer_link, 1),
    Fault("replication dropped", NOTHING, no_replication, 1, alone=True),
    Fault("20 % loss", COPY, lossy_network, 1, apart=True),
    Fault("disk full", NOTHING, disk_full, 1, alone=True),
    Fault("standby's server made a master", NOTHING, foreign_master, 1),
    Fault("leader's server made a replica", COPY, foreign_replica, 1),
    Fault("VIP deleted by hand", NOTHING, vip_deleted, 1),
    Fault("VIP added by hand", COPY, vip_added, 1),
    Fault("reload", NOTHING, reloaded, 1),
    Fault("agent restarted", NOTHING, agent_restarted, 1),
    Fault("wall clock steps", NOTHING, clock_steps, 1),
    Fault("switchover", NOTHING, switchover),
]


def draw(random, absent=(), several=0.35):
    """The faults of a round: mostly one, often two one after the other."""
    weights = [fault.share for fault in FAULTS]
    count = 1 + (random.random() < several)
    drawn = random.choices(FAULTS, weights, k=count)
    return [fault for fault in drawn if fault.name not in absent] or draw(random, absent, several)


def promise_of(faults):
    promises = {fault.promise for fault in faults}
    deaths = sum(fault.death for fault in faults)
    only_one_had_it = deaths > 1 or (deaths and any(fault.alone for fault in faults))
    if DISK in promises or {COPY, TAIL} <= promises or only_one_had_it:
        return DISK
    return next(one for one in (TAIL, COPY, NOTHING) if one in promises)


# What the rules promise, in seconds, with a second for a machine that does more than this.
VIP_TWICE = 3.0      # vip_lease, 2 s: that of a leader who is gone has left by then
MASTERS_TWICE = 1.0  # a leader is fenced, or out of the clients' reach, before its successor leads
AFTER_APART = 4.0    # until who was cut off hears of his successor and has let go


def longest_twice(faults, lasted, mode):
    """For how many seconds the VIP may be on both hosts, and both servers take writes of clients.

    Hosts that know nothing of each other may both lead until they hear of each other again. In mode
    "safe" they may not: a leader without a standby takes no writes before that one could lead.
    """
    names = {fault.name for fault in faults}
    no_word = {"VRRP dropped", "peer link dropped"} <= names
    if not no_word and not any(fault.apart for fault in faults):
        return VIP_TWICE, MASTERS_TWICE
    vip = lasted + AFTER_APART
    return vip, MASTERS_TWICE if mode == "safe" else vip
