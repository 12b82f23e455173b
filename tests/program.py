"""The program under test, as the tests of several folders use it."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("SEMBLANCE", "build/semblance")
SOURCE = pathlib.Path(os.environ.get("SB_SOURCE", "."))
PHOTOS = pathlib.Path(os.environ.get("SB_TEST_PHOTOS", "deps/photos"))
FRIENDS = PHOTOS / "face_recognition"  # one face each: obama, obama2, obama3, biden ...
GROUPS = PHOTOS / "face-api"  # sample1..6: 3, 3, 3, 4, 5, 4 faces
LFW = pathlib.Path(os.environ.get("SB_TEST_LFW", "../shared/data/lfw10"))


def of_a_file(test):
    """Marks tests of galleries in folders: skipped if SB_TEST_STORE puts the gallery elsewhere."""

    @functools.wraps(test)
    def run(self):
        if os.environ.get("SB_TEST_STORE", "sqlite") != "sqlite":
            self.skipTest("this is about a gallery that is a file")
        return test(self)

    return run


class ProgramCase(unittest.TestCase):
    """A test with its own gallery in a new folder.

    With SB_TEST_STORE=postgresql the gallery is in its own database; the key and other files stay in the folder."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        if os.environ.get("SB_TEST_STORE", "sqlite") == "postgresql":
            import postgres  # it imports this module

            self.setting("SEMBLANCE_STORE", postgres.shared().url(postgres.shared().database()))

    def setting(self, name, value):
        """Sets an environment variable until the end of this test."""
        before = os.environ.get(name)
        self.addCleanup(lambda: os.environ.pop(name) if before is None else os.environ.update({name: before}))
        os.environ[name] = value

    def run_program(self, *arguments, stdin=None, environment=None, data=True, timeout=300, prepare=None):
        """Runs a subcommand on this test's gallery; returns the completed process, output as bytes."""
        command = [PROGRAM, *map(os.fsencode, arguments)]
        if data:
            command += ["--data", str(self.data)]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **(environment or {})},
            preexec_fn=prepare,
        )

    def json_of(self, *arguments, code=0, **options):
        done = self.run_program(*arguments, "--json", **options)
        self.assertEqual(done.returncode, code, done.stderr.decode(errors="replace"))
        return json.loads(done.stdout)

    def refused(self, *arguments, code, word, **options):
        """The program ends with `code` and says `word` (ASCII case ignored) on stderr."""
        done = self.run_program(*arguments, **options)
        message = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, message)
        self.assertIn(word.lower(), message.lower())
        return message

    def enroll(self, identity, name, *photos, flags=()):
        return self.json_of("enroll", "--id", identity, "--name", name, *photos, *flags)
