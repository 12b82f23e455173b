"""The cluster of packaging/scale names existing settings, and bench/scale_model computes higher costs for more work."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE"])
CLUSTER = SOURCE / "packaging/scale/compose.yaml"


class Cluster(unittest.TestCase):
    text = CLUSTER.read_text()

    def test_every_setting_in_it_exists_in_the_program(self):
        named = set(re.findall(r"\bSEMBLANCE_[A-Z_]+", self.text))
        known = set(
            re.findall(r'"(SEMBLANCE_[A-Z_]+)"', "".join(p.read_text() for p in (SOURCE / "src").rglob("*.[ch]")))
        )
        self.assertGreater(len(named), 5)
        self.assertEqual(named - known, set())

    def test_every_file_and_secret_that_it_names_exists_or_has_instructions(self):
        for context, file in re.findall(r"build: \{context: (\S+), dockerfile: (\S+)\}", self.text):
            folder = CLUSTER.parent / context
            if file != "packaging/Dockerfile" or (SOURCE / "packaging/Dockerfile").exists():
                self.assertTrue((folder / file).is_file(), file)
        used = set(
            itertools.chain(
                *(re.split(r",\s*", names) for names in re.findall(r"^ +secrets: \[(.+)\]", self.text, re.M))
            )
        )
        defined = set(re.findall(r"^  (\S+): \{file: secrets/", self.text, re.M))
        self.assertEqual(used, defined)

    def test_three_nodes_and_two_servers_have_a_volume_each(self):
        services = re.findall(r"^  (\w+): \{<<: \*(\w+), .*volumes: \[\"(\w+):", self.text, re.M)
        self.assertEqual(
            [(a, b) for a, b, _ in services],
            [
                ("coordinator", "database"),
                ("worker1", "database"),
                ("worker2", "database"),
                ("server1", "server"),
                ("server2", "server"),
            ],
        )
        self.assertTrue(all(a == c for a, _, c in services))


class Model(unittest.TestCase):
    def test_more_faces_or_more_searches_never_cost_less(self):
        done = subprocess.run(
            [sys.executable, SOURCE / "bench/scale_model", "--json"], capture_output=True, text=True, check=True
        )
        plans = json.loads(done.stdout)
        self.assertEqual(len(plans), 16)
        for one, other in itertools.permutations(plans, 2):
            if one["faces"] <= other["faces"] and one["searches_s"] <= other["searches_s"]:
                self.assertLessEqual(one["month"], other["month"] * 1.02, (one, other))

    def test_the_documents_show_its_output(self):
        done = subprocess.run(
            [sys.executable, SOURCE / "bench/scale_model"], capture_output=True, text=True, check=True
        )
        self.assertIn(done.stdout.strip(), (SOURCE / "docs/scale.md").read_text())


if __name__ == "__main__":
    unittest.main()
