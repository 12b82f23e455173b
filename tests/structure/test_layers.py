"""The rules of the source: rooms use only lower rooms, every header compiles alone, a room has no ring of files."""

import itertools
import pathlib
import re
import subprocess
import tempfile
import unittest

import rooms
from rooms import ALLOWED, SOURCE, Symbols

# Headers of other projects that only one file or one folder may include.
ONLY_IN = {
    "openvino": "src/infer/infer.c",
    "sqlite3.h": ("src/store/drivers/sqlite/", "src/sql/sqlite.h", "src/base/sqlite_status.c"),
    "sqlite3ext.h": "src/sql/sqlite.h",
    "libpq-fe.h": "src/store/drivers/postgres/",
    "sodium.h": "src/crypto/",
    "microhttpd.h": "src/http/",
    "gnutls/": ("src/http/core/tls.c", "src/http/core/websocket.c"),
    "jpeglib.h": "src/image/",
    "spng.h": "src/image/",
    "webp/": "src/image/",
    "libheif/": "src/image/",
    "gif_lib.h": "src/image/gif.c",
    "tiffio.h": "src/image/tiff.c",
    "jxl/": "src/image/jxl.c",
    "zip.h": "src/import/",
    "wslay/": "src/http/core/",
    **{f"unicode/{header}.h": "src/unicode/" for header in ("uchar", "ucol", "udata", "unorm2", "ustring")},
    "libavformat/": "src/video/decoder_",
    "libavcodec/": "src/video/decoder_",
    "libavutil/": "src/video/decoder_",
    "libswscale/": "src/video/decoder_",
    "curl/": "src/webhook/sender_main.c",
    "mosquitto.h": "src/webhook/sender_mqtt.c",
    "mqtt_protocol.h": "src/webhook/sender_mqtt.c",
    "openssl/": "src/webhook/sender_mqtt.c",
    "histedit.h": "src/cli/commands/sql/line_editor.c",
}
# The parts of divided rooms, lowest first (vector.h and http.h define the order). Files outside the parts are above all
# of them, except the room's own header, whose types all parts may use.
PARTS = {
    "vector": ["kernels", "quantizer", "index", "search"],
    "http": ["core", "ops", "outbox", "jobs", "api", "dialects"],
}


def height(path):
    """The height of a file of a divided room, below src/, among the parts of its room."""
    room, part, *_ = path.split("/")
    return PARTS[room].index(part) if part in PARTS[room] else len(PARTS[room])


def violations(path, text):
    """The includes that are forbidden for the file at `path` (from the root)."""
    folder = rooms.room_of(path)
    found = []
    for include in rooms.INCLUDE.findall(text):
        owner = include.split("/")[0]
        if owner in ALLOWED and owner != folder and owner not in ALLOWED[folder] and include not in rooms.TYPES_ONLY:
            found.append(f"{path}: {folder} may not include {include}")
        if (
            folder == owner
            and folder in PARTS
            and include != f"{folder}/{folder}.h"
            and height(include) > height(path.removeprefix("src/"))
        ):
            found.append(f"{path}: a lower part of {folder} may not include {include}")
        for header, home in ONLY_IN.items():
            if include.startswith(header) and not path.startswith(home):
                found.append(f"{path}: only {home} may include {include}")
    return found


def sources():
    return rooms.c_files("src")


class Includes(unittest.TestCase):
    def test_no_room_includes_from_a_higher_one(self):
        found = [v for p in sources() for v in violations(str(p.relative_to(SOURCE)), p.read_text())]
        self.assertEqual(found, [])

    def test_a_wrong_include_is_found(self):
        self.assertTrue(violations("src/base/file.c", '#include "store/store.h"'))
        self.assertTrue(violations("src/vector/kernels/dot.c", "# include <engine/engine.h>"))
        self.assertTrue(violations("src/face/face.c", "#include <openvino/c/openvino.h>"))
        self.assertTrue(violations("src/http/core/route.c", "#include <sqlite3.h>"))
        self.assertTrue(violations("src/http/core/route.c", '#include "http/api/handlers.h"'))
        self.assertTrue(violations("src/http/ops/page.c", '#include "http/routes.h"'))
        self.assertFalse(violations("src/http/routes.c", '#include "http/api/handlers.h"'))
        self.assertTrue(violations("src/vector/index/rows.c", '#include "vector/search/query_batch.h"'))
        self.assertFalse(violations("src/engine/engine.c", '#include "store/store.h"\n#include <stdio.h>'))
        self.assertFalse(violations("src/infer/infer.c", "#include <openvino/c/openvino.h>"))

    def test_headers_of_types_alone_declare_no_function(self):
        for name in rooms.TYPES_ONLY:
            if (SOURCE / "src" / name).exists():
                self.assertEqual([f.name for f in rooms.functions((SOURCE / "src" / name).read_text())], [], name)

    def test_the_table_of_rooms_names_every_folder_of_src(self):
        self.assertEqual({p.name for p in (SOURCE / "src").iterdir() if p.is_dir()}, set(ALLOWED))

    def test_libraries_link_lower_rooms_only(self):
        for folder, lower in ALLOWED.items():
            text = (SOURCE / "src" / folder / "meson.build").read_text()
            listed = " ".join(re.findall(r"dependencies:\s*\[([^\]]*)\]", text))
            linked = {word for word in re.findall(r"\b[a-z]+", listed) if word in ALLOWED}
            with self.subTest(folder=folder):
                self.assertLessEqual(linked, lower | {folder})
                self.assertTrue(linked or folder == "base")


