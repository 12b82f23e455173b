"""The route table and the OpenAPI document name the same routes."""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("SB_SOURCE", "."))


class Routes(unittest.TestCase):
    def test_table_and_document_are_equal_in_both_directions(self):
        table = set(re.findall(r'\{"([A-Z]+)", "([^"]+)", sb_handle_', (ROOT / "src/http/route.c").read_text()))
        documented, path = set(), ""
        for line in (ROOT / "web/openapi.yaml").read_text().split("components:")[0].splitlines():
            if match := re.fullmatch(r"  (/\S+):", line):
                path = match[1]
            elif match := re.fullmatch(r"    (get|post|patch|put|delete):", line):
                documented.add((match[1].upper(), path))
        self.assertGreater(len(table), 20)
        self.assertEqual(table, documented)
