"""Every module of the page is valid JavaScript, by `node --check`, and is embedded in the program."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

WEB = pathlib.Path(os.environ["SB_SOURCE"]) / "web"


def syntax_error(path):
    """What node says about the file; "" if it is valid."""
    return subprocess.run(["node", "--check", path], capture_output=True, text=True, check=False).stderr


@unittest.skipUnless(shutil.which("node"), "node is not installed (Debian: nodejs)")
class Syntax(unittest.TestCase):
    def test_every_module_is_valid(self):
        modules = sorted((WEB / "js").rglob("*.js"))
        self.assertGreater(len(modules), 15)
        self.assertEqual([(p.name, error) for p in modules if (error := syntax_error(p))], [])

    def test_a_broken_module_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "broken.mjs")
            path.write_text("export const a = (;\n")
            self.assertIn("SyntaxError", syntax_error(path))


EXPORT = re.compile(r"^export (?:async )?(?:const|let|function|class) (\w+)", re.M)
IMPORT = re.compile(r"^import \{([^}]*)\}", re.M)


def missing_imports(modules):
    """[(module, name)] of the calls of a function of another module that is not imported. `modules`: {name: text}."""
    exports = {name: set(EXPORT.findall(text)) for name, text in modules.items()}
    found = []
    for module, text in modules.items():
        code = re.sub(r"//.*|/\*.*?\*/|'(?:[^'\\\n]|\\.)*'", "", text)
        here = exports[module] | {
            one.split(" as ")[-1].strip() for some in IMPORT.findall(text) for one in some.split(",")
        }
        for name in sorted(set().union(*exports.values()) - here):
            own = re.search(
                rf"\b(?:function|const|let|class) {name}\b|[{{(,]\s*{name}\s*[,)=}}]|^ +(?:async )?{name}\(.*\{{",
                code,
                re.M,
            )
            if re.search(rf"(?<![.\w$]){name}\(", code) and not own:
                found.append((module, name))
    return found


class Imports(unittest.TestCase):
    def test_every_function_of_another_module_is_imported(self):
        self.assertEqual(missing_imports({p.name: p.read_text() for p in (WEB / "js").glob("*.js")}), [])

    def test_a_missing_import_is_found(self):
        texts = {"a.js": "export function one() {}\n", "b.js": "const x = one();\n"}
        self.assertEqual(missing_imports(texts), [("b.js", "one")])
        texts["b.js"] = "import { one } from './a.js';\n" + texts["b.js"]
        self.assertEqual(missing_imports(texts), [])


class Embedded(unittest.TestCase):
    def test_every_module_is_in_the_program(self):
        listed = (WEB / "meson.build").read_text()
        self.assertEqual(
            [p.stem for p in (WEB / "js").glob("*.js") if f"'{p.stem}'" not in listed and p.stem != "docs"], []
        )


if __name__ == "__main__":
    unittest.main()
