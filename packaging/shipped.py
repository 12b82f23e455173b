#!/usr/bin/env python3
"""What an installation has that is not of this repository: the runtime and the models of the default pipeline.

usage: shipped.py runtime|models|licences     (one path a line, for packaging/meson.build)
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = ROOT / "deps"


def runtime():
    return sorted(path for path in (DEPS / "openvino/lib").iterdir() if not path.is_symlink())


def manifests():
    """{manifest's path: its content}; the optional ones are brought in by who wants them."""
    read = {path: json.loads(path.read_text()) for path in sorted((ROOT / "models").glob("*.json"))}
    return {path: manifest for path, manifest in read.items() if not manifest.get("optional")}


def models():
    return [*manifests(), *(DEPS / "models" / manifest["file"] for manifest in manifests().values())]


def licences():
    return sorted((DEPS / "openvino/licences").iterdir())


if __name__ == "__main__":
    print(*{"runtime": runtime, "models": models, "licences": licences}[sys.argv[1]](), sep="\n")
