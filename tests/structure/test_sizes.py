"""Sizes that a reader can take in: files, functions, lines and lists of parameters."""

import pathlib
import re
import unittest

import rooms
from rooms import SOURCE

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 120
PARAMETERS_MAX = 7
FOLDERS = ("src", "include", "tests", "bench", "clients", "web", "models", "script", "packaging", "docs")
KINDS = {".c", ".h", ".py", ".js", ".css", ".html", ".md", ".yaml", ".build"}
# Functions whose parameters something else prescribes: the callback type of another project, or the published contract.
PRESCRIBED = {
    "on_access": "MHD_AccessHandlerCallback",
    "form_field": "MHD_PostDataIterator",
    "sb_engine_thumbnail": "semblance.h: public since the first version",
}
BREAKABLE = re.compile(r"\s")
# Files that programs wrote and programs read.
GENERATED = {"docs/benchmarks.json"}


def files():
    """Every text file that people write, from the root; scripts without an ending count by their first line."""
    top = [p for p in SOURCE.iterdir() if p.is_file() and p.suffix in KINDS]
    below = [p for folder in FOLDERS for p in (SOURCE / folder).rglob("*") if p.is_file()]
    return sorted(
        p
        for p in top + below
        if str(p.relative_to(SOURCE)) not in GENERATED
        and "corpus" not in p.parts
        and "__pycache__" not in p.parts
        and (p.suffix in KINDS or is_script(p))
    )


def is_script(path):
    if path.suffix:
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def unbreakable(path, line):
    """Can no line break shorten this line? A row of a Markdown table, a title, or one word that is too long."""
    if path.suffix == ".md" and line.lstrip(" >").startswith(("|", "#")):
        return True
    return max(map(len, BREAKABLE.split(line.strip()))) > COLUMNS_MAX - 20


def wide_lines(path, text):
    return [
        f"{path}:{number}: {len(line)} columns"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > COLUMNS_MAX and not unbreakable(pathlib.PurePath(path), line)
    ]


def large_functions(path, text):
    found = []
    for function in rooms.functions(text):
        if function.lines > FUNCTION_LINES_MAX:
            found.append(f"{path}:{function.line}: {function.name} has {function.lines} lines")
        if function.parameters > PARAMETERS_MAX and function.name not in PRESCRIBED:
            found.append(f"{path}:{function.line}: {function.name} has {function.parameters} parameters")
    return found


class Sizes(unittest.TestCase):
    def test_files_are_short_enough_to_read(self):
        listed = files()
        self.assertGreater(len(listed), 500)
        long = [
            str(p)
            for p in listed
            if p.suffix not in (".md", ".yaml") and len(p.read_text().splitlines()) > FILE_LINES_MAX
        ]
        self.assertEqual(long, [])

    def test_no_line_is_wider_than_120_columns(self):
        self.assertEqual([v for p in files() for v in wide_lines(str(p.relative_to(SOURCE)), p.read_text())], [])

    def test_functions_are_short_and_take_few_parameters(self):
        found = [
            v
            for p in rooms.c_files("src", "include", "bench", "clients")
            for v in large_functions(p.relative_to(SOURCE), p.read_text())
        ]
        self.assertEqual(found, [])

    def test_a_wide_line_is_found_where_it_can_be_broken(self):
        words = "word " * 30
        self.assertTrue(wide_lines("src/base/a.c", words))
        self.assertTrue(wide_lines("docs/a.md", words))
        self.assertFalse(wide_lines("docs/a.md", f"| {words} |"))
        self.assertFalse(wide_lines("src/base/a.c", "x" * 200))
        self.assertFalse(wide_lines("src/base/a.c", words[:120]))

    def test_a_long_function_and_one_of_eight_parameters_are_found(self):
        long = "static int long_one(int a) {\n" + "  a++; /* } */\n" * 60 + "}\n"
        self.assertEqual(len(large_functions("a.c", long)), 1)
        self.assertEqual(large_functions("a.c", long.replace("  a++; /* } */\n", "", 2)), [])
        eight = "void eight(int a, int b, int c, int d,\n int e, int f, int (*g)(int, int), int h);"
        self.assertEqual(len(large_functions("a.h", eight)), 1)
        self.assertEqual(large_functions("a.h", eight.replace(", int h", "")), [])
        self.assertEqual(
            [f.name for f in rooms.functions("int a[] = {f(1)};\nint b(void) {\n  return c(1);\n}\n")], ["b"]
        )


if __name__ == "__main__":
    unittest.main()
