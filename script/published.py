#!/usr/bin/env python3
"""Installs optional models by their names: asks whether you accept the licence, downloads, checks, writes manifests.

usage: script/models [--accept-licence] [--from FOLDER] [--to FOLDER] [--mirror ADDRESS] [--keep] NAME...

NAME: one of the models listed below, whose addresses, sizes and SHA-256 are in models/published/sources.json, or one
that a manifest in models/ marks as optional (dlib-resnet-128). The licence of each model is shown, and you are asked
whether you accept it. An interrupted download is resumed. A file is opened only if it has the SHA-256 that is listed.
The weights are not part of Semblance.

  --accept-licence  accept the licences without being asked
  --from FOLDER     take the files from this folder, where they have the names that their publisher gives them
  --to FOLDER       write models and manifests to this folder (default: deps/published, where the program finds them)
  --mirror ADDRESS  download from ADDRESS/FILE instead of the publisher's address
  --keep            keep the downloaded files (in deps/published-weights)
"""

import argparse
import json
import mmap
import pathlib
import shutil
import sys

import download
import fetch

FOLDER = fetch.ROOT / "models/published"
SOURCES = json.loads((FOLDER / "sources.json").read_text())
DEFAULT_PIPELINE = fetch.ROOT / "models/pipelines/default.json"
SLACK = 16  # MB that a file may have beyond twice its listed size


# ---- The names of a graph's outputs, which differ from one export of a model to the next


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")


def fields(data, at, end):
    """Yields (number, start, end) of each field with a length in a protobuf message; the other fields are skipped."""
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            _, at = varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > end:
                raise ValueError("a field is longer than its message")
            yield key >> 3, at, at + size
            at += size
        else:
            raise ValueError(f"unknown kind of field {kind}")


