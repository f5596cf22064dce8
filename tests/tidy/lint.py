#!/usr/bin/env python3
"""clang-tidy over the product, several sources at a time.

Most of its time goes into what every source includes (Asio, Boost, the standard library), so
sources with the same options are read as one. Sources that cannot stand together (two constants
of one name in their anonymous namespaces) or in which something is found are looked at one by
one, and only what is found then counts.
"""

import argparse
import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys

TOGETHER = 6  # 600 MB for the largest six


def options_of(entry):
    """The options of one compile command, without the source and the object."""
    words = shlex.split(entry["command"])
    own = {entry["file"], "-c", "-o"}
    kept = [w for i, w in enumerate(words) if w not in own and (i == 0 or words[i - 1] != "-o")]
    return tuple(w for w in kept if not w.endswith("ccache"))


def groups_of(entries):
    """Sources by their options, neighbours in the alphabet in different groups: they are the
    likeliest to name something alike."""
    alike = {}
    for entry in entries:
        alike.setdefault(options_of(entry), []).append(entry["file"])
    for options, files in alike.items():
        files.sort()
        count = -(-len(files) // TOGETHER)
        for first in range(count):
            yield options, files[first::count]


def pasted(files):
    included, text = set(), []
    for file in files:
        lines = pathlib.Path(file).read_text().splitlines()
        text += [line for line in lines if line not in included]
        included.update(line for line in lines if line.startswith("#include"))
    return "\n".join(text) + "\n"


def hidden(file):
    """What stands twice in a file, or for nothing: beside others it may seem otherwise."""
    text = pathlib.Path(file).read_text()
    includes = re.findall(r"^#include .*", text, re.M)
    twice = sorted({line for line in includes if includes.count(line) > 1})
    names = re.findall(r"^using (?:[\w:]+::)?(\w+);", text, re.M)
    unused = [name for name in names if len(re.findall(rf"\b{name}\b", text)) == 1]
    return [f"{file}: twice: {line}" for line in twice] + \
           [f"{file}: using {name}, which nobody does" for name in unused]


def tidy(build, source):
    words = ["clang-tidy", "--quiet", "-p", str(build), str(source)]
    done = subprocess.run(words, capture_output=True, text=True)
    # One that was killed may have said nothing at all.
    said = done.stdout or f"{source}: clang-tidy ended with {done.returncode}\n{done.stderr}"
    return done.returncode == 0, said


def tidy_together(build, number, group):
    """What is wrong in a group, in clang-tidy's words; None: nothing."""
    options, files = group
    if len(files) > 1 and not any(map(hidden, files)):
        place = build / "together" / str(number)
        place.mkdir(parents=True, exist_ok=True)
        source = place / "together.cpp"
        # Pasted, not included: the analyzer looks only at what stands in the file itself.
        source.write_text(pasted(files))
        command = shlex.join([*options, "-c", str(source)])
        (place / "compile_commands.json").write_text(
            json.dumps([{"directory": str(build), "file": str(source), "command": command}]))
        if tidy(place, source)[0]:
            return None
    found = [said for clean, said in (tidy(build, file) for file in files) if not clean]
    return "\n".join(found) or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="folder with compile_commands.json")
    parser.add_argument("folders", nargs="+", help="folders of the sources")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    build = chosen.build.resolve()
    root = pathlib.Path(__file__).resolve().parents[2]
    roots = tuple(f"{root / folder}/" for folder in chosen.folders)
    entries = [entry for entry in json.loads((build / "compile_commands.json").read_text())
               if entry["file"].startswith(roots)]
    if not entries:
        sys.exit(f"{build}/compile_commands.json names no source in {', '.join(chosen.folders)}")
    groups = sorted(groups_of(entries), key=lambda group: -len(group[1]))
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        looks = [pool.submit(tidy_together, build, n, group) for n, group in enumerate(groups)]
        found = [look.result() for look in looks]
    for words in filter(None, found):
        print(words)
    sys.exit(1 if any(found) else 0)


if __name__ == "__main__":
    main()
