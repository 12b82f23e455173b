"""Each exported function and type has a unique name in the whole project, which begins with a word of its room."""

import re
import unittest

import rooms
from rooms import SOURCE

# The words that exported functions and types of each room begin with, after sb_. Constants (SB_) are not checked.
WORDS = {
    "base": {
        "actor",
        "alloc",
        "base64",
        "buffer",
        "cpu",
        "dir",
        "fail",
        "fault",
        "file",
        "grow",
        "hash",
        "hex",
        "install",
        "log",
        "monotonic",
        "now",
        "path",
        "pool",
        "read",
        "stage",
        "status",
        "strdup",
        "text",
        "time",
        "timed",
        "utf8",
        "wipe",
        "write",
    },
    "config": {"config", "setting", "settings"},
    "unicode": {"unicode"},
    "json": {"groups", "json"},
    "sandbox": {"sandbox"},
    "video": {"video"},
    "webhook": {"webhook"},
    "track": {"track", "tracker"},
    "image": {"image"},
    "infer": {"infer"},
    "liveness": {"challenge"},
    "vector": {
        "axes",
        "centroids",
        "dot",
        "epoch",
        "filter",
        "generation",
        "hit",
        "index",
        "jacobi",
        "kernel",
        "kernels",
        "key",
        "metric",
        "normalize",
        "pages",
        "precision",
        "quantizer",
        "query",
        "recall",
        "rows",
        "scratch",
        "search",
        "shortlist",
        "stored",
        "thread_team",
        "topk",
        "trainer",
        "training",
    },
    "crypto": {"chain", "crypto", "keyring", "root", "seal", "sealed", "transform"},
    "stats": {"calibration", "cohort", "identify", "interval", "normal", "scores", "stats"},
    "face": {
        "align",
        "alignment",
        "attribute",
        "detection",
        "detections",
        "detector",
        "embedder",
        "find",
        "landmarks",
        "manifest",
        "model",
        "models",
        "pipeline",
        "quality",
        "registry",
        "similarity",
        "square",
        "tensor",
        "verifier",
        "worker",
    },
    "import": {"csv", "import", "spool", "zip"},
    "store": {"access", "audit", "database", "density", "driver", "hnsw", "postgres", "sqlite", "statement", "store"},
    "engine": {
        "cameras",
        "candidates",
        "child",
        "cluster",
        "collection",
        "diagnostics",
        "engine",
        "event",
        "events",
        "film",
        "flow",
        "indexed_row",
        "named",
        "neighbor",
        "operating_point",
        "person",
        "photo",
        "search_batcher",
        "template",
        "thumbnail",
        "verdict",
    },
    "camera": {"camera"},
    "http": {"http"},
    "sql": {"sql"},
    "cli": {"cli"},
}


def word_violations(named, words):
    """Those of [(name, file)] whose first words do not belong to the file's room."""
    found = []
    for name, path in named:
        room = rooms.room_of(path)
        if not any(name == f"sb_{word}" or name.startswith(f"sb_{word}_") for word in words[room]):
            found.append(f"{path}: {name} begins with no word of {room}")
    return found


# Functions of the C library that a program replaces for the libraries that it uses.
REPLACED = {("connect", "src/video/decoder_network.c"), ("sendto", "src/video/decoder_network.c")}


def exported_functions():
    public = rooms.public_names()
    return [
        (name, path)
        for path, each in rooms.built_symbols().items()
        for name in each.defined
        if name not in public
        and name != "main"
        and (name, path) not in REPLACED
        and not re.match(r"(__|_?asan|\w+\.\d+)", name)
    ]


def exported_types():
    """[(type, header)] of the headers of src/ and include/."""
    return [
        (name, str(p.relative_to(SOURCE)))
        for p in rooms.c_files("src", "include")
        if p.suffix == ".h"
        for name in rooms.types(p.read_text())
        if name.startswith("sb_")
    ]


class Names(unittest.TestCase):
    def test_no_function_is_defined_twice(self):
        named = [(name, path) for path, each in rooms.built_symbols().items() for name in each.defined - {"main"}]
        self.assertGreater(len(named), 1000)
        self.assertEqual(rooms.duplicates(named), [])

    def test_no_type_is_defined_twice(self):
        named = exported_types()
        self.assertGreater(len(named), 300)
        self.assertEqual(rooms.duplicates(named), [])

    def test_no_type_has_a_functions_name(self):
        functions = {name for each in rooms.built_symbols().values() for name in each.defined}
        self.assertEqual(sorted(functions & {name for name, _ in exported_types()}), [])

    def test_exported_names_begin_with_a_word_of_their_room(self):
        self.assertEqual(word_violations(exported_functions(), WORDS), [])
        self.assertEqual(word_violations([pair for pair in exported_types() if rooms.room_of(pair[1])], WORDS), [])

    def test_a_word_belongs_to_one_room(self):
        pairs = [(word, room) for room, words in WORDS.items() for word in words]
        self.assertEqual(rooms.duplicates(pairs), [])

    def test_a_wrong_name_is_found(self):
        words = {"http": {"http"}, "base": {"log"}}
        self.assertFalse(
            word_violations([("sb_http_reply", "src/http/core/reply.c"), ("sb_log", "src/base/log.c")], words)
        )
        self.assertTrue(word_violations([("sb_reply", "src/http/core/reply.c")], words))
        self.assertTrue(word_violations([("sb_logging", "src/base/log.c")], words))
        self.assertEqual(
            rooms.duplicates([("sb_probe", "a.h"), ("sb_probe", "b.h"), ("sb_one", "a.h")]),
            [("sb_probe", ["a.h", "b.h"])],
        )

    def test_types_are_found_in_every_way_that_c_defines_them(self):
        text = """typedef struct sb_a { int x; } sb_a; typedef enum { ONE } sb_b; struct sb_c { int y; };
                  typedef void (*sb_d)(int x); typedef struct sb_e sb_e; typedef const char *sb_f;
                  typedef uint8_t sb_g[4];
                  struct sb_h; void sb_i(struct sb_c *c); /* typedef int sb_j; */"""
        self.assertEqual(rooms.types(text), {"sb_a", "sb_b", "sb_c", "sb_d", "sb_f", "sb_g"})


if __name__ == "__main__":
    unittest.main()
