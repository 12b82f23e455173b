#!/usr/bin/env python3
"""Measures photo to embedding beside PyPI deepface and face_recognition's models (dlib), in one run, and writes
docs/benchmarks-models.md.

usage: bench/models.py --home FOLDER --models FOLDER --dlib FOLDER [--python deps/parity/bin/python] [--rounds 30]

  --python   an interpreter with deepface, tf-keras and dlib (tests/parity/setup makes one)
  --home     a DEEPFACE_HOME with .deepface/weights/vgg_face_weights.h5 (tests/parity/deepface_side.py makes one of random numbers)
  --models   what `script/models deepface --from HOME/.deepface/weights --any-weights --to FOLDER vgg-face` made of it
  --dlib     the folder models/ of PyPI face_recognition_models

Each contestant is a process of its own, twice in turn; medians. Semblance keeps compiled models in its cache, as it
always does: the first of its runs fills it and does not count.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHOTO = ROOT / "deps/photos/face_recognition/obama.jpg"
REPEATS = 2


def run(*command, **environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, check=True, text=True,
                          env={**os.environ, **{k: str(v) for k, v in environment.items()}})
    return json.loads(done.stdout.splitlines()[-1])


def megabytes(*paths):
    done = subprocess.run(["du", "-sckL", *map(str, paths)], capture_output=True, check=True, text=True)
    return int(done.stdout.splitlines()[-1].split()[0]) / 1024


def crop(python, target):
    """A face of the network's own size, for the network alone."""
    subprocess.run([python, "-c", f"import cv2; cv2.imwrite({str(target)!r}, cv2.imread({str(PHOTO)!r})[120:344, 320:544])"],
                   check=True)


def packages(python, *names):
    """MB of the installed packages and what they ask for."""
    code = ("import importlib.metadata as m, re, sys, json, pathlib\n"
            "seen, queue, size = set(), list(sys.argv[1:]), 0\n"
            "while queue:\n"
            "    name = re.split(r'[^A-Za-z0-9._-]', queue.pop())[0].lower().replace('_', '-')\n"
            "    if name in seen: continue\n"
            "    seen.add(name)\n"
            "    try: found = m.distribution(name)\n"
            "    except m.PackageNotFoundError: continue\n"
            "    size += sum(p.stat().st_size for p in map(found.locate_file, found.files or []) if pathlib.Path(p).is_file())\n"
            "    queue += [r for r in found.requires or [] if 'extra ==' not in r]\n"
            "print(json.dumps(size / 2**20))")
    return run(python, "-c", code, *names)


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", type=pathlib.Path, default=ROOT / "deps/parity/bin/python")
    for name in ("--home", "--models", "--dlib"):
        options.add_argument(name, type=pathlib.Path, required=True)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/benchmarks-models.md")
    chosen = options.parse_args()
    subprocess.run(["meson", "compile", "-C", ROOT / "build", "bench_represent", "src/cli/semblance:executable"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PKG_CONFIG_PATH": str(ROOT / "deps/openvino/pkgconfig")})
    path = f"{ROOT}/models:{ROOT}/deps/models:{chosen.models}"
    with tempfile.TemporaryDirectory() as folder:
        face = pathlib.Path(folder, "face.png")
        crop(chosen.python, face)

        def semblance(model, photo, how):
            return lambda: run(ROOT / "build/bench/bench_represent", pathlib.Path(folder, "data"), photo, chosen.rounds, model, path,
                               how, 1, XDG_CACHE_HOME=pathlib.Path(folder, "cache"))

        def peer(name, photo):
            return lambda: run(chosen.python, ROOT / "bench/peers_models.py", name, photo, chosen.rounds, DEEPFACE_HOME=chosen.home,
                               DLIB_MODELS=chosen.dlib)

        contest = {
            "semblance": semblance("", PHOTO, "faces"), "semblance dlib": semblance("dlib-resnet-128", PHOTO, "faces"),
            "face_recognition": peer("face_recognition", PHOTO), "semblance vgg": semblance("vgg-face", PHOTO, "faces"),
            "semblance vgg alone": semblance("vgg-face", face, "whole"),
            "deepface alone": peer("deepface", face)}
        for name in contest:
            if name.startswith("semblance"):
                contest[name]()
        results = {name: [] for name in contest}
        for _ in range(REPEATS):
            for name, measure in contest.items():
                results[name].append(measure())
    median = {name: {key: statistics.median(r[key] for r in rows) for key in rows[0]} for name, rows in results.items()}
    sizes = {"semblance": megabytes(ROOT / "deps/openvino", ROOT / "deps/models", ROOT / "build/src/cli/semblance"),
             "deepface": packages(chosen.python, "deepface", "tensorflow", "tf-keras") + megabytes(chosen.home / ".deepface/weights/vgg_face_weights.h5"),
             "face_recognition": packages(chosen.python, "dlib", "numpy") + megabytes(chosen.dlib)}

    def row(label, name, against=None):
        m = median[name]
        times = f"{against_ratio(name, against):.1f} times as fast" if against else ""
        return f"| {label} | {m['median_ms']:.1f} ms | {m['p10_ms']:.1f} .. {m['p90_ms']:.1f} | {m['first_ms'] / 1000:.2f} s | {m['peak_mb']:.0f} MB | {times} |\n"

    def against_ratio(name, other):
        return median[other]["median_ms"] / median[name]["median_ms"]

    text = f"""# Benchmarks: models, beside their own programs

Made by `bench/models.py` on {datetime.date.today()}: {cpu_name()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; {chosen.rounds} rounds
a process, {REPEATS} processes each in turn, medians. The photo is obama.jpg of PyPI face_recognition (one face). VGG-Face has random
weights of the published layout on both sides, which changes no time; DeepFace gets the face cut out beforehand. First answer: from the start of the process, Semblance
with its cache of compiled models filled.

| photo to embedding | median | p10 .. p90 | first answer | peak memory | |
| --- | --- | --- | --- | --- | --- |
"""
    text += row("Semblance, default (RFB + MobileFaceNet)", "semblance", "deepface alone").replace("as fast |", "as fast as DeepFace |")
    text += row("Semblance, dlib-resnet-128", "semblance dlib", "face_recognition").replace("as fast |", "as fast as face_recognition |")
    text += row("face_recognition's models by dlib (HOG, 68 points, ResNet)", "face_recognition")
    text += row("Semblance, vgg-face", "semblance vgg", "deepface alone").replace("as fast |", "as fast as DeepFace |")
    text += row("the network alone on a 224x224 face: Semblance, vgg-face", "semblance vgg alone", "deepface alone").replace("as fast |", "as fast as DeepFace |")
    text += row("the network alone on a 224x224 face: DeepFace (detector skip)", "deepface alone")
    text += f"""
| installed, with the weights it runs on | MB |
| --- | --- |
| Semblance: runtime, all models of `deps/models`, program | {sizes['semblance']:.0f} |
| deepface with TensorFlow, tf-keras and VGG-Face's weights | {sizes['deepface']:.0f} |
| dlib with numpy and face_recognition_models | {sizes['face_recognition']:.0f} |
"""
    chosen.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
