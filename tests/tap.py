#!/usr/bin/env python3
"""Runs the unittest files of a folder, or some of them, and reports each test as a TAP line.

usage: tap.py FOLDER [FILE...]"""

import pathlib
import sys
import unittest


class TapResult(unittest.TestResult):
    """Prints one TAP line when a test ends, and its errors as comments."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def line(self, test, ok, note=""):
        self.number += 1
        print(f"{'ok' if ok else 'not ok'} {self.number} - {test.id()}{note}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(test, True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(test, True, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.failed(test, self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            kept = self.failures if issubclass(err[0], test.failureException) else self.errors
            self.failed(subtest, kept[-1][1])

    def failed(self, test, text):
        self.line(test, False)
        for row in text.splitlines():
            print(f"# {row}", flush=True)
        print(f"{test.id()}\n{text}", file=sys.stderr, flush=True)  # Meson shows stderr of a failed suite


def main():
    folder = pathlib.Path(sys.argv[1])
    sys.path[:0] = [str(folder), str(folder.parent)]
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    for file in sys.argv[2:] or ["test_*.py"]:
        suite.addTest(loader.discover(str(folder), pattern=file, top_level_dir=str(folder)))
    result = TapResult()
    suite.run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() and result.number else 1)


if __name__ == "__main__":
    main()
