"""Runs every command in every document, unless a comment before its block says why not.

bash runs each block of `sh` or `console` unchanged, in a scratch folder with the photos that the documents mention. The
blocks of one document run one after another on the same gallery. A comment before a block changes that:

    <!-- not run: WHY -->       it is not run (it downloads, needs root or takes minutes)
    <!-- run: postgresql -->    it is run if the tests have PostgreSQL; USER@HOST/DATABASE becomes a database of it

`semblance serve` runs in the background and is stopped at the end of the block; a free port replaces 8501."""

import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import postgres
from program import FRIENDS, GROUPS, PROGRAM, SOURCE

DOCUMENTS = [SOURCE / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "clients/README.md")] + sorted(
    (SOURCE / "docs").glob("*.md")
)
FENCE = re.compile(r"(?ms)^(?:<!-- (?P<marker>[^\n]*?) -->\n)?```(?P<kind>sh|console)\n(?P<text>.*?)^```$")
NOT_RUN = re.compile(r"not run: \S.{9,}")
COMMAND = re.compile(r"^(?: {4,}|\t)(?:build/)?(?:semblance [a-z]+ |script/|bench/|curl |meson |docker |apt)", re.M)
# The words of the documents that a reader replaces, and what the test puts there.
PLACEHOLDERS = {
    "PREFIX": "$(semblance access list --json | "
    """python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0]["prefix"])')"""
}
PREAMBLE = r"""
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT
serve() { # starts a server in the background and returns when it is ready
  : >serve.log # empties the log of an earlier server
  semblance serve --port PORT "$@" >serve.log 2>serve.err &
  until grep -q 'listens on' serve.log; do kill -0 $! || { cat serve.err >&2; return 1; }; sleep 0.05; done
  local address=$(sed -n 's/.* on //p' serve.log | sed 's/0\.0\.0\.0/127.0.0.1/')
  until curl -sfk "$address/readyz" >/dev/null; do sleep 0.05; done
}
"""


def blocks(document):
    for found in FENCE.finditer(document.read_text()):
        line = document.read_text()[: found.start()].count("\n") + 1
        yield f"{document.relative_to(SOURCE)}:{line}", found["marker"] or "", found["kind"], found["text"]


def commands_of(kind, text):
    """The commands of a block. In a console block they follow the prompt; the other lines are output."""
    return text if kind == "sh" else "".join(line[2:] + "\n" for line in text.splitlines() if line.startswith("$ "))


