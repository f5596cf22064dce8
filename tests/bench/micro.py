"""What the agent does most often, per call: nanoseconds by Google Benchmark, instructions by callgrind
beside those kept in tests/bench/instructions.txt. Run it by `./dev bench micro`."""
import argparse
import json
import os
import re
import subprocess
import sys

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.txt")
HEADER = """# Instructions per call, by callgrind (./dev bench micro --update). A change of more than 5 % wants a
# reason in the commit that makes it.
"""
FEW, MANY = 500, 1500
NOTICEABLE = 0.05


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done


def nanoseconds(program):
    report = json.loads(run(program, "--benchmark_format=json", "--benchmark_min_time=0.3").stdout)
    return {each["name"]: each["cpu_time"] for each in report["benchmarks"]}


def collected(program, index, count):
    """All instructions of a run, its start included."""
    done = run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "--repeat",
               str(index), str(count))
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def instructions(program, index):
    return (collected(program, index, MANY) - collected(program, index, FEW)) / (MANY - FEW)


def kept_table():
    table = {}
    with open(KEPT, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#") and line.strip():
                count, name = line.split(None, 1)
                table[name.strip()] = float(count)
    return table


def write_table(counted):
    with open(KEPT, "w", encoding="utf-8") as file:
        file.write(HEADER)
        for name, count in counted.items():
            file.write(f"{count:8.0f} {name}\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench micro", description=__doc__)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--update", action="store_true", help="keep the counts of this run")
    options = parser.parse_args()
    program = os.path.join(options.build, "tests", "bench_micro")
    kept = kept_table() if os.path.exists(KEPT) else {}
    clock = nanoseconds(program)
    counted = {}
    print(f"{'per call':48s} {'ns':>8s} {'instructions':>13s} {'kept':>8s}")
    for index, line in enumerate(run(program, "--list").stdout.splitlines()):
        kind, name = line.split(None, 1)
        if kind == "counts":
            counted[name] = instructions(program, index)
        count, before = counted.get(name), kept.get(name)
        change = ""
        if count and before and abs(count / before - 1) > NOTICEABLE:
            change = f"  {count / before - 1:+.0%}"
        print(f"{name:48s} {clock[name]:8.0f} {f'{count:.0f}' if count else '-':>13s} "
              f"{f'{before:.0f}' if before else '-':>8s}{change}", flush=True)
    if options.update:
        write_table(counted)


if __name__ == "__main__":
    main()
