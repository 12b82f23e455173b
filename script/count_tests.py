#!/usr/bin/env python3
"""Prints the result of a test run, 'N passed, N failed, N skipped', from Meson's JUnit file. Exits with 1 if a test
failed or none ran.

usage: count_tests.py FILE
"""

import sys
import xml.etree.ElementTree

passed = failed = skipped = 0
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
        print(f"failed: {case.get('classname', '')} {case.get('name', '')}")
    elif case.find("skipped") is not None:
        skipped += 1
        print(f"skipped: {case.get('name', '')}")
    else:
        passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
