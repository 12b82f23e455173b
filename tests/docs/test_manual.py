"""The manual pages contain every subcommand, option and setting, and the formatter reports no problem."""

import os
import re
import shutil
import subprocess
import unittest

from program import PROGRAM, SOURCE


def page(section):
    return subprocess.run([PROGRAM, "manual", section], capture_output=True, text=True, check=True).stdout


def words(text):
    """The text of the pages as a reader sees it."""
    return re.sub(r"\\f.", "", text).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.help = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        cls.settings = re.findall(r"(?m)^  (--[a-z-]+) +(SEMBLANCE_[A-Z_]+) +(.*)$", cls.help)
        cls.verbs = re.findall(r"(?m)^  ([a-z]+) +\S", cls.help.split("settings of every command")[0])

    def test_every_subcommand_with_all_its_options_is_in_semblance_1(self):
        text = words(page("1"))
        self.assertGreater(len(self.verbs), 25)
        for verb in self.verbs:
            self.assertRegex(text, rf"(?m)^\.SS semblance {verb}\b")
            chapter = text.split(f".SS semblance {verb}")[1].split("\n.S")[0]
            usage = subprocess.run([PROGRAM, verb, "--help"], capture_output=True, text=True, check=True).stdout
            for flag in re.findall(r"(?m)^ +(--?[a-z-]+)", usage):
                if flag in ("--help", "--json", "--quiet"):  # described once, for all subcommands
                    self.assertRegex(text, rf"(?m)^Every command takes .*{flag}\b")
                else:
                    self.assertRegex(chapter, rf"(?m)^{flag}\b", verb)

    def test_every_setting_is_in_both_pages_with_its_help(self):
        program, file = words(page("1")), words(page("5"))
        self.assertGreater(len(self.settings), 25)
        for flag, variable, text in self.settings:
            self.assertIn(variable, program)
            self.assertRegex(program, rf"(?m)^{flag}\b")
            self.assertIn(text, program)
            self.assertRegex(file, rf"(?m)^{flag[2:].replace('-', '_')}$")
            self.assertIn(text, file)

    def test_every_variable_of_the_program_is_in_the_manual(self):
        source = "".join(p.read_text() for p in (SOURCE / "src").rglob("*.c"))
        for variable in set(re.findall(r'getenv\("(SEMBLANCE_\w+)"\)', source)):
            self.assertIn(variable, words(page("1")))

    def test_the_formatter_reports_no_problem(self):
        formatter = shutil.which("groff")
        if not formatter:
            self.skipTest("groff is not installed: the layout of the manual is not checked")
        for section in ("1", "5"):
            done = subprocess.run(
                [formatter, "-man", "-ww", "-Tutf8", "-z"],
                input=page(section),
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
