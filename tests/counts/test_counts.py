#!/usr/bin/env python3
"""Checks that the instruction count of each hot loop is within 3 % of the count that is committed for this compiler.

If a loop needs fewer instructions, commit the new count; if it needs more, find out why first.

usage: test_counts.py PROGRAM COUNTS.json COMPILER [--write]      (--write: commit the present counts; prints TAP)
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ALLOWED = 0.03


def count(program):
    """Instructions by function, including those of the functions that it calls."""
    environment = {k: v for k, v in os.environ.items() if k != "MALLOC_PERTURB_"}  # set by Meson; it fills allocations
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        if done.returncode:
            raise SystemExit(f"Bail out! {program} ended with {done.returncode}: {done.stderr[-1000:]}")
        report = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    counts = re.findall(r"^ *([\d,]+) .*?:measure_(\w+)", report, re.M)
    return {name: int(number.replace(",", "")) for number, name in counts if not name.startswith("all_")}


def main():
    program, path, compiler = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    if not shutil.which("valgrind") or not shutil.which("callgrind_annotate"):
        print("1..0 # SKIP valgrind is not installed, so instructions are not counted")
        return 0
    committed = json.loads(path.read_text()) if path.exists() else {}
    if "--write" in sys.argv:
        committed[compiler] = dict(sorted(count(program).items()))
        path.write_text(json.dumps(committed, indent=1) + "\n")
        return 0
    if compiler not in committed:
        print(f"1..0 # SKIP no counts are committed for {compiler}; add them with test_counts.py --write")
        return 0
    wanted, counted, failed = committed[compiler], count(program), 0
    print(f"1..{len(wanted)}")
    avx2 = re.search(r"^flags.* avx2\b", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    for i, (name, before) in enumerate(wanted.items(), 1):
        if name.endswith("_avx2") and not avx2:
            print(f"ok {i} - {name} # SKIP this processor has no AVX2")
            continue
        now = counted.get(name, 0)
        good = abs(now - before) <= ALLOWED * before
        failed += not good
        print(f"{'' if good else 'not '}ok {i} - {name} takes {before:,} instructions, within 3 %")
        if not good:
            print(f"# it takes {now:,}")
    if failed:
        print(
            "# If that is intended: tests/counts/test_counts.py build/tests/counts/counts tests/counts/counts.json "
            f"'{compiler}' --write"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
