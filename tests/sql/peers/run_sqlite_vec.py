"""Runs sqlite-vec's own tests against the extension.

sqlite-vec is not part of this project: clone its repository, install pytest, numpy and syrupy, then run

    SB_EXTENSION=build/src/sql/semblance.so python3 tests/sql/peers/run_sqlite_vec.py SQLITE_VEC

where SQLITE_VEC is the clone. Its tests run from a copy, in which the words of error messages count for nothing: that
a statement is refused does. Between the tests and SQLite stands a connection that writes `semblance` for `vec0`, gives
columns of vectors sqlite-vec's default metric, and takes the header off vectors in results. Tests of sqlite-vec's own
shadow tables, and of its indexes that are not released, are left out. The score stands in docs/compatibility.md."""

import os
import pathlib
import re
import shutil
import sqlite3
import sys
import tempfile

FILES = (
    "test-loadable.py",
    "test-general.py",
    "test-insert-delete.py",
    "test-auxiliary.py",
    "test-metadata.py",
    "test-partition-keys.py",
    "test-knn-distance-constraints.py",
    "test-rename.py",
)
# What a test that looks into sqlite-vec's shadow tables, its version or its list of functions contains.
OWN = re.compile(
    r"shadow_table_contents|_chunks\b|_rowids\b|_vector_chunks|_info\b|vec_version|vec_debug|base_functions|FUNCTIONS|"
    r"MODULES|sqlite_master|authorizer|indexed by|vec_static|vec_npy|npy_each"
)
COLUMN = re.compile(r"(\b\w+\s+(?:float|f32|float32|int8|i8)\s*\[\s*\d+\s*\])(?!\s*distance_metric)", re.I)
TAGS = (1, 5, 6)  # float, int8, bit


def translate(sql):
    if not re.search(r"using\s+vec0\b", sql, re.I):
        return sql
    sql = re.sub(r"using\s+vec0\b", "using semblance", sql, flags=re.I)
    return COLUMN.sub(r"\1 distance_metric=l2", sql)


def untagged(value):
    tagged = isinstance(value, bytes) and len(value) > 8 and value[0] in TAGS and value[1:4] == b"\x01\xff\xff"
    return value[8:] if tagged else value


class Cursor(sqlite3.Cursor):
    def __init__(self, connection):
        super().__init__(connection)
        factory = connection.row_factory
        self.row_factory = lambda cursor, row: (
            tuple(map(untagged, row)) if factory is None else factory(cursor, tuple(map(untagged, row)))
        )

    def execute(self, sql, *values):
        return super().execute(translate(sql), *values)

    def executemany(self, sql, *values):
        return super().executemany(translate(sql), *values)


class Connection(sqlite3.Connection):
    def cursor(self, *_):
        return Cursor(self)

    def execute(self, sql, *values):
        return self.cursor().execute(sql, *values)

    def executemany(self, sql, *values):
        return self.cursor().executemany(sql, *values)

    def load_extension(self, path, **_):
        super().load_extension(os.environ["SB_EXTENSION"])


def pytest_configure(config):
    connect = sqlite3.connect
    sqlite3.connect = lambda *values, **names: connect(*values, **{"factory": Connection, **names})


def pytest_collection_modifyitems(config, items):
    import inspect

    kept = [item for item in items if not OWN.search(inspect.getsource(item.function))]
    print(f"\n{len(items) - len(kept)} tests are of sqlite-vec's own tables, versions and lists")
    items[:] = kept


def copy_tests(clone, to):
    """Copies the tests, in which every message is the same."""
    source = clone / "tests"
    shutil.copy(source / "helpers.py", to / "helpers.py")
    shutil.copytree(source / "__snapshots__", to / "__snapshots__")
    helpers = (to / "helpers.py").read_text().replace('"message": str(e)', '"message": ""')
    (to / "helpers.py").write_text(helpers.replace("e.__class__.__name__", '"OperationalError"'))
    for snapshot in (to / "__snapshots__").iterdir():
        text = re.sub(r"'message': .*", "'message': '',", snapshot.read_text())
        snapshot.write_text(re.sub(r"'error': '.*'", "'error': 'OperationalError'", text))
    for name in FILES:
        text = (source / name).read_text()
        text = re.sub(
            r"pytest\.raises\(\s*[\w.]+,\s*match=.*?\):\n", "pytest.raises(sqlite3.Error):\n", text, flags=re.S
        )
        text = re.sub(r"    return pytest\.raises\(error.*", "    return pytest.raises(sqlite3.Error)", text)
        text = re.sub(r"    assert .* in \w+\[.message.\].*", "    pass", text)
        text = text.replace("sqlite3.OperationalError", "sqlite3.Error")
        (to / name).write_text(text)
    fixture = (source / "conftest.py").read_text()
    (to / "conftest.py").write_text(
        "import pytest\nimport sqlite3\n\n\n@pytest.fixture()\n" + fixture.partition("@pytest.fixture()\n")[2]
    )


if __name__ == "__main__":
    import pytest

    clone = pathlib.Path(sys.argv[1]).resolve()
    os.environ["SB_EXTENSION"] = str(pathlib.Path(os.environ["SB_EXTENSION"]).resolve())
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    with tempfile.TemporaryDirectory() as folder:
        copy_tests(clone, pathlib.Path(folder))
        os.chdir(folder)
        arguments = ["-p", "run_sqlite_vec", "-q", "--no-header", "--tb=line", *FILES, *sys.argv[2:]]
        raise SystemExit(pytest.main(arguments))
