#!/usr/bin/env python3
"""Lists the third-party files of an installation: the inference runtime and the models of the default pipeline.

usage: shipped.py runtime|models|licences     (prints one path a line, for packaging/meson.build)
       shipped.py copyright                   (prints Debian's copyright file)
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = ROOT / "deps"
RUNTIME = json.loads((ROOT / "script/packages.json").read_text())["runtime"]
RUNTIME_COPYRIGHT = "Intel Corporation and the contributors of OpenVINO, oneDNN and oneTBB"


def runtime():
    return sorted(path for path in (DEPS / "openvino/lib").iterdir() if not path.is_symlink())


def manifests():
    """{path of a manifest: its content}, without the optional models, which users add themselves."""
    read = {path: json.loads(path.read_text()) for path in sorted((ROOT / "models").glob("*.json"))}
    return {path: manifest for path, manifest in read.items() if not manifest.get("optional")}


def models():
    return [*manifests(), *(DEPS / "models" / manifest["file"] for manifest in manifests().values())]


def licence_text(manifest):
    return ROOT / "models/licences" / f"{manifest['source']['package'].split('/')[-1]}.txt"


def licences():
    return sorted({*(DEPS / "openvino/licences").iterdir(), *map(licence_text, manifests().values())})


def copyright_line(text):
    return next(line.strip() for line in text.read_text().splitlines() if line.startswith("Copyright"))


def paragraph(files, holder, licence, comment=""):
    text = f"Files: {files}\nCopyright: {holder.removeprefix('Copyright (c) ')}\nLicense: {licence}\n"
    return text + (f"Comment: {comment}\n" if comment else "")


def debian_copyright():
    """https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"""
    mit = (ROOT / "LICENSE").read_text().split("\n\n", 2)[2]
    yield "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: semblance\n"
    yield paragraph("*", copyright_line(ROOT / "LICENSE"), "MIT")
    yield paragraph(
        " ".join(f"usr/lib/semblance/{path.name}" for path in runtime()),
        RUNTIME_COPYRIGHT,
        "Apache-2.0",
        "licences of third-party parts: /usr/share/doc/semblance/licences",
    )
    for manifest in manifests().values():
        yield paragraph(
            f"usr/share/semblance/models/{manifest['file']}",
            copyright_line(licence_text(manifest)),
            manifest["licence"],
            manifest["origin"],
        )
    yield "License: MIT\n" + "".join(f" {line.rstrip() or '.'}\n" for line in mit.rstrip().split("\n"))
    yield "License: Apache-2.0\n On Debian systems the whole text is in /usr/share/common-licenses/Apache-2.0.\n"


if __name__ == "__main__":
    if sys.argv[1] == "copyright":
        print(*debian_copyright(), sep="\n", end="")
    else:
        print(*{"runtime": runtime, "models": models, "licences": licences}[sys.argv[1]](), sep="\n")