class Calls(unittest.TestCase):
    def test_no_room_calls_a_higher_one_or_past_the_one_below(self):
        symbols = rooms.built_symbols()
        self.assertGreater(len(symbols), 200)
        self.assertEqual(rooms.calls_outside(symbols, ALLOWED, rooms.public_names()), [])

    def test_all_json_is_written_by_one_writer_that_keeps_numbers_short(self):
        wanted = {name for symbols in rooms.built_symbols().values() for name in symbols.wanted}
        self.assertIn("json_pack", wanted)
        self.assertEqual([name for name in wanted if name.startswith("json_dump")], [])

    def test_a_call_past_the_engine_is_found_although_its_header_is_included(self):
        symbols = {
            "src/store/store.c": Symbols({"sb_store_open"}, set()),
            "src/http/api/people.c": Symbols(set(), {"sb_store_open", "malloc"}),
        }
        self.assertEqual(len(rooms.calls_outside(symbols, ALLOWED, set())), 1)
        self.assertEqual(rooms.calls_outside(symbols, ALLOWED, {"sb_store_open"}), [])


class Rings(unittest.TestCase):
    def test_no_ring_of_files_by_what_they_call(self):
        self.assertEqual(rooms.rings(rooms.call_edges(rooms.built_symbols())), [])

    def test_no_ring_of_headers(self):
        texts = {str(p.relative_to(SOURCE / "src")): p.read_text() for p in sources() if p.suffix == ".h"}
        self.assertEqual(rooms.rings(rooms.include_edges(texts)), [])

    def test_a_ring_of_three_files_is_found_and_a_call_into_another_room_is_not_a_ring(self):
        symbols = {
            "src/http/a.c": Symbols({"a"}, {"b"}),
            "src/http/b.c": Symbols({"b"}, {"c", "base"}),
            "src/http/c.c": Symbols({"c"}, {"a"}),
            "src/base/d.c": Symbols({"base"}, set()),
        }
        self.assertEqual(rooms.rings(rooms.call_edges(symbols)), [["src/http/a.c", "src/http/b.c", "src/http/c.c"]])
        symbols["src/http/c.c"].wanted.clear()
        self.assertEqual(rooms.rings(rooms.call_edges(symbols)), [])

    def test_two_headers_that_include_each_other_are_found(self):
        texts = {"a/x.h": '#include "a/y.h"', "a/y.h": '#include "a/x.h"', "a/z.h": '#include "a/x.h"'}
        self.assertEqual(rooms.rings(rooms.include_edges(texts)), [["a/x.h", "a/y.h"]])


class Headers(unittest.TestCase):
    def test_the_public_headers_compile_alone_as_c99_and_as_cpp(self):
        headers = [p.name for p in (SOURCE / "include/semblance").glob("*.h")]
        self.assertIn("semblance.h", headers)
        for header, (language, standard) in itertools.product(headers, (("c", "c99"), ("c++", "c++11"))):
            with self.subTest(header=header, standard=standard), tempfile.TemporaryDirectory() as folder:
                unit = pathlib.Path(folder, "unit." + language)
                unit.write_text(f"#include <semblance/{header}>\n")
                subprocess.run(
                    [
                        "cc",
                        "-x",
                        language,
                        f"-std={standard}",
                        "-pedantic-errors",
                        "-Wall",
                        "-Wextra",
                        "-Werror",
                        "-fsyntax-only",
                        "-I",
                        SOURCE / "include",
                        unit,
                    ],
                    check=True,
                )

    def test_every_header_compiles_alone(self):
        for path in sources():
            if path.suffix != ".h" or path.name == "assets.h":
                continue
            with self.subTest(header=path.name):
                subprocess.run(
                    [
                        "cc",
                        "-x",
                        "c",
                        "-std=c17",
                        "-D_GNU_SOURCE",
                        "-Wall",
                        "-Werror",
                        "-fsyntax-only",
                        "-I",
                        SOURCE / "include",
                        "-I",
                        SOURCE / "src",
                        path,
                    ],
                    check=True,
                )


if __name__ == "__main__":
    unittest.main()
