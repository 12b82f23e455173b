"""The npm package as users get it: installed into a fresh project, against a server of this build."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import checkout
import release
from collage import on_grey
from program import FRIENDS
from server import Server

CONSUMER = """import { Semblance, SemblanceError } from 'semblance';

const faces = new Semblance('http://localhost:8501', { key: 'sbk_1' });
export async function name(photo: Blob): Promise<string> {
  const answer = await faces.search(photo, { k: 1, fmr: 1e-4 });
  return answer.faces?.[0]?.candidates?.[0]?.name ?? 'nobody';
}
export const codeOf = (error: unknown): string => (error instanceof SemblanceError ? error.code : '');
for await (const person of faces.people({ sort: 'name' })) console.log(person.id, person.name);
"""
WRONG = "import { Semblance } from 'semblance';\n\nawait new Semblance().search(new Blob(), { k: 'five' });\n"
TYPESCRIPT = "5.9.3"


@release.needed
class Npm(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-npm-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "package.json").write_text('{"name": "fresh", "version": "1.0.0", "type": "module"}\n')
        self.file = release.one("semblance-[0-9]*.tgz")
        self.npm("install", "--no-audit", "--no-fund", "--offline", self.file)

    def npm(self, *arguments):
        subprocess.run(["npm", *arguments], cwd=self.folder, check=True, capture_output=True, text=True, timeout=600)

    def test_it_needs_no_other_package_and_works_from_enrolment_to_the_live_channel(self):
        installed = json.loads((self.folder / "node_modules/semblance/package.json").read_text())
        self.assertFalse({"dependencies", "devDependencies"} & set(installed))
        self.assertEqual([p.name for p in (self.folder / "node_modules").iterdir() if p.name[0] != "."], ["semblance"])
        shutil.copy(checkout.SOURCE / "tests/clients/walk.mjs", self.folder)
        (self.folder / "grey.png").write_bytes(on_grey(320, 240, []))
        version = int(subprocess.run(["node", "--version"], capture_output=True, text=True).stdout[1:].split(".")[0])
        options = ["--experimental-websocket"] if version in (20, 21) else []
        with Server(self.folder / "gallery") as server:
            address = f"http://127.0.0.1:{server.port}"
            done = subprocess.run(
                ["node", *options, "walk.mjs", address, pathlib.Path(FRIENDS).resolve(), "grey.png"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=600,
                env={**os.environ, "NO_PROXY": "127.0.0.1"},
            )
        self.assertTrue(done.stdout.endswith("passed\n"), f"{done.returncode}: {done.stdout}{done.stderr}")

    def test_its_types_hold_in_a_strict_project_and_find_a_wrong_argument(self):
        self.npm("install", "--no-audit", "--no-fund", f"typescript@{TYPESCRIPT}")
        options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
        for name, text, code in (("right.ts", CONSUMER, 0), ("wrong.ts", WRONG, 2)):
            (self.folder / name).write_text(text)
            done = subprocess.run(
                ["npx", "tsc", *options, name], cwd=self.folder, capture_output=True, text=True, timeout=300
            )
            self.assertEqual(done.returncode, code, done.stdout)
        self.assertIn("'string' is not assignable to type 'number'", done.stdout)


if __name__ == "__main__":
    unittest.main()