def output_names(path):
    """The outputs of an ONNX file, in its order: ModelProto.graph is field 7, GraphProto.output 12, their name 1."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        names = []
        for number, start, end in fields(data, 0, len(data)):
            if number != 7:
                continue
            for part, first, last in fields(data, start, end):
                if part == 12:
                    names += [data[a:b].decode() for n, a, b in fields(data, first, last) if n == 1]
        return names


def fill_outputs(manifest, path):
    """Sets the outputs that the manifest leaves open (null), in the order of the file."""
    outputs = manifest["outputs"]
    if None not in outputs.values():
        return
    try:
        names = output_names(path)
    except (ValueError, IndexError) as error:
        fetch.stop(f"{path.name} is not an ONNX file: {error}")
    by_level = len(manifest.get("strides", [])) or 1
    if len(names) != by_level * len(outputs):
        fetch.stop(f"{path.name} has {len(names)} outputs instead of {by_level * len(outputs)}")
    for i, role in enumerate(outputs):
        found = names[by_level * i : by_level * (i + 1)]
        outputs[role] = found if "strides" in manifest else found[0]


# ---- One model


def agree(name, chosen):
    """Shows the licence and asks. Ends the program unless the user agrees."""
    source = SOURCES[name]
    size = sum(file["megabytes"] for file in source["files"])
    print(f"{name}: about {size} MB\n    licence: {source['licence']}")
    for file in source["files"]:
        print(f"    from:    {chosen.folder / file['path'] if chosen.folder else file['url']}", flush=True)
    if chosen.accept_licence:
        return
    if not sys.stdin.isatty():
        fetch.stop(f"{name} is installed only if you accept its licence: give --accept-licence")
    if input("Do you accept this licence? [y/N] ").strip().lower() not in ("y", "yes"):
        fetch.stop(f"{name} was not installed")


def get(file, chosen, downloads):
    """Returns the path of a published file, which has the listed SHA-256."""
    if chosen.folder:
        path = chosen.folder / file["path"]
        if not path.is_file():
            fetch.stop(f"{chosen.folder} does not contain {file['path']}")
        fetch.check(path, file["sha256"])
        return path
    path = downloads / file["path"]
    if path.is_file() and fetch.digest(path) == file["sha256"]:
        return path
    downloads.mkdir(parents=True, exist_ok=True)
    address = f"{chosen.mirror}/{file['path']}" if chosen.mirror else file["url"]
    download.download(address, path, file["sha256"], (2 * file["megabytes"] + SLACK) << 20)
    return path


def origin_of(file):
    return {"url": file["url"], "files": [{"path": file["path"], "sha256": file["sha256"]}]}


def is_made(file, target):
    try:
        made = json.loads((target / f"{file['manifest']}.json").read_text())
        return made["source"] == origin_of(file) and fetch.digest(target / made["file"]) == made["sha256"]
    except (OSError, ValueError, KeyError):
        return False


def make(file, path, target):
    """Writes the model file and then its manifest, with the digest of the file."""
    manifest = json.loads((FOLDER / f"{file['manifest']}.json").read_text())
    partial = target / f"{manifest['file']}.partial"
    if manifest.get("converter"):
        fetch.convert(manifest, path, partial)
    else:
        shutil.copy(path, partial)
        fill_outputs(manifest, partial)
    finished = {}
    for key, value in manifest.items():
        finished[key] = value
        if key == "file":
            finished["sha256"] = fetch.digest(partial)
            finished["source"] = origin_of(file)
    partial.rename(target / manifest["file"])
    write(target / f"{manifest['name']}.json", finished)
    return manifest


def write(path, value):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.rename(path)


def make_pipeline(detector, target):
    """The default pipeline with another detector."""
    pipeline = json.loads(DEFAULT_PIPELINE.read_text())
    pipeline["name"] = pipeline["detect"] = detector
    (target / "pipelines").mkdir(exist_ok=True)
    write(target / f"pipelines/{detector}.json", pipeline)


def say_next(name, manifests):
    task = manifests[0]["task"]
    print(f"ready: {name}. Next:")
    for manifest in manifests:
        print(f"  semblance models bench {manifest['name']}")
    if task == "embed":
        print(
            f"  semblance eval --model {name} --calibrate {name}.json YOUR-PHOTOS    (until then its thresholds are as"
        )
        print("      published, and not measured here)")
        print(f"  semblance collections add NAME --model {name}, or semblance migrate-model {name} PHOTOS")
    elif task == "detect":
        print(f"  semblance eval --pipeline {name} YOUR-PHOTOS")
        print(f"  semblance serve --pipeline {name}")
    else:
        print("  semblance serve --liveness passive    (docs/accuracy.md has what was measured)")


def install(name, chosen, downloads):
    files = SOURCES[name]["files"]
    if not all(is_made(file, chosen.to) for file in files):
        agree(name, chosen)
        paths = [get(file, chosen, downloads) for file in files]
        for file, path in zip(files, paths, strict=True):
            make(file, path, chosen.to)
        if not chosen.folder and not chosen.keep:
            for path in paths:
                path.unlink()
    manifests = [json.loads((chosen.to / f"{file['manifest']}.json").read_text()) for file in files]
    if manifests[0]["task"] == "detect":
        make_pipeline(name, chosen.to)
    say_next(name, manifests)


def listed():
    rows = (f"  {name:18} {source['licence']}" for name, source in SOURCES.items())
    return "models and their licences:\n" + "\n".join(rows)


def main():
    options = argparse.ArgumentParser(
        prog="script/models",
        description=__doc__,
        epilog=listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--accept-licence", action="store_true")
    options.add_argument("--from", dest="folder", type=pathlib.Path)
    options.add_argument("--to", type=pathlib.Path, default=fetch.DEPS / "published")
    options.add_argument("--mirror")
    options.add_argument("--keep", action="store_true")
    options.add_argument("names", nargs="+")
    chosen = options.parse_args()
    chosen.to = chosen.to.resolve()
    chosen.folder = chosen.folder and chosen.folder.resolve()
    chosen.to.mkdir(parents=True, exist_ok=True)
    fetch.WORK.mkdir(parents=True, exist_ok=True)
    for name in chosen.names:
        if name in SOURCES:
            install(name, chosen, fetch.DEPS / "published-weights")
        else:
            fetch.fetch_optional([name], also=SOURCES)


if __name__ == "__main__":
    main()