class Documents(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-docs-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        names = {
            "obama.jpg": "obama",
            "obama2.jpg": "obama2",
            "photo.jpg": "obama3",
            "one.jpg": "obama",
            "two.jpg": "obama2",
            "biden.jpg": "biden",
            "people/Barack Obama/1.jpg": "obama",
            "people/Barack Obama/2.jpg": "obama2",
            "people/Joe Biden/1.jpg": "biden",
            "photos/a.jpg": "obama",
            "photos/b.jpg": "obama3",
            "photos/c.jpg": "biden",
        }
        for name, photo in names.items():
            path = self.folder / "work" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(FRIENDS / f"{photo}.jpg", path)
        work = self.folder / "work"
        shutil.copy(GROUPS / "sample5.jpg", work / "group.jpg")
        (work / "pairs.csv").write_text("photo1,photo2,mated\none.jpg,two.jpg,1\none.jpg,biden.jpg,0\n")
        (work / "script.sql").write_text("SELECT VECTOR_COSINE(TO_VECTOR('[1,0]'), TO_VECTOR('[1,1]'));\n")
        sqlite3.connect(work / "own.db").close()
        (work / "bin").mkdir()
        (work / "bin/semblance").symlink_to(pathlib.Path(PROGRAM).resolve())
        (work / "build").symlink_to(
            pathlib.Path(PROGRAM).resolve().parents[2]
            if "src/cli" in str(pathlib.Path(PROGRAM).resolve())
            else pathlib.Path(PROGRAM).parent
        )
        for name in ("clients", "packaging", "models", "docs"):
            (work / name).symlink_to(SOURCE / name)

    def environment(self):
        return {
            **os.environ,
            "PATH": f"{self.folder / 'work/bin'}:{os.environ['PATH']}",
            "SEMBLANCE_DATA": str(self.folder / "data"),
            "SEMBLANCE_ADMIN_PASSWORD": "a password of the tests",
            "HOME": str(self.folder),
            "SEMBLANCE_NEW_PASSPHRASE": "a passphrase of the tests",
        }

    def run_block(self, place, kind, text, replacements):
        script = commands_of(kind, text)
        port = str(postgres.free_port())
        script = (
            re.sub(r"(?m)^(\s*)(?:build/)?semblance serve\b(?: --port 8501)?", r"\1serve", script)
            .replace("8501", port)
            .replace("8080", str(postgres.free_port()))
        )
        for word, value in {**PLACEHOLDERS, **replacements}.items():
            script = script.replace(word, value)
        if f"localhost:{port}" in script and not re.search(r"(?m)^\s*serve\b", script):
            script = "serve\n" + script
        # A process group of its own, so that programs which a block leaves running end with it.
        shell = subprocess.Popen(
            ["bash", "-c", PREAMBLE.replace("PORT", port) + script],
            cwd=self.folder / "work",
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = shell.communicate(timeout=400)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            said = shell.communicate()[0] + "\n(took more than 400 s)"
        self.assertEqual(shell.returncode, 0, f"{place}\n{text}\nsaid:\n{said[-3000:]}")

    def run_document(self, document):
        for place, marker, kind, text in blocks(document):
            with self.subTest(place=place):
                if marker.startswith("not run:"):
                    self.assertRegex(marker, NOT_RUN, "why is it not run?")
                    continue
                replacements = {}
                if marker == "run: postgresql":
                    if not postgres.INSTALLED.is_dir():
                        continue
                    database = postgres.shared().database()
                    replacements = {"USER@HOST/DATABASE": postgres.shared().url(database).split("//")[1]}
                elif marker:
                    self.assertNotRegex(marker, r"^(not )?run", f"an unknown marker: {marker}")
                self.run_block(place, kind, text, replacements)


def add_document(document):
    name = "test_every_command_works_in_" + re.sub(r"\W", "_", str(document.relative_to(SOURCE)))
    setattr(Documents, name, lambda self: self.run_document(document))


for _document in DOCUMENTS:
    if any(True for _ in blocks(_document)):
        add_document(_document)


class References(unittest.TestCase):
    """The subcommands, flags and files that the documents mention exist."""

    @classmethod
    def setUpClass(cls):
        help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        cls.verbs = set(re.findall(r"(?m)^  ([a-z-]+) ", help_text.split("settings of every command")[0])) | {
            "version",
            "help",
            "complete",
        }
        cls.flags = set(re.findall(r"(--[a-z0-9-]+)", help_text)) | {"--help", "--version"}
        for verb in cls.verbs - {"version", "help", "complete"}:
            cls.flags |= set(
                re.findall(
                    r"(--?[a-z0-9-]+)",
                    subprocess.run([PROGRAM, verb, "--help"], capture_output=True, text=True, check=True).stdout,
                )
            )

    def spans(self):
        for document in DOCUMENTS:
            text = re.sub(r"(?ms)^```.*?^```", "", document.read_text())
            for span in re.findall(r"`((?:build/)?semblance [^`]+)`", text.replace("\n", " ")):
                yield document.name, span
            for _, _, kind, block in blocks(document):
                for line in commands_of(kind, block).splitlines():
                    if re.match(r"\s*(build/)?semblance ", line):
                        yield document.name, line.split("#")[0].strip()

    def test_every_subcommand_that_a_document_names_exists(self):
        wrong = [
            (name, span)
            for name, span in self.spans()
            if re.match(r"(?:build/)?semblance ([a-z][a-z-]*)", span)
            and re.match(r"(?:build/)?semblance ([a-z][a-z-]*)", span)[1] not in self.verbs
        ]
        self.assertEqual(wrong, [])

    def test_every_flag_that_a_document_names_exists(self):
        wrong = [
            (name, span, flag)
            for name, span in self.spans()
            for flag in re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)", span)
            if flag not in self.flags
        ]
        self.assertEqual(wrong, [])

    def test_every_command_is_in_a_block_that_is_run(self):
        wrong = [
            (document.name, found.group().strip())
            for document in DOCUMENTS
            for found in COMMAND.finditer(re.sub(r"(?ms)^```.*?^```", "", document.read_text()))
        ]
        self.assertEqual(wrong, [])

    def test_every_file_that_a_document_links_to_exists(self):
        wrong = [
            (document.name, target)
            for document in DOCUMENTS
            for target in re.findall(r"\]\(([^)#\s]+)", document.read_text())
            if "://" not in target and not (document.parent / target).exists()
        ]
        self.assertEqual(wrong, [])
