"""A person before a camera, rendered from a photo (tests/render/render.c), who follows a challenge."""

import math
import random
import subprocess
import time

from program import RENDER

MIDDLE = (0, 0, 1, 0, 0)  # yaw, pitch, scale, dx, dy


class Renderer:
    """Frames of the face in the box of a photo."""

    def __init__(self, folder, photo, box):
        folder.mkdir()
        self.process = subprocess.Popen(
            [RENDER, "head", folder, photo, *(str(box[k]) for k in "xywh")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def frame(self, pose, flat=False):
        self.process.stdin.write(" ".join(map(str, pose)) + f" {int(flat)}\n")
        self.process.stdin.flush()
        with open(self.process.stdout.readline().strip(), "rb") as file:
            return file.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Person:
    """Hears an instruction, reacts after a moment, and moves evenly. Times in seconds."""

    def __init__(self, seed=1, pace=1):
        self.random = random.Random(seed)
        self.pace = pace
        self.heard, self.heard_at = "look", 0
        self.doing, self.start, self.target, self.begun, self.lasts = "look", MIDDLE, MIDDLE, 0, 0.1

    def target_of(self, move):
        sway = (self.random.uniform(-0.01, 0.01), self.random.uniform(-0.01, 0.01))
        return {
            "left": (26, 0, 1),
            "right": (-26, 0, 1),
            "up": (0, 22, 1),
            "closer": (0, 0, 1.45),
            "look": (0, 0, 1),
        }[move] + sway

    def pose(self, now, instruction):
        part = min(max((now - self.begun) / self.lasts, 0), 1)
        part = (1 - math.cos(math.pi * part)) / 2
        here = tuple(a + part * (b - a) for a, b in zip(self.start, self.target))
        if instruction != self.heard:
            self.heard, self.heard_at = instruction, now
        if self.heard != self.doing and now - self.heard_at >= 0.25 * self.pace:
            self.doing, self.start, self.begun = self.heard, here, now
            self.target, self.lasts = self.target_of(self.doing), 0.45 * self.pace
        shake = tuple(self.random.gauss(0, s) for s in (0.4, 0.4, 0.003, 0.001, 0.001))
        return tuple(a + b for a, b in zip(here, shake))


def follow(send, frames, person, flat=False, fps=8, longest=20):
    """Sends frames as the person follows; `send` gives the session's state. The last answer, and the poses by time."""
    state, tape, begin = {"state": "running", "instruction": "look"}, [], time.monotonic()
    while state["state"] == "running" and time.monotonic() - begin < longest:
        now = time.monotonic() - begin
        pose = person.pose(now, state["instruction"])
        tape.append((now, pose))
        state = send(frames.frame(pose, flat))
        time.sleep(max(0, 1 / fps - (time.monotonic() - begin - now)))
    return state, tape


def replay(send, frames, tape, pace=1):
    """Plays poses that were recorded before, `pace` times as slowly."""
    state, begin = {"state": "running"}, time.monotonic()
    for at, pose in tape:
        time.sleep(max(0, at * pace - (time.monotonic() - begin)))
        state = send(frames.frame(pose))
        if state["state"] != "running":
            break
    return state
