"""Shell completion offers every command, option and action of the program, in bash, zsh and fish."""

import pathlib
import re
import shutil
import subprocess
import unittest

from program import PROGRAM, SOURCE

SCRIPTS = SOURCE / "packaging/completions"


def said(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True).stdout


def offered(*words):
    return [line.split("\t")[0] for line in said("complete", *words).splitlines()]


COMMANDS = re.findall(r"^  ([a-z-]+) +\w", said("--help").split("settings of")[0], re.M)
SETTINGS = re.findall(r"^  (--[\w-]+) +SEMBLANCE_", said("--help"), re.M)


class Completion(unittest.TestCase):
    def test_every_command_is_offered(self):
        self.assertGreater(len(COMMANDS), 20)
        self.assertEqual([word for word in offered("") if word[0] != "-"], COMMANDS)
        self.assertEqual(offered("enr"), ["enroll"])
        self.assertEqual((offered("help", "enr"), offered("help", "enroll", "")), (["enroll"], []))

    def test_every_option_of_every_command_is_offered(self):
        self.assertGreater(len(SETTINGS), 20)
        for command in COMMANDS:
            with self.subTest(command=command):
                own = re.findall(r"^ +(-[\w-]+)", said(command, "--help"), re.M)
                self.assertLessEqual({*own, *SETTINGS, "--json", "--quiet", "--help"}, set(offered(command, "-")))

    def test_every_option_that_the_code_declares_is_in_the_help(self):
        """Help, completion, manual and parser read the tables of the subcommands; each table is read by all of them."""
        helps = "".join(said(command, "--help") for command in COMMANDS)
        declared = [
            flag
            for path in (SOURCE / "src/cli").rglob("*.c")
            for flag in re.findall(r'\{\s*"(--?[\w-]+)", (?:"|NULL)', path.read_text())
        ]
        self.assertGreater(len(declared), 40)
        manual = said("manual", "1").replace("\\-", "-").replace("\\fB", " ")
        for text in (helps, manual):
            self.assertEqual([flag for flag in declared if not re.search(rf"(?<![\w-]){flag}(?![\w-])", text)], [])

    def test_words_and_values_are_distinguished(self):
        self.assertEqual(offered("audit", ""), ["show", "verify", "export"])
        self.assertEqual(offered("audit", "show", ""), [])
        self.assertEqual(offered("access", "re"), ["revoke"])
        self.assertEqual(offered("enroll", "--id", ""), [])
        self.assertEqual(offered("enroll", "--data", "--"), [])
        self.assertIn("--name", offered("enroll", "--largest", "--"))
        self.assertEqual(offered("nothing", ""), [])

    def ask(self, shell, script):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        done = subprocess.run(
            [shell, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": f"{pathlib.Path(PROGRAM).parent}:/usr/bin:/bin", "TERM": "dumb", "HOME": "/nonexistent"},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_bash_shows_what_is_offered(self):
        self.assertEqual(
            self.ask(
                "bash",
                f""". {SCRIPTS}/semblance.bash
            COMP_WORDS=(semblance audit '') COMP_CWORD=2; _semblance; echo "${{COMPREPLY[@]}}" """,
            ),
            ["show", "verify", "export"],
        )

    def test_fish_shows_what_is_offered(self):
        shown = self.ask("fish", f"source {SCRIPTS}/semblance.fish; complete -C 'semblance audit '")
        self.assertLessEqual({"show", "verify", "export"}, set(shown))

    def test_zsh_shows_what_is_offered(self):
        shown = self.ask(
            "zsh",
            f"""_call_program() {{ shift; eval "$@"; }}
            _describe() {{ print -l ${{(P)2}}; }}
            words=(semblance audit '') CURRENT=3; . {SCRIPTS}/_semblance""",
        )
        self.assertLessEqual({"show:the", "verify:follow", "export:all"}, set(shown))


if __name__ == "__main__":
    unittest.main()
