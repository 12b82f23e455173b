"""Every test file is in a group of tests/meson.build, so that no new one is forgotten."""

import ast
import os
import pathlib
import re
import unittest

TESTS = pathlib.Path(os.environ["SB_SOURCE"]) / "tests"


def listed(text):
    """{suite: names of its files} of the table `suites` in a meson.build."""
    table = re.search(r"^suites = (\{.*?^\})", text, re.M | re.S)[1]
    return {suite: [name for group in groups for name in group] for suite, groups in ast.literal_eval(table).items()}


class Suites(unittest.TestCase):
    def test_every_file_of_every_suite_is_run_once(self):
        for suite, names in listed((TESTS / "meson.build").read_text()).items():
            with self.subTest(suite=suite):
                self.assertEqual(sorted(names), sorted(p.stem[5:] for p in (TESTS / suite).glob("test_*.py")))

    def test_every_folder_with_tests_is_a_suite(self):
        others = {"counts", "packages", "sql"}  # run by a meson.build of their own, or by request
        folders = {p.parent.name for p in TESTS.glob("*/test_*.py")}
        self.assertEqual(folders - others, set(listed((TESTS / "meson.build").read_text())))

    def test_a_file_that_is_in_no_group_is_found(self):
        self.assertEqual(
            listed("suites = {\n  'web': [['page'], ['walk', 'talk']],\n}\n"), {"web": ["page", "walk", "talk"]}
        )


if __name__ == "__main__":
    unittest.main()
