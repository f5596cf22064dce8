"""A redis-server on one of the hosts: its configuration, its start, its death, what it says.

The agent alone changes roles. The demo starts a server as people have it before Tandem (a master, a
replica), and after a crash in quarantine, as the systemd drop-in of Tandem does.
"""

import os
import signal
import subprocess

import resp

PORT = 6379
QUARANTINE = ["--replicaof", "127.0.0.1", "1"]


class Server:
    def __init__(self, host, peer_address, folder, password, persistent, port=PORT):
        self.host = host
        self.port = port
        self.folder = folder
        self.socket = os.path.join(folder, "redis.sock")
        self.log = os.path.join(folder, "redis.log")
        self.configuration = os.path.join(folder, "redis.conf")
        self.program = "redis-server"
        self.launcher = []  # words in front of it
        self.process = None
        self._peer_address = peer_address
        self._password = password
        self._persistent = persistent

    def configure(self):
        lines = [
            f"port {self.port}", "bind 0.0.0.0", f"dir {self.folder}",
            f"unixsocket {self.socket}", "unixsocketperm 700",
            f"requirepass {self._password}", f"masterauth {self._password}",
            "daemonize no", f"logfile {self.log}",
            f"pidfile {os.path.join(self.folder, 'redis.pid')}",
            "save 3600 1 300 100" if self._persistent else 'save ""',
            "# A full sync begins at once; 5 s is the default and would only be waited for here.",
            "repl-diskless-sync-delay 0",
        ]
        with open(self.configuration, "w", opener=private, encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def start(self, replica):
        """As people have it before Tandem: a master, or the replica of the other host's server."""
        self._start(["--replicaof", self._peer_address, str(self.port)] if replica else [])

    def start_in_quarantine(self):
        """As the drop-in of Tandem does: a replica of nobody, so that its data can be looked at."""
        self._start(QUARANTINE)

    def quarantine_command(self):
        return self._command(QUARANTINE)

    def _command(self, words):
        return [*self.launcher, self.program, self.configuration, *words]

    def _start(self, words):
        self.process = self.host.start(
            self._command(words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def replication(self):
        """INFO replication as a dictionary; None while the server does not answer."""
        try:
            connection = resp.Connection(self.socket, self._password, timeout=1)
        except (OSError, resp.ReplyError):
            return None
        try:
            text = connection.call("INFO", "replication")
        except (OSError, resp.ReplyError):
            return None
        finally:
            connection.close()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def describe(self):
        """One phrase: what this server is right now."""
        info = self.replication()
        if info is None:
            return f"the server of {self.host.label} does not answer"
        if info["role"] == "master":
            return (f"the server of {self.host.label} is a master at offset "
                    f"{info['master_repl_offset']}, {info['connected_slaves']} replica(s)")
        return (f"the server of {self.host.label} is a replica of {info['master_host']}, link "
                f"{info['master_link_status']}, offset {info['slave_repl_offset']}")

    def is_master(self):
        info = self.replication()
        return info is not None and info["role"] == "master"

    def is_synced_replica(self):
        info = self.replication()
        return (info is not None and info["role"] == "slave"
                and info["master_host"] == self._peer_address
                and info["master_link_status"] == "up")


def private(path, flags):
    """An opener for files with a password in them."""
    return os.open(path, flags, 0o600)
