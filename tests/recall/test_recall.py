"""Recall of the search on 100,000 synthetic face vectors, fast and exact, with several spectra."""

import json
import os
import subprocess
import unittest

SEMBLANCE = os.environ["SEMBLANCE"]


def bench(*arguments):
    done = subprocess.run(
        [SEMBLANCE, "bench", "search", "--json", *arguments], capture_output=True, text=True, timeout=900
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Recall(unittest.TestCase):
    def gate(self, result, rows, dim):
        self.assertEqual((result["rows"], result["dim"]), (rows, dim))
        self.assertGreaterEqual(result["recall_at_10"], 0.999)
        self.assertEqual(result["mates_found"], result["mates_exact"])
        self.assertGreaterEqual(result["recall_estimated"], 0.999)

    def test_a_hundred_thousand_faces(self):
        result = bench("--rows", "100000", "--probes", "400", "--threads", "2")
        self.gate(result, 100000, 512)
        self.assertLessEqual(result["bytes_per_face"], 1.05 * (88 + 2 * 512))
        self.assertLess(result["survivors"], 20000)  # it uses codes instead of reading all rows

    def test_a_flat_spectrum(self):
        self.gate(bench("--rows", "30000", "--tau", "150", "--probes", "300"), 30000, 512)

    def test_few_dimensions(self):
        self.gate(bench("--rows", "30000", "--dim", "128", "--tau", "30", "--probes", "300"), 30000, 128)

    def test_exact_search_is_exact(self):
        result = bench("--rows", "20000", "--exact", "--probes", "100")
        self.assertEqual(result["recall_at_10"], 1)
        self.assertEqual(result["mates_found"], result["mates_exact"])

    def test_a_small_index_is_scanned(self):
        result = bench("--rows", "1000", "--probes", "100")
        self.assertEqual(result["recall_at_10"], 1)
        self.assertEqual(result["code_bytes"], 0)

    def test_invalid_arguments_are_refused(self):
        for wrong in (
            ["bench"],
            ["bench", "lunch"],
            ["bench", "search", "--dim", "0"],
            ["bench", "search", "--rows", "-5"],
            ["bench", "search", "--threads", "1000"],
        ):
            with self.subTest(wrong=wrong):
                self.assertEqual(subprocess.run([SEMBLANCE, *wrong], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
