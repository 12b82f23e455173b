#!/usr/bin/env python3
"""Converts DeepFace's own models to ONNX and writes their manifests. The published weight files are downloaded, or
taken from a folder.

usage: script/models deepface [--from FOLDER] [--to FOLDER] [--mirror ADDRESS] [--any-weights] [--keep] [MODEL...]

MODEL: vgg-face, deepface-age, deepface-gender, deepface-race, facenet512, arcface, sface, or all. The default is the
first four, which DeepFace.represent and DeepFace.analyze use. An interrupted download is resumed. Each file is checked
against the SHA-256 in models/deepface/. The weights are not part of Semblance; their licences (VGG-Face:
non-commercial) are in the manifests.

  --from FOLDER     take the weight files from this folder, where they have the names that DeepFace gives them
  --to FOLDER       write models and manifests to this folder (default: deps/deepface, where the program finds them)
  --mirror ADDRESS  download from ADDRESS/FILE instead of the publisher's address
  --any-weights     accept other weights of the same layout, such as your own
  --keep            keep the downloaded weight files (in deps/deepface-weights)
"""

import argparse
import json
import pathlib
import shutil

import download
import fetch

TEMPLATES = fetch.ROOT / "models/deepface"
USUAL = ("vgg-face", "deepface-age", "deepface-gender", "deepface-race")


def weight_file(manifest, chosen, downloads):
    """Returns the path of the weight file, after checking its SHA-256."""
    source = manifest["source"]["files"][0]
    sha256 = None if chosen.any_weights else source["sha256"]
    if chosen.folder:
        path = chosen.folder / source["path"]
        if not path.is_file():
            fetch.stop(f"{chosen.folder} does not contain {source['path']}")
        if sha256:
            fetch.check(path, sha256)
        return path
    path = downloads / source["path"]
    if path.is_file() and sha256 and fetch.digest(path) == sha256:
        return path
    downloads.mkdir(parents=True, exist_ok=True)
    download.download(f"{chosen.mirror}/{source['path']}" if chosen.mirror else manifest["source"]["url"], path, sha256)
    return path


def is_made(manifest, target):
    """Returns whether the model exists already and was made from the pinned weights."""
    try:
        made = json.loads((target / f"{manifest['name']}.json").read_text())
        return made["source"] == manifest["source"] and fetch.digest(target / made["file"]) == made["sha256"]
    except (OSError, ValueError, KeyError):
        return False


def make(manifest, path, target, published):
    """Converts the weights. The manifest, with the digest of the converted file, is written last."""
    partial = target / f"{manifest['file']}.partial"
    if manifest["converter"]:
        fetch.convert(manifest, path, partial)
    else:
        shutil.copy(path, partial)
    finished = {}
    for key, value in manifest.items():
        finished[key] = value
        if key == "file":
            finished["sha256"] = fetch.digest(partial)
    if not published:
        finished["origin"] = (
            f"Made with --any-weights from a file of SHA-256 {fetch.digest(path)}: not the published weights."
        )
        finished["licence"] = "not stated"
        del finished["source"]
    partial.rename(target / manifest["file"])
    (target / f"{manifest['name']}.json").write_text(json.dumps(finished, indent=2) + "\n")


def main():
    templates = {path.stem: json.loads(path.read_text()) for path in sorted(TEMPLATES.glob("*.json"))}
    pipeline = templates.pop("pipeline")
    options = argparse.ArgumentParser(
        prog="script/models deepface",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=True,
    )
    options.add_argument("--from", dest="folder", type=pathlib.Path)
    options.add_argument("--to", type=pathlib.Path, default=fetch.DEPS / "deepface")
    options.add_argument("--mirror")
    options.add_argument("--any-weights", action="store_true")
    options.add_argument("--keep", action="store_true")
    options.add_argument("models", nargs="*")
    chosen = options.parse_args()
    names = list(templates) if chosen.models == ["all"] else chosen.models or list(USUAL)
    unknown = [name for name in names if name not in templates]
    if unknown:
        fetch.stop(f"unknown model {unknown[0]}; choose from {', '.join(templates)}")
    target, downloads = chosen.to.resolve(), fetch.DEPS / "deepface-weights"
    chosen.folder = chosen.folder and chosen.folder.resolve()
    (target / "pipelines").mkdir(parents=True, exist_ok=True)
    fetch.WORK.mkdir(parents=True, exist_ok=True)
    for name in names:
        manifest = templates[name]
        if not chosen.any_weights and is_made(manifest, target):
            continue
        path = weight_file(manifest, chosen, downloads)
        make(manifest, path, target, fetch.digest(path) == manifest["source"]["files"][0]["sha256"])
        if not chosen.folder and not chosen.keep:
            path.unlink()
    if all((target / f"{name}.json").is_file() for name in USUAL):
        (target / "pipelines/deepface.json").write_text(json.dumps(pipeline, indent=2) + "\n")
        fetch.say("ready: --model vgg-face, or --pipeline deepface for its attributes, too")


if __name__ == "__main__":
    main()
