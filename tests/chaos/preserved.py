"""Looks for keys in the copies that `tandem diverged` lists: in the lost commands, and in datasets
through a scratch server."""

import json
import os
import subprocess
import tempfile
import time

import resp

PATIENCE = 120  # seconds: a copy of a million keys loads slowly on a busy machine


def preserved_keys(sides, keys):
    """Those of `keys` that a copy on one of the hosts has."""
    wanted, kept = set(keys), set()
    for side in sides:
        for path in copies_of(side):
            if wanted <= kept:
                return kept
            kept |= in_commands(os.path.join(path, "commands.resp"), wanted - kept)
            kept |= in_dataset(os.path.join(path, "dump.rdb"), wanted - kept)
    return kept


def copies_of(side):
    """The newest first."""
    done = subprocess.run(
        [os.path.join(side.programs, "tandem"), "diverged", "--state-dir",
         os.path.join(side.folder, "state"), "list", "--json"],
        capture_output=True, text=True, check=False)
    listed = json.loads(done.stdout or "[]")
    return [entry["path"] for entry in reversed(listed) if os.path.isdir(entry["path"])]


def in_commands(path, keys):
    if not os.path.exists(path):
        return set()
    with open(path, "rb") as file:
        bulks = set(file.read().split(b"\r\n"))
    return {key for key in keys if key.encode() in bulks}


def in_dataset(path, keys):
    if not keys or not os.path.exists(path):
        return set()
    with tempfile.TemporaryDirectory() as scratch:
        where = os.path.join(scratch, "socket")
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", where, "--dir", os.path.dirname(path),
             "--dbfilename", os.path.basename(path), "--save", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection = connect(where)
            return {key for key in keys if connection.call("GET", key) is not None}
        finally:
            server.kill()
            server.wait()


def connect(where):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection = resp.Connection(where, "", PATIENCE)
            connection.call("PING")
            return connection
        except (OSError, resp.ReplyError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
