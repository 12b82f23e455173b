"""Processes that are killed while they write, and processes that write in turns."""

import pathlib
import subprocess
import sys
import time
import unittest

from extension import ExtensionCase

WRITER = str(pathlib.Path(__file__).parent / "writer.py")


class Crashes(ExtensionCase):
    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, WRITER, str(self.path), *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def killed(self, mode):
        connection = self.make(300)
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for seed in range(8):
            process = self.start(seed)
            time.sleep(self.source.uniform(0.02, 0.3))
            process.kill()
            process.wait()
            process.stdout.close()
            self.assert_sound(connection, probes=2)  # a connection that was open all the time
            self.assert_sound(self.open(), probes=2)

    def test_after_a_kill_the_table_is_sound_with_a_rollback_journal(self):
        self.killed("DELETE")

    def test_after_a_kill_the_table_is_sound_with_a_write_ahead_log(self):
        self.killed("WAL")


class TwoProcesses(ExtensionCase):
    def test_two_processes_that_write_in_turns_find_all_rows(self):
        self.make(300).execute("PRAGMA journal_mode = WAL")
        processes = [
            subprocess.Popen(
                [sys.executable, WRITER, str(self.path), str(seed), "60"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for seed in (1, 2)
        ]
        for process in processes:
            _, errors = process.communicate(timeout=300)
            self.assertEqual((process.returncode, errors), (0, ""))
        self.assert_sound(self.open())


if __name__ == "__main__":
    unittest.main()
