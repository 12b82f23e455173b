"""Events for tests: added to a gallery by a program of its own (tests/events/add_events.c)."""

import os
import pathlib
import subprocess

from program import PROGRAM

ADD_EVENTS = pathlib.Path(PROGRAM).parent / "tests/events/add_events"


class EventSource:
    """Keeps a gallery open, and adds one event after the other. What add() has returned is durable."""

    def __init__(self, data):
        self.process = subprocess.Popen(
            [ADD_EVENTS, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(120):
            raise AssertionError("add_events failed")

    def add(self, kind="seen", camera="door", collection="-", person="-", since_ms=1_800_000_000_000, picture="-"):
        print(kind, camera, collection, person, since_ms, picture, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())
