"""The same world kept by others, for comparison: keepalived with the best scripts that we know, and
three Sentinels with clients that ask them.

Their hosts say in Tandem's words what the servers say, so that the storm needs to know nothing of
them. What they do not bring about by themselves, repair() does as an operator would.
"""

import os
import shutil
import signal
import subprocess
import time

import pair as lab
import redis
import resp
import world as place

# ---- keepalived ----------------------------------------------------------------------------------

KEEPALIVED = """\
global_defs {{
    router_id {label}
    script_user root
    vrrp_version 3
    vrrp_rt_priority 50
    vrrp_rlimit_rttime 1000000
    vrrp_garp_master_delay 1
    vrrp_garp_master_repeat 5
    vrrp_garp_lower_prio_repeat 5
    vrrp_garp_master_refresh 10
}}
vrrp_script redis_answers {{
    script "{folder}/check.sh"
    interval 1
    timeout 2
    fall 1
    rise 2
    init_fail
}}
vrrp_track_process redis_runs {{
    process {program}
    quorum 1
}}
vrrp_instance PAIR {{
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.1
    track_process {{
        redis_runs
    }}
    track_script {{
        redis_answers
    }}
    virtual_ipaddress {{
        {vip}/24 dev eth0
    }}
    notify_master "{folder}/role.sh master"
    notify_backup "{folder}/role.sh backup"
    notify_fault "{folder}/role.sh fault"
    notify_stop "{folder}/role.sh stop"
}}
"""
# A second is the shortest interval of a script, so one run asks for nine tenths of it.
CHECK = """\
#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port} 4<> <(:) || exit 1
ask() {{
    printf '%s\\r\\n' "$1" >&3 || exit 1
    read -r -t 0.1 -u 3 line || exit 1
    case $line in "$2"*) ;; *) exit 1 ;; esac
}}
ask "AUTH $(<{folder}/redis.password)" +OK
for i in {{1..17}}; do
    ask PING +PONG
    read -r -t 0.05 -u 4
done
exit 0
"""
# One after the other, the newest word counts, and what fails is tried again.
ROLE = """\
#!/bin/bash
export REDISCLI_AUTH=$(<{folder}/redis.password)
cli() {{ timeout 0.5 redis-cli -h 127.0.0.1 -p {port} "$@" 2>/dev/null; }}
mine="$1 $$"
echo "$mine" >{folder}/wanted
exec 9>{folder}/lock
flock 9
for i in {{1..100}}; do
    [ "$(<{folder}/wanted)" = "$mine" ] || break
    case $1 in
    master) said=$(cli REPLICAOF NO ONE) ;;
    *) said=$(cli REPLICAOF {peer} {port}) ;;
    esac
    case $said in OK*) break ;; esac
    [ "$1" = stop ] && break
    sleep 0.1
done
"""


class PeerSide(place.Side):
    """A host of a pair, with another keeper than an agent of ours."""

    def prepare(self, root, programs, peer, interval, lines):
        super().prepare(root, programs, peer, interval, lines)
        self.peer = peer

    def path(self, name):
        return os.path.join(self.folder, name)

    def is_chosen(self):
        """Whether clients are sent to the server of this host."""
        raise NotImplementedError

    def restart_agent(self):
        self.end_agent(signal.SIGTERM)
        self.start_agent()

    def status(self):
        info = self.server.replication()
        if info is None:
            return {"state": "its server does not answer", "standby_in_sync": False}
        in_sync = any(key.startswith("slave") and "state=online" in value
                      for key, value in info.items())
        if info["role"] == "master":
            state = "leading" if self.is_chosen() else "a master without clients"
        else:
            state = "standby" if info["master_link_status"] == "up" else "without its master"
        return {"state": state, "standby_in_sync": in_sync}


