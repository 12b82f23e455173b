"""Reads the subset of YAML that web/openapi.yaml uses, with the standard library alone.

It reads block maps and lists, flow maps and lists (also over several lines), plain and quoted text, numbers, true,
false, null, and folded text ('>-'). Everything else is an error: the reader never guesses.
"""

import json
import re

KEY = re.compile(r"""('[^']*'|"[^"]*"|[^\s'"{}\[\],#&*!|>%@`][^:{}\[\],]*?):(?:\s+|$)""")
BLOCK_KEY = re.compile(r"""('[^']*'|"[^"]*"|[^\s'"#&*!|>%@`{\[-][^:]*?):(?:\s+|$)""")
QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")


def scalar(text):
    text = text.strip()
    if text[:1] == '"':
        return json.loads(text)
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if NUMBER.fullmatch(text):
        return float(text) if re.search("[.eE]", text) else int(text)
    return text


def open_brackets(text):
    """Count the brackets outside of quoted text that are opened and not closed."""
    bare = QUOTED.sub("", text)
    return sum(bare.count(mark) for mark in "{[") - sum(bare.count(mark) for mark in "}]")


class Flow:
    """One flow value: {a: b, c: [d]} or a scalar that ends at ',' or a bracket."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def take(self, mark):
        self.skip()
        if self.text[self.at : self.at + 1] != mark:
            raise ValueError(f"{mark!r} is missing in {self.text!r} at {self.at}")
        self.at += 1

    def items(self, end, read):
        found = []
        self.skip()
        while self.text[self.at : self.at + 1] != end:
            found.append(read())
            self.skip()
            if self.text[self.at : self.at + 1] != end:
                self.take(",")
                self.skip()
        self.at += 1
        return found

    def pair(self):
        match = KEY.match(self.text, self.at)
        if not match:
            raise ValueError(f"a key is missing in {self.text!r} at {self.at}")
        self.at = match.end()
        return scalar(match[1]) if match[1][0] in "'\"" else match[1], self.value()

    def value(self):
        self.skip()
        mark = self.text[self.at : self.at + 1]
        if mark == "{":
            self.at += 1
            return dict(self.items("}", self.pair))
        if mark == "[":
            self.at += 1
            return self.items("]", self.value)
        match = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^,{}\[\]]+""").match(self.text, self.at)
        if not match:
            raise ValueError(f"a value is missing in {self.text!r} at {self.at}")
        self.at = match.end()
        return scalar(match[0])

    def whole(self):
        value = self.value()
        if self.text[self.at :].strip():
            raise ValueError(f"text is left over in {self.text!r}")
        return value


class Reader:
    def __init__(self, text):
        rows = (row.rstrip() for row in text.splitlines())
        self.rows = [
            (len(row) - len(row.lstrip()), row.lstrip())
            for row in rows
            if row.strip() and not row.lstrip().startswith("#")
        ]
        self.at = 0

    def folded(self, indent):
        words = []
        while self.at < len(self.rows) and self.rows[self.at][0] > indent:
            words.append(self.rows[self.at][1])
            self.at += 1
        return " ".join(words)

    def flow(self, text, indent):
        """Read a flow value. While a bracket is open, the value continues on the next line that is indented more."""
        while open_brackets(text) > 0 and self.at < len(self.rows) and self.rows[self.at][0] > indent:
            text += " " + self.rows[self.at][1]
            self.at += 1
        return Flow(text).whole()

    def inline(self, text, indent):
        """Read the value of a key or a list item: the rest of its line, or the indented lines that follow."""
        if text == ">-":
            return self.folded(indent)
        if text:
            return self.flow(text, indent) if text[0] in "{['\"" else scalar(text)
        if self.at < len(self.rows) and (self.rows[self.at][0] > indent):
            return self.block(self.rows[self.at][0])
        return None

    def block(self, indent):
        if self.rows[self.at][1].startswith("- "):
            return self.sequence(indent)
        found = {}
        while self.at < len(self.rows) and self.rows[self.at][0] == indent:
            row = self.rows[self.at][1]
            match = BLOCK_KEY.match(row)
            if not match:
                raise ValueError(f"no key in {row!r}")
            self.at += 1
            key = scalar(match[1]) if match[1][0] in "'\"" else match[1]
            if key in found:
                raise ValueError(f"{key!r} stands twice")
            found[key] = self.inline(row[match.end() :], indent)
        return found

    def sequence(self, indent):
        found = []
        while self.at < len(self.rows) and self.rows[self.at][0] == indent and self.rows[self.at][1].startswith("- "):
            row = self.rows[self.at][1][2:]
            if BLOCK_KEY.match(row):  # a block map whose first key follows the dash
                self.rows[self.at] = (indent + 2, row)
                found.append(self.block(indent + 2))
            else:
                self.at += 1
                found.append(self.inline(row, indent))
        return found


def read(text):
    reader = Reader(text)
    value = reader.block(0)
    if reader.at != len(reader.rows):
        raise ValueError(f"not read from {reader.rows[reader.at][1]!r} on")
    return value
