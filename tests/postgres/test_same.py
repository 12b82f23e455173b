"""The same promises on PostgreSQL as on SQLite: tests of other folders once more, each on a database of its own."""
import importlib
import os
import pathlib
import subprocess
import sys
import unittest

import postgres
from program import ProgramCase

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / folder) for folder in ("cli", "http", "trust")]
# File: classes, or None for all of its own. What is left out has nothing to do with where a gallery is kept.
AGAIN = {"test_people": ("ListShowRenameDelete",), "test_native": ("People", "Collections"), "test_article": None,
         "test_duties": ("Duties",)}


def setUpModule():
    postgres.shared()


class OnPostgres:
    def setUp(self):
        before = os.environ.get("SEMBLANCE_STORE")
        os.environ["SEMBLANCE_STORE"] = postgres.shared().url(postgres.shared().database())
        self.addCleanup(lambda: os.environ.pop("SEMBLANCE_STORE") if before is None else os.environ.update(SEMBLANCE_STORE=before))
        super().setUp()


def again(module, name):
    """The class of that name, on PostgreSQL."""
    return type(f"{name}OnPostgres", (OnPostgres, getattr(module, name)), {"__module__": __name__})


for file, names in AGAIN.items():
    module = importlib.import_module(file)
    own = [n for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, ProgramCase) and c.__module__ == file]
    for name in names or own:
        globals()[f"{name}OnPostgres"] = again(module, name)
del module


class Store(unittest.TestCase):
    def test_the_tests_of_the_store_pass_on_postgresql(self):
        program = pathlib.Path(os.environ["SEMBLANCE"]).parent / "tests/unit/test_store"
        if not program.exists():
            self.skipTest("tests/unit/test_store was not built")
        server = postgres.shared()
        done = subprocess.run([program], env={**os.environ, "SB_TEST_POSTGRES": server.url(server.database()), "CMOCKA_MESSAGE_OUTPUT": "TAP"}, capture_output=True,
                              text=True, check=False, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreater(done.stdout.count("\nok "), 10)
        self.assertLessEqual(done.stdout.count("# SKIP"), 4)


if __name__ == "__main__":
    unittest.main()