class KeepalivedSide(PeerSide):
    own_children = 1  # who speaks VRRP

    def prepare(self, root, programs, peer, interval, lines):
        super().prepare(root, programs, peer, interval, lines)
        facts = {"folder": self.folder, "label": self.host.label, "vip": lab.VIP,
                 "priority": self.priority, "peer": peer.host.address, "port": redis.PORT,
                 "program": "redis-" + self.host.label}
        # It tells processes apart by name, and sees those of both hosts.
        self.server.program = self.path(facts["program"])
        os.symlink(shutil.which("redis-server"), self.server.program)
        self.write("keepalived.conf", KEEPALIVED.format(**facts))
        for name, text in (("check.sh", CHECK), ("role.sh", ROLE)):
            self.write(name, text.format(**facts))
            os.chmod(self.path(name), 0o700)

    def start_agent(self):
        # It enters the namespace itself: the kernel tells of processes in the initial one only.
        with open(self.path("keepalived.log"), "ab") as log:
            self.agent = subprocess.Popen(
                self.with_clock(["keepalived", "-P", "-n", "-l", "-s", self.host.namespace,
                                 "-f", self.path("keepalived.conf"),
                                 "-p", self.path("parent.pid"), "-r", self.path("vrrp.pid")]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def signal_agent(self, number):
        """To both of its processes, but what it forwards itself."""
        if not self.agent_lives():
            return
        if number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT):
            child = pid_in(self.path("vrrp.pid"))
            if child is not None:
                os.kill(child, number)
        self.agent.send_signal(number)

    def end_agent(self, signal_number):
        self.signal_agent(signal_number)
        self.agent.wait()

    def is_chosen(self):
        return self.has_vip()

    def reload_changed(self):
        self.agent.send_signal(signal.SIGHUP)

    def switchover(self):
        """Writes wait, the replica has everything, keepalived hands over."""
        PeerWorld.call(self, "CLIENT", "PAUSE", "2000", "WRITE")
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            ours, theirs = self.server.replication(), self.peer.server.replication()
            if not ours or not theirs or theirs["role"] != "slave":
                break
            if int(theirs["slave_repl_offset"]) >= int(ours["master_repl_offset"]):
                break
        self.signal_agent(signal.SIGTERM)
        time.sleep(1)


def pid_in(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


# ---- Sentinel --------------------------------------------------------------------------------------

SENTINEL = """\
port {port}
bind 0.0.0.0
protected-mode no
daemonize no
dir {folder}
unixsocket {folder}/sentinel.sock
logfile {folder}/sentinel.log
sentinel monitor pair {master} {redis} 2
sentinel auth-pass pair {password}
sentinel down-after-milliseconds pair 500
sentinel failover-timeout pair 1000
sentinel parallel-syncs pair 1
"""
SENTINEL_PORT = 26379


def configure_sentinel(folder, master):
    with open(os.path.join(folder, "sentinel.conf"), "w", opener=redis.private,
              encoding="utf-8") as file:
        file.write(SENTINEL.format(port=SENTINEL_PORT, folder=folder, master=master,
                                   redis=redis.PORT, password=lab.PASSWORD))


def ask_sentinel(folder, *words):
    """Its answer, or None."""
    try:
        connection = resp.Connection(os.path.join(folder, "sentinel.sock"), "", 1)
    except (OSError, resp.ReplyError):
        return None
    try:
        return connection.call(*words)
    except (OSError, resp.ReplyError):
        return None
    finally:
        connection.close()


class SentinelSide(PeerSide):
    def prepare(self, root, programs, peer, interval, lines):
        super().prepare(root, programs, peer, interval, lines)
        configure_sentinel(self.folder, place.FIRST_LEADER)
        self.sentinels = []  # the folders of all three

    def start_agent(self):
        self.agent = self.host.start(self.with_clock(["redis-sentinel", self.path("sentinel.conf")]),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_chosen(self):
        said = [ask_sentinel(folder, "SENTINEL", "get-master-addr-by-name", "pair")
                for folder in self.sentinels]
        return sum(bool(one) and one[0] == self.host.address for one in said) >= 2

    def reload_changed(self):
        ask_sentinel(self.folder, "SENTINEL", "SET", "pair", "down-after-milliseconds", "500")

    def switchover(self):
        ask_sentinel(self.folder, "SENTINEL", "FAILOVER", "pair")
        time.sleep(2)


# ---- their worlds ----------------------------------------------------------------------------------


class PeerWorld(place.World):
    """What is replaced is gone there, and nobody promised otherwise."""
    judged = False
    keeps_copies = False
    absent = ("peer link dropped",)

    def start_server(self, side):
        side.server.start(replica=False)  # as its service does

    def repair(self):
        """By hand: the address stays where it is, or the fuller server is taken."""
        for side in self.sides:
            self.boot(side)
        chosen = next((side for side in self.sides if side.is_chosen()), None) or max(
            self.sides, key=lambda side: offset_of(side.server.replication()))
        other = self.other(chosen)
        self.call(chosen, "REPLICAOF", "NO", "ONE")
        self.call(other, "REPLICAOF", chosen.host.address, str(redis.PORT))
        if other.has_vip():
            other.change_vip("del")

    @staticmethod
    def call(side, *words):
        try:
            side.call(*words)
        except (OSError, resp.ReplyError):
            pass


def offset_of(info):
    return int(info["master_repl_offset"]) if info else -1


class KeepalivedWorld(PeerWorld):
    side = KeepalivedSide


class SentinelWorld(PeerWorld):
    side = SentinelSide
    by_address = False
    absent = (*PeerWorld.absent, "VIP deleted by hand", "VIP added by hand", "VRRP dropped")

    def leads_clients(self, leader):
        return True  # they are told where it is

    def __init__(self, *arguments):
        super().__init__(*arguments)
        third = os.path.join(self.root, "third")
        os.mkdir(third)
        configure_sentinel(third, place.FIRST_LEADER)
        for side in self.sides:
            side.sentinels = [third, *(each.folder for each in self.sides)]

    def start_keepers(self):
        super().start_keepers()
        self.clients[0].host.start(
            ["redis-sentinel", os.path.join(self.root, "third", "sentinel.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sentinels(self):
        """Where clients ask."""
        return [f"{each.host.address}:{SENTINEL_PORT}" for each in (self.clients[0], *self.sides)]


WORLDS = {"tandem": place.World, "keepalived": KeepalivedWorld, "sentinel": SentinelWorld}
