"""The program under test, as the tests of several folders use it."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("SEMBLANCE", "build/semblance")
SOURCE = pathlib.Path(os.environ.get("SB_SOURCE", "."))
PHOTOS = pathlib.Path(os.environ.get("SB_TEST_PHOTOS", "deps/photos"))
FRIENDS = PHOTOS / "face_recognition"  # one face each: obama, obama2, obama3, biden ...
GROUPS = PHOTOS / "face-api"  # sample1..6: 3, 3, 3, 4, 5, 4 faces
RENDER = pathlib.Path(PROGRAM).parent / "tests/render/render"  # makes photos (tests/render/render.c)
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
        if self.in_postgres():
            self.take_database()

    @staticmethod
    def in_postgres():
        return os.environ.get("SB_TEST_STORE", "sqlite") == "postgresql"

    def take_database(self, template=None):
        """Puts the gallery of this test into a new database: an empty one, or a copy of another one."""
        import postgres  # it imports this module

        self.gallery = postgres.shared().database(template)
        self.setting("SEMBLANCE_STORE", postgres.shared().url(self.gallery))

    def made_once(self, make):
        """Fills the gallery of this test by `make`, or copies what `make` made for another test of the class.

        A gallery must not be open when this is called. Each enrolment saved is a start of the models."""
        made = vars(type(self)).get("made")
        if made is None:
            type(self).made = made = {}
        if make.__name__ not in made:
            make()
            copy = pathlib.Path(tempfile.mkdtemp(prefix="semblance-made-"))
            self.addClassCleanup(shutil.rmtree, copy, ignore_errors=True)
            shutil.copytree(self.data, copy / "data")
            made[make.__name__] = (copy / "data", self.in_postgres() and self.copy_database())
            return
        data, database = made[make.__name__]
        shutil.copytree(data, self.data)
        if database:
            self.take_database(database)

    def copy_database(self):
        import postgres

        return postgres.shared().database(self.gallery)

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

    patience = 300  # seconds until a wait fails: many times what a slow machine needs

    def wait_for(self, what, condition, seconds=None):
        """Waits until `condition` gives something, and returns it."""
        give_up = time.monotonic() + (seconds or self.patience)
        while not (found := condition()):
            self.assertLess(time.monotonic(), give_up, f"waited in vain for {what}")
            time.sleep(0.05)
        return found

    def refused(self, *arguments, code, word, **options):
        """The program ends with `code` and says `word` (ASCII case ignored) on stderr."""
        done = self.run_program(*arguments, **options)
        message = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, message)
        self.assertIn(word.lower(), message.lower())
        return message

    def enroll(self, identity, name, *photos, flags=()):
        return self.json_of("enroll", "--id", identity, "--name", name, *photos, *flags)
