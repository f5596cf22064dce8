"""Two keepalived with one VRRP instance on a wire of their own: no scripts, no servers."""

import os

import hosts as network
import redis

WIRE = "tandem-calm"
VIP = "10.79.1.100"
VRID = 61

TEXT = """\
global_defs {{
  router_id {name}
  {realtime}
}}
vrrp_instance calm {{
  state BACKUP
  interface eth0
  version 3
  virtual_router_id {vrid}
  priority {priority}
  advert_int {seconds}
  virtual_ipaddress {{
    {vip}/24 dev eth0
  }}
}}
"""
# What tandemd does by itself is asked of keepalived by name; left alone it would also raise its
# priority by itself once it finds that it is late.
REALTIME = {True: "vrrp_rt_priority 50\n  vrrp_no_swap", False: "max_auto_priority -1"}


class RouterPair:
    """`with RouterPair(...) as routers:` both hosts are there; `start` starts the programs."""

    def __init__(self, folder, interval_ms, realtime):
        self.hosts = [network.Host("calm-k", "10.79.1.1"), network.Host("calm-l", "10.79.1.2")]
        self._folder = folder
        self._interval_ms = interval_ms
        self._realtime = realtime
        self._processes = []
        self._pid_files = []

    def __enter__(self):
        network.remove(self.hosts, WIRE)
        network.make(self.hosts, WIRE)
        return self

    def __exit__(self, *_):
        network.remove(self.hosts, WIRE)

    def start(self):
        for host, priority in zip(self.hosts, (250, 240)):
            place = os.path.join(self._folder, host.label)
            os.mkdir(place)
            path = os.path.join(place, "keepalived.conf")
            with open(path, "w", opener=redis.private, encoding="utf-8") as file:
                file.write(TEXT.format(
                    name=host.label, realtime=REALTIME[self._realtime], vrid=VRID, vip=VIP,
                    priority=priority, seconds=self._interval_ms / 1000))
            pid_file = os.path.join(place, "vrrp.pid")
            with open(self.log(host), "ab") as log:
                self._processes.append(host.start(
                    ["keepalived", "--vrrp", "--dont-fork", "--log-console", "--use-file", path,
                     "--pid", os.path.join(place, "parent.pid"), "--vrrp_pid", pid_file],
                    stdout=log, stderr=log))
            self._pid_files.append(pid_file)

    def log(self, host):
        return os.path.join(self._folder, host.label, "log")

    def pids(self):
        """Of the processes that send adverts."""
        pids = []
        for path in self._pid_files:
            with open(path, encoding="utf-8") as file:
                pids.append(int(file.read()))
        return pids

    def have_ended(self):
        return any(process.poll() is not None for process in self._processes)
