"""The rules of the source tree: layers point one way, headers stand alone, files stay small."""
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE"])
# Each folder and the folders below it that it may include from (docs/architecture.md).
ALLOWED = {
    "base": set(),
    "config": {"base"}, "json": {"base"}, "sandbox": {"base"},
    "image": {"base"}, "infer": {"base"}, "vector": {"base"}, "crypto": {"base"}, "stats": {"base"},
    "face": {"base", "image", "infer", "vector", "crypto", "stats"},
    "store": {"base", "vector", "crypto"},
    "import": {"base", "crypto"},
    "engine": {"base", "image", "infer", "vector", "crypto", "stats", "face", "store"},
    "http": {"base", "config", "json", "import", "crypto", "engine"},
    "sql": {"base", "vector", "engine"},
    "cli": {"base", "config", "json", "import", "sandbox", "crypto", "vector", "stats", "engine", "http", "sql"},
}
# Headers of other projects that one file alone, or one folder, may know.
ONLY_IN = {"openvino": "src/infer/infer.c", "sqlite3.h": ("src/store/drivers/sqlite/", "src/sql/sqlite.h", "src/base/sqlite_status.c"),
           "libpq-fe.h": "src/store/drivers/postgres/",
           "sqlite3ext.h": "src/sql/sqlite.h", "sodium.h": "src/crypto/", "histedit.h": "src/cli/line_editor.c",
           "microhttpd.h": "src/http/", "gnutls/": ("src/http/core/tls.c", "src/http/core/websocket.c"),
           "jpeglib.h": "src/image/", "spng.h": "src/image/", "webp/": "src/image/", "libheif/": "src/image/"}
# The parts of src/http, lowest first; files beside them (server.c, routes.c) stand above all of them (src/http/http.h).
HTTP_PARTS = ["core", "ops", "jobs", "api", "dialects"]
LINES_MAX = 800
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def http_part(path):
    """The height of a file of src/http, or of a header of it, among its parts."""
    part = path.split("/")[1]
    return HTTP_PARTS.index(part) if part in HTTP_PARTS else len(HTTP_PARTS)


def violations(path, text):
    """What the file at `path` (from the root) includes and should not."""
    folder = path.split("/")[1]
    found = []
    for include in INCLUDE.findall(text):
        owner = include.split("/")[0]
        if owner in ALLOWED and owner != folder and owner not in ALLOWED[folder]:
            found.append(f"{path}: {folder} may not include {include}")
        if folder == owner == "http" and http_part(include) > http_part(path.removeprefix("src/")):
            found.append(f"{path}: a lower part of http may not include {include}")
        for header, home in ONLY_IN.items():
            if include.startswith(header) and not path.startswith(home):
                found.append(f"{path}: only {home} may include {include}")
    return found


def sources():
    return sorted(p for p in (SOURCE / "src").rglob("*.[ch]"))


class Layers(unittest.TestCase):
    def test_no_folder_includes_from_a_higher_layer(self):
        found = [v for p in sources() for v in violations(str(p.relative_to(SOURCE)), p.read_text())]
        self.assertEqual(found, [])

    def test_the_check_sees_what_it_is_to_see(self):
        self.assertTrue(violations("src/base/file.c", '#include "store/store.h"'))
        self.assertTrue(violations("src/vector/dot.c", '# include <engine/engine.h>'))
        self.assertTrue(violations("src/face/face.c", "#include <openvino/c/openvino.h>"))
        self.assertTrue(violations("src/http/core/route.c", "#include <sqlite3.h>"))
        self.assertTrue(violations("src/http/core/route.c", '#include "http/api/handlers.h"'))
        self.assertTrue(violations("src/http/ops/page.c", '#include "http/routes.h"'))
        self.assertFalse(violations("src/http/routes.c", '#include "http/api/handlers.h"'))
        self.assertFalse(violations("src/http/jobs/jobs.c", '#include "http/core/route.h"'))
        self.assertFalse(violations("src/engine/engine.c", '#include "store/store.h"\n#include <stdio.h>'))
        self.assertFalse(violations("src/infer/infer.c", "#include <openvino/c/openvino.h>"))

    def test_every_folder_of_src_has_its_place(self):
        self.assertEqual({p.name for p in (SOURCE / "src").iterdir() if p.is_dir()}, set(ALLOWED))

    def test_libraries_link_lower_layers_only(self):
        for folder, lower in ALLOWED.items():
            text = (SOURCE / "src" / folder / "meson.build").read_text()
            linked = {word for word in re.findall(r"\b[a-z]+", " ".join(re.findall(r"dependencies:\s*\[([^\]]*)\]", text))) if word in ALLOWED}
            with self.subTest(folder=folder):
                self.assertLessEqual(linked, lower | {folder})
                self.assertTrue(linked or folder == "base")


class Headers(unittest.TestCase):
    def test_the_public_headers_compile_alone_as_c99_and_as_cpp(self):
        headers = [p.name for p in (SOURCE / "include/semblance").glob("*.h")]
        self.assertIn("semblance.h", headers)
        for header, (language, standard) in itertools.product(headers, (("c", "c99"), ("c++", "c++11"))):
            with self.subTest(header=header, standard=standard), tempfile.TemporaryDirectory() as folder:
                unit = pathlib.Path(folder, "unit." + language)
                unit.write_text(f"#include <semblance/{header}>\n")
                subprocess.run(["cc", "-x", language, f"-std={standard}", "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
                                "-fsyntax-only", "-I", SOURCE / "include", unit], check=True)

    def test_every_header_compiles_alone(self):
        for path in sources():
            if path.suffix != ".h" or path.name == "assets.h":
                continue
            with self.subTest(header=path.name):
                subprocess.run(["cc", "-x", "c", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only", "-I",
                                SOURCE / "include", "-I", SOURCE / "src", path], check=True)


class Size(unittest.TestCase):
    def test_files_stay_small_enough_to_read(self):
        files = [p for folder in ("src", "tests", "web", "models", "script", "bench", "include")
                 for p in (SOURCE / folder).rglob("*") if p.suffix in (".c", ".h", ".py", ".js", ".css", ".html")]
        self.assertGreater(len(files), 100)
        self.assertEqual([str(p) for p in files if len(p.read_text().splitlines()) > LINES_MAX], [])


if __name__ == "__main__":
    unittest.main()
