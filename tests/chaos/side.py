"""One host of the pair: its server, its agent, its small disks, and what can be done to them."""

import os
import signal
import struct
import subprocess

import hosts as network
import pair as lab

DISK = "1g"  # copies of a million keys, for an hour
LONGEST_STOP = 45  # seconds, as in the agent's unit
OWN_END = "Replica was unable to write command to disk"
LAST_WORDS = 16384

# Scripts, so that there are children to forget; signed adverts, so that clocks matter to them. A
# script on starved processors is patient: what it says is not what is tried here.
OF_THE_PAIR = """\
auth_key_file = "{folder}/vrrp.keys"
[pair.notify]
any = ["/bin/sh", "-c", "sleep 60 & exit 0", "notify"]
[[pair.track_script]]
name = "runs"
command = "/bin/true"
interval = "500ms"
timeout = "20s"
"""


class Side(lab.Node):
    """One host of the pair, with what can be done to it."""
    own_children = 0  # of the agent: processes that are a part of it

    def __init__(self, label, address, priority):
        super().__init__(label, address, priority)
        self.disks = []
        self.crashes = []
        self.stopping = self.server_stopping = self.asked_to_end = False

    def prepare(self, root, programs, peer, interval, lines):
        own = OF_THE_PAIR.format(folder=os.path.join(root, self.host.label))
        super().prepare(root, programs, peer, interval, {**lines, "pair": lines["pair"] + own})
        self.write("vrrp.keys", "1 " + "9" * 64 + "\n")
        self.server.launcher = self.with_clock([])
        self.set_clock(0)

    def set_clock(self, seconds):
        """The wall clock of this host's server and agent is that far off."""
        clock = os.open(os.path.join(self.folder, "clock"), os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(clock, struct.pack("q", seconds), 0)
        os.close(clock)

    def with_clock(self, argv):
        library = os.path.join(self.programs, "tests", "libtests_clock.so")
        return ["env", f"LD_PRELOAD={library}",
                f"TANDEM_CLOCK={os.path.join(self.folder, 'clock')}", *argv]

    def agent_command(self):
        return self.with_clock(super().agent_command())

    def give_disks(self):
        """Data and state get a small disk each, which can be filled."""
        for name in ("redis", "state"):
            path = os.path.join(self.folder, name)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "chaos", path],
                           check=True)
            self.disks.append(path)
        self.server.configure()

    def take_disks(self):
        for path in self.disks:
            subprocess.run(["umount", "-l", path], check=False)
        self.disks = []

    def nft(self, *rules):
        """Filters of this host alone, in a table that heal() removes."""
        text = "add table inet chaos\n"
        text += "add chain inet chaos in { type filter hook input priority 0; }\n"
        text += "add chain inet chaos out { type filter hook output priority 0; }\n"
        text += "".join(f"add rule inet chaos {rule}\n" for rule in rules)
        subprocess.run(["ip", "netns", "exec", self.host.namespace, "nft", "-f", "-"], input=text,
                       text=True, check=True)

    def clear_filters(self):
        subprocess.run(["ip", "netns", "exec", self.host.namespace, "nft", "delete", "table",
                        "inet", "chaos"], capture_output=True, check=False)

    def signal_server(self, number):
        self._signal(self.server.process, number)

    def signal_agent(self, number):
        self._signal(self.agent, number)

    @staticmethod
    def _signal(process, number):  # what `ip netns exec` has become
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def server_lives(self):
        return self.server.process is not None and self.server.process.poll() is None

    def agent_lives(self):
        return self.agent is not None and self.agent.poll() is None

    def stop_server(self):
        """As `systemctl stop redis-server`: it waits for its replica and saves, in its own time."""
        self.server_stopping = True
        self.signal_server(signal.SIGTERM)

    def await_server_stop(self):
        if self.server_stopping and self.server_lives():
            try:
                self.server.process.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self.server.kill()
        self.server_stopping = False

    def stop_agent(self):
        """As `systemctl stop`, which is not waited for here."""
        self.stopping = self.asked_to_end = True
        self.signal_agent(signal.SIGTERM)

    def await_stop(self):
        """As `systemctl start` waits for a stop, and ends it by force (TimeoutStopSec)."""
        if self.stopping and self.agent_lives():
            try:
                self.agent.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self.crashes.append(f"the agent of {self.host.label} does not stop")
                self.kill_agent()
        self.stopping = False

    def kill_agent(self):
        self.asked_to_end = True
        if self.agent_lives():
            self.end_agent(signal.SIGKILL)

    def note_crash(self):
        """It ended although nobody ended it; SIGKILL is what a dead host does."""
        code = self.agent.returncode if self.agent else None
        ended = (0, -signal.SIGKILL, -signal.SIGTERM) if self.asked_to_end else (-signal.SIGKILL,)
        if code is not None and code not in ended:
            self.crashes.append(f"the agent of {self.host.label} ended with {code}")
        self.asked_to_end = False

    def note_server_crash(self):
        code = self.server.process.returncode if self.server.process else None
        if code in (None, 0, -signal.SIGKILL, -signal.SIGTERM) or self.ended_for_its_disk():
            return
        self.crashes.append(f"the server of {self.host.label} ended with {code}")

    def ended_for_its_disk(self):
        """A replica that cannot save ends with the first write that its master sends: Redis is made
        so (replica-ignore-disk-write-errors no)."""
        try:
            with open(self.server.log, encoding="utf-8", errors="replace") as log:
                return OWN_END in log.read()[-LAST_WORDS:]
        except OSError:
            return False

    def has_vip(self):
        return f" {lab.VIP}/" in network.ip("-n", self.host.namespace, "-o", "-4", "address",
                                            "show", "dev", "eth0", check=False)

    def change_vip(self, verb):
        """"add" or "del", as somebody does it by hand."""
        network.ip("-n", self.host.namespace, "address", verb, f"{lab.VIP}/24", "dev", "eth0",
                   check=False)

    def reload_changed(self):
        """A reload of a configuration that is another one."""
        path = os.path.join(self.folder, "tandem.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        one, other = "ping_interval = \"100ms\"\n", "ping_interval = \"90ms\"\n"
        if one not in text and other not in text:
            text = text.replace("[pair.server]\n", "[pair.server]\n" + one)
        elif one in text:
            text = text.replace(one, other)
        else:
            text = text.replace(other, one)
        self.write("tandem.toml", text)
        self.signal_agent(signal.SIGHUP)

    def restart_agent(self):
        """As after an upgrade."""
        self._asked_for("restart")

    def switchover(self):
        """As planned by an operator."""
        self._asked_for("switchover")

    def _asked_for(self, word):
        """To be refused is an answer, too."""
        try:
            self.tandem(word)
        except (RuntimeError, OSError):
            pass

    def script_processes(self):
        """What the agent's scripts are, or have left behind: they know their pair."""
        found = set()
        for pid in network.ip("netns", "pids", self.host.namespace, check=False).split():
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if b"TANDEM_PAIR=" in file.read():
                        found.add(pid)
            except OSError:
                pass  # it has ended
        return found

    def burden(self):
        """File descriptors, resident memory in MiB and children of the living agent, with what
        its scripts have left behind."""
        base = f"/proc/{self.agent.pid}"
        try:
            with open(base + "/statm", encoding="ascii") as file:
                resident = int(file.read().split()[1]) * 4096 / 2**20
            with open(f"{base}/task/{self.agent.pid}/children", encoding="ascii") as file:
                children = set(file.read().split()) | self.script_processes()
            return {"fds": len(os.listdir(base + "/fd")), "rss": resident,
                    "children": len(children) - self.own_children}
        except OSError:
            return None
