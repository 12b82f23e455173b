"""The rooms of src/ for the tests of structure: which rooms may use which others, and the symbols of their files."""

import dataclasses
import functools
import itertools
import json
import os
import pathlib
import re
import subprocess

SOURCE = pathlib.Path(os.environ["SB_SOURCE"])
BUILD = pathlib.Path(os.environ["SEMBLANCE"]).parent

# Each room and the rooms below it that it may include from and call (docs/architecture.md).
ALLOWED = {
    "base": set(),
    "config": {"base"},
    "unicode": {"base"},
    "json": {"base"},
    "sandbox": {"base"},
    "video": {"base", "sandbox"},
    "webhook": {"base", "sandbox"},
    "image": {"base"},
    "liveness": {"base"},
    "infer": {"base"},
    "vector": {"base"},
    "crypto": {"base"},
    "stats": {"base"},
    "track": {"base", "vector"},
    "face": {"base", "image", "infer", "vector", "crypto", "stats"},
    "store": {"base", "unicode", "vector", "crypto"},
    "import": {"base", "unicode", "crypto"},
    "engine": {"base", "image", "infer", "vector", "crypto", "stats", "liveness", "track", "face", "store", "webhook"},
    "camera": {"base", "image", "video", "engine"},
    "http": {"base", "config", "json", "import", "crypto", "liveness", "engine", "video", "camera", "webhook"},
    "sql": {"base", "vector", "engine"},
    "cli": {
        "base",
        "config",
        "json",
        "import",
        "sandbox",
        "video",
        "camera",
        "webhook",
        "crypto",
        "vector",
        "stats",
        "engine",
        "http",
        "sql",
    },
}

# Headers with types and without functions. Every higher room may include them, since including them calls nothing.
TYPES_ONLY = {"store/store_types.h"}

COMMENTS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def c_files(*folders):
    """The C files and headers below `folders`, from the root of the checkout."""
    return sorted(p for folder in folders for p in (SOURCE / folder).rglob("*.[ch]"))


def room_of(path):
    """The room of a path from the root: "vector" of "src/vector/index/rows.c"; None outside src/."""
    parts = pathlib.PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def bare(text):
    """C text without comments and preprocessor lines, with strings emptied; lines stay where they are."""

    def blank(found):
        word = found.group()
        return '""' if word[0] in "\"'" and "\n" not in word else "\n" * word.count("\n") or " "

    text = COMMENTS.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"), text, flags=re.M)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int  # of its definition; 0: it is only declared
    parameters: int
    static: bool


def split_commas(text):
    """How many parts the commas outside brackets divide `text` into; 0 for nothing or `void`."""
    depth = 0
    parts = 1
    for letter in text:
        depth += letter in "([{"
        depth -= letter in ")]}"
        parts += letter == "," and depth == 0
    return 0 if text.strip() in ("", "void") else parts


def closing(text, at):
    """The offset of the bracket that closes the one at `at`."""
    pairs = {"(": ")", "{": "}"}
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] == text[at]
        depth -= text[i] == pairs[text[at]]
        if depth == 0:
            return i
    return len(text) - 1


def functions(text):
    """Every function that C text defines or declares at file scope."""
    text = bare(text)
    found, at, start = [], 0, 0
    while at < len(text):
        letter = text[at]
        if letter in ";}":
            start = at + 1
        elif letter == "{":
            if not text[start:at].strip().startswith("extern"):  # extern "C" { } is not a scope
                at = closing(text, at)
            start = at + 1
        elif letter == "(":
            end = closing(text, at)
            head = re.search(r"(\w+)\s*$", text[start:at])
            after = re.match(r"\s*(?:__attribute__\s*\(\(.*?\)\)\s*)?([{;])", text[end + 1 : end + 200])
            before = text[start:at]
            if head and after and "typedef" not in before and "=" not in before and len(before.split()) > 1:
                line = text.count("\n", 0, start + len(before) - len(before.lstrip())) + 1
                body = end + after.end()
                stop = closing(text, body) if after[1] == "{" else body
                lines = text.count("\n", 0, stop) + 2 - line if after[1] == "{" else 0
                found.append(
                    Function(head[1], line, lines, split_commas(text[at + 1 : end]), "static" in before.split())
                )
                at = stop
                start = at + 1
            else:
                at = end
        at += 1
    return found


