"""The route table and the OpenAPI document name the same routes, and every reference in them has a target."""

import os
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(os.environ.get("SB_SOURCE", "."))
sys.path.insert(0, str(ROOT / "web"))
import plain_yaml  # noqa: E402

DOCUMENT = plain_yaml.read((ROOT / "web/openapi.yaml").read_text())
OPERATIONS = {
    (method.upper(), path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def enums(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "enum":
                yield value
            else:
                yield from enums(value)
    elif isinstance(node, list):
        for item in node:
            yield from enums(item)


class Routes(unittest.TestCase):
    def test_table_and_document_are_equal_in_both_directions(self):
        table = set(re.findall(r'\{"([A-Z]+)", "([^"]+)", sb_http_handle_', (ROOT / "src/http/routes.c").read_text()))
        self.assertGreater(len(table), 40)
        # The calls of Rekognition are one operation of the document, which lists them as values of a header.
        calls = {path[2:] for _, path in table if path.startswith("/#")}
        target = DOCUMENT["components"]["parameters"]["AmzTarget"]["schema"]["enum"]
        self.assertEqual(calls, {"", *target})
        table = {(method, path.split("#")[0]) for method, path in table} | {("GET", "/")}  # the page
        self.assertEqual(table, set(OPERATIONS))

    def test_every_reference_has_a_target_and_every_component_is_used(self):
        used = set(references(DOCUMENT))
        components = {kind: items for kind, items in DOCUMENT["components"].items() if kind != "securitySchemes"}
        there = {f"#/components/{kind}/{name}" for kind, items in components.items() for name in items}
        self.assertEqual(used, there)

    def test_every_operation_says_who_may_call_it_and_how_it_refuses(self):
        schemes = set(DOCUMENT["components"]["securitySchemes"])
        self.assertEqual({name for row in DOCUMENT["security"] for name in row}, schemes)
        self.assertTrue(DOCUMENT["servers"])
        table = re.findall(
            r'\{"([A-Z]+)", "([^"]+)", sb_http_handle_\w+,\s*[^}]+?,\s*SB_HTTP_ACCESS_(\w+)',
            (ROOT / "src/http/routes.c").read_text(),
        )
        for method, path, access in table:
            operation = OPERATIONS[method, path.split("#")[0]]
            if access == "OPEN":
                self.assertEqual(operation["security"], [], path)
            else:
                self.assertNotIn("security", operation)
                self.assertLessEqual({"401", "403", "429", "503"}, set(operation["responses"]), (method, path))

    def test_generators_of_clients_find_no_name_twice(self):
        """They make a type of each component and a constant of each member of an enum, whatever its case."""
        components = DOCUMENT["components"]
        names = [name.lower() for kind in components if kind != "securitySchemes" for name in components[kind]]
        self.assertEqual(len(names), len(set(names)))
        for enum in enums(DOCUMENT):
            self.assertEqual(len({str(value).lower() for value in enum}), len(enum), enum)

    def test_every_path_parameter_is_described(self):
        for (method, path), operation in OPERATIONS.items():
            named = {
                DOCUMENT["components"]["parameters"][p["$ref"].split("/")[-1]]["name"]
                for p in operation.get("parameters", ())
            }
            self.assertLessEqual(set(re.findall(r"\{(\w+)\}", path)), named, (method, path))

    def test_every_operation_has_a_group_and_a_name_of_its_own(self):
        groups = {tag["name"] for tag in DOCUMENT["tags"]}
        self.assertEqual({tag for o in OPERATIONS.values() for tag in o["tags"]}, groups)
        self.assertEqual(len({o["operationId"] for o in OPERATIONS.values()}), len(OPERATIONS))


class PlainYaml(unittest.TestCase):
    def test_unsupported_yaml_is_refused(self):
        for text in ("a: {b: c", "a: [1, 2", "a: [1,\n  2", "a: 1\na: 2", "a: b\n   c: d\n  e: f"):
            with self.subTest(text=text), self.assertRaises((ValueError, IndexError)):
                plain_yaml.read(text)

    def test_values_over_several_lines_are_read(self):
        for text, value in (
            ("a: [b, 'c]',\n  d]\ne: f", {"a": ["b", "c]", "d"], "e": "f"}),
            ("a:\n  b: { c: 1, d: {\n    e: [2,\n      3] } }", {"a": {"b": {"c": 1, "d": {"e": [2, 3]}}}}),
            (
                "a:\n  - b: 1\n    c: >-\n      d: e,\n      f\n  - { b: 2 }",
                {"a": [{"b": 1, "c": "d: e, f"}, {"b": 2}]},
            ),
            ("a:\n  - b: [1,\n      2]\n  - 'c: d'\n  - e", {"a": [{"b": [1, 2]}, "c: d", "e"]}),
        ):
            with self.subTest(text=text):
                self.assertEqual(plain_yaml.read(text), value)
