"""Describes the machine that a figure was measured on, and how much of it other programs used meanwhile."""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUSY = 0.2  # figures mean little if other programs used more than this share of the machine


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def commit():
    found = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "no commit"


def busy_seconds():
    """Returns CPU seconds: (of all programs on all cores, of this process and the processes that it waited for)."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(
        int, pathlib.Path("/proc/stat").read_text().split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


class Watch:
    """Measures from its construction to about()."""

    def __init__(self):
        self.start, self.busy = time.monotonic(), busy_seconds()

    def about(self):
        passed = max(0.001, time.monotonic() - self.start)
        everybody, own = (after - before for after, before in zip(busy_seconds(), self.busy))
        return {
            "made": datetime.datetime.now().isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": cpu_name(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "others": round(max(0.0, everybody - own) / passed / os.cpu_count(), 3),
            "seconds": round(passed),
        }


def busy(piece):
    return (piece.get("others") or 0) > BUSY


def merged(kept, folder):
    """Returns the pieces of the file `kept`, each replaced by FOLDER/PIECE.json if that is newer. Figures that were
    measured while the machine was busy do not replace figures of a quiet machine."""
    pieces = json.loads(kept.read_text()) if kept.exists() else {}
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        new, old = json.loads(path.read_text()), pieces.get(path.stem)
        if old and old["made"] > new["made"]:
            continue
        if old and busy(new) and not busy(old):
            print(
                f"{path.stem}: other programs used {new['others']:.0%} of the machine, "
                f"so the figures of {old['made']} are kept",
                flush=True,
            )
            continue
        pieces[path.stem] = new
    return pieces