def types(text):
    """The names of types that C text defines: typedefs, and structs, unions and enums with a body."""
    text = bare(text)
    names = set(re.findall(r"\b(?:struct|union|enum)\s+(\w+)\s*\{", text))
    depth, start = 0, 0
    for i, letter in enumerate(text):
        depth += letter in "{("
        depth -= letter in "})"
        if letter == ";" and depth == 0:
            words = text[start:i].strip()
            start = i + 1
            pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", words)
            if words.startswith("typedef") and "{" in words:
                names.add(re.search(r"(\w+)\s*$", words)[1])
            elif words.startswith("typedef") and pointer:
                names.add(pointer[1])
            elif words.startswith("typedef") and not re.match(r"typedef (struct|union|enum) (\w+) \2$", words):
                names.add(re.search(r"(\w+)(\[[^]]*\])?\s*$", words)[1])
    return names


@dataclasses.dataclass
class Symbols:
    """The symbols that one object file defines for others, and those that it uses of others."""

    defined: set
    wanted: set


def symbols_of(object_file):
    listing = subprocess.run(["nm", object_file], capture_output=True, text=True, check=True).stdout
    defined, wanted = set(), set()
    for line in listing.splitlines():
        words = line.split()
        if words[-2] in "TDBRVWC":
            defined.add(words[-1])
        elif words[-2] == "U":
            wanted.add(words[-1])
    return Symbols(defined, wanted)


@functools.cache
def built_symbols():
    """{file from the root: Symbols} of every C file of src/ that this build compiled into libraries and the program."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), SOURCE)
        place = entry["output"].split("/")
        if room_of(path) and place[0] == "src" and not place[2].startswith("semblance.so"):
            each = symbols_of(os.path.join(entry["directory"], entry["output"]))
            known = found.setdefault(path, Symbols(set(), set()))
            known.defined |= each.defined
            known.wanted |= each.wanted
    return found


def public_names():
    """The functions of the public headers. Every room above the one with their code may call them."""
    return {f.name for p in (SOURCE / "include/semblance").glob("*.h") for f in functions(p.read_text())}


def owners(symbols):
    """{symbol: the file that defines it}."""
    return {name: path for path, each in symbols.items() for name in each.defined}


def calls_outside(symbols, allowed, public):
    """The calls, by symbols, of files into rooms that their own room may not use."""
    owner = owners(symbols)
    found = []
    for path, each in sorted(symbols.items()):
        room = room_of(path)
        for name in sorted(each.wanted & set(owner)):
            other = room_of(owner[name])
            if other != room and other not in allowed[room] and name not in public:
                found.append(f"{path}: {room} may not call {name} of {owner[name]}")
    return found


def rings(edges):
    """The rings of a graph {node: set of nodes}: its strongly connected components of more than one node."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in number:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == number[node]:
            ring = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(ring) > 1:
                found.append(sorted(ring))

    for node in sorted(edges):
        if node not in number:
            visit(node)
    return found


def call_edges(symbols):
    """{file: the files of its room that it calls, or whose data it uses}."""
    owner = owners(symbols)
    return {
        path: {
            owner[name]
            for name in each.wanted
            if name in owner and owner[name] != path and room_of(owner[name]) == room_of(path)
        }
        for path, each in symbols.items()
    }


INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def include_edges(texts):
    """{header: the headers that it includes}, of {path below src/: text}."""
    return {path: {name for name in INCLUDE.findall(text) if name in texts} for path, text in texts.items()}


def duplicates(named):
    """The names with several places: [(name, [place, ...])] of [(name, place)]."""
    named = sorted(set(named))
    groups = itertools.groupby(named, key=lambda pair: pair[0])
    listed = [(name, [place for _, place in pairs]) for name, pairs in groups]
    return [(name, places) for name, places in listed if len(places) > 1]
