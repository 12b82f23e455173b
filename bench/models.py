#!/usr/bin/env python3
"""Measures photo to embedding, compared with PyPI deepface and face_recognition's models (dlib), in one run, and
writes docs/benchmarks-models.md.

usage: bench/models.py [--work FOLDER] [--python FILE] [--home FOLDER] [--models FOLDER] [--dlib FOLDER] [--rounds 10]
       [--measure | --report]

What the peers need is made or fetched once into the work folder (default: $XDG_CACHE_HOME/semblance/bench/models;
4 GB), unless given:
  --python   an interpreter with deepface, tf-keras and dlib (tests/parity/setup makes one)
  --home     a DEEPFACE_HOME: .deepface/weights with vgg_face_weights.h5 (of random numbers) and OpenCV's two
             haarcascade_*.xml files
  --models   what `script/models deepface --from HOME/.deepface/weights --any-weights --to FOLDER vgg-face` made of it
  --dlib     the folder models/ of PyPI face_recognition_models
The raw figures are stored in the work folder. --measure writes no document; --report writes the document from the
stored figures and measures nothing.

Each contestant is a process of its own and runs twice, in turn; the figures are medians. "One core" is set by taskset,
for all of them. Semblance keeps compiled models in its cache, as it always does: its first run fills the cache and does
not count.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import contestants
import machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHOTO = ROOT / "deps/photos/face_recognition/obama.jpg"
REPEATS = 2


def run(*command, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, **{k: str(v) for k, v in environment.items()}},
    )
    return json.loads(done.stdout.splitlines()[-1])


def megabytes(*paths):
    done = subprocess.run(["du", "-sckL", *map(str, paths)], capture_output=True, check=True, text=True)
    return int(done.stdout.splitlines()[-1].split()[0]) * 1024 / 1e6


def crop(python, target):
    """Cuts out a face in the size of the network's input, to measure the network alone."""
    subprocess.run(
        [python, "-c", f"import cv2; cv2.imwrite({str(target)!r}, cv2.imread({str(PHOTO)!r})[120:344, 320:544])"],
        check=True,
    )


def packages(python, *names):
    """Returns the size of the installed packages and their dependencies, in MB."""
    code = (
        "import importlib.metadata as m, re, sys, json, pathlib\n"
        "seen, queue, size = set(), list(sys.argv[1:]), 0\n"
        "while queue:\n"
        "    name = re.split(r'[^A-Za-z0-9._-]', queue.pop())[0].lower().replace('_', '-')\n"
        "    if name in seen: continue\n"
        "    seen.add(name)\n"
        "    try: found = m.distribution(name)\n"
        "    except m.PackageNotFoundError: continue\n"
        "    files = map(pathlib.Path, map(found.locate_file, found.files or []))\n"
        "    size += sum(p.stat().st_size for p in files if p.is_file())\n"
        "    queue += [r for r in found.requires or [] if 'extra ==' not in r]\n"
        "print(json.dumps(size / 1e6))"
    )
    return run(python, "-c", code, *names)


def versions(python):
    code = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    return run(python, "-c", code, "deepface", "tensorflow", "tf-keras", "dlib")


def f32_models(models, folder):
    """Writes a copy of the manifest that computes in f32, as the peer does."""
    manifest = json.loads((models / "vgg-face.json").read_text())
    del manifest["precision"]
    manifest["name"] = "vgg-f32"
    (folder / "vgg-f32.json").write_text(json.dumps(manifest))
    return folder


class Contest:
    """The contestants by (name, number of cores); each is a function that runs it once and returns its figures."""

    def __init__(self, chosen, folder):
        self.chosen, self.folder, self.face, self.entries = chosen, folder, folder / "face.png", {}
        crop(chosen.python, self.face)
        self.path = ":".join(
            map(str, (ROOT / "models", ROOT / "deps/models", chosen.models, f32_models(chosen.models, folder)))
        )

    def semblance(self, name, model, cores, photo=PHOTO, how="faces"):
        command = [
            ROOT / "build/bench/bench_represent",
            self.folder / "data",
            photo,
            self.chosen.rounds,
            model,
            self.path,
            how,
            cores,
        ]
        self.entries[name, cores] = lambda: run(*pin(cores), *command, XDG_CACHE_HOME=self.folder / "cache")
        self.entries[name, cores]()  # fills the cache

    def peer(self, name, kind, cores, photo=PHOTO):
        command = [self.chosen.python, ROOT / "bench/peers_models.py", kind, photo, self.chosen.rounds]
        self.entries[name, cores] = lambda: run(
            *pin(cores), *command, DEEPFACE_HOME=self.chosen.home, DLIB_MODELS=self.chosen.dlib
        )

    def medians(self):
        results = {name: [] for name in self.entries}
        for _ in range(REPEATS):
            for name, measure in self.entries.items():
                results[name].append(measure())
        return {
            name: {key: statistics.median(r[key] for r in rows) for key in rows[0]} for name, rows in results.items()
        }


def pin(cores):
    return ["taskset", "-c", ",".join(map(str, range(cores)))]


# Label, its name in the contest, the contestant that it is compared with.
PHOTOS = [
    ("Semblance, default (RFB + MobileFaceNet)", "default", "deepface"),
    ("Semblance, vgg-face (bf16)", "vgg", "deepface"),
    ("Semblance, vgg-face in f32", "vgg f32", "deepface"),
    ("DeepFace, VGG-Face (default detector, opencv)", "deepface", None),
    ("Semblance, dlib-resnet-128", "dlib", "face_recognition"),
    ("face_recognition's models in dlib (HOG, 68 points, ResNet)", "face_recognition", None),
]
CUT = [
    ("Semblance, vgg-face (bf16)", "cut", "deepface cut"),
    ("Semblance, vgg-face in f32", "cut f32", "deepface cut"),
    ("DeepFace, VGG-Face (detector skip)", "deepface cut", None),
]


def table(median, rows, cores):
    text = "| | median | p10 .. p90 | first answer | peak memory | times as fast |\n"
    text += "| --- | --- | --- | --- | --- | --- |\n"
    for label, name, other in rows:
        if (name, cores) not in median:
            continue
        m = median[name, cores]
        ratio = f"{median[other, cores]['median_ms'] / m['median_ms']:.1f}" if other else ""
        text += (
            f"| {label} | {m['median_ms']:.1f} ms | {m['p10_ms']:.1f} .. {m['p90_ms']:.1f} "
            f"| {m['first_ms'] / 1000:.2f} s | {m['peak_mb']:.0f} MB | {ratio} |\n"
        )
    return text


def measure(chosen):
    subprocess.run(
        ["meson", "compile", "-C", ROOT / "build", "bench_represent", "src/cli/semblance:executable"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PKG_CONFIG_PATH": str(ROOT / "deps/openvino/pkgconfig")},
    )
    watch = machine.Watch()
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(chosen, pathlib.Path(folder))
        for cores in (1, 2):
            for name, model in (("default", ""), ("vgg", "vgg-face"), ("vgg f32", "vgg-f32")):
                contest.semblance(name, model, cores)
            contest.peer("deepface", "deepface", cores)
            for name, model in (("cut", "vgg-face"), ("cut f32", "vgg-f32")):
                contest.semblance(name, model, cores, contest.face, "whole")
            contest.peer("deepface cut", "deepface-cut", cores, contest.face)
        contest.semblance("dlib", "dlib-resnet-128", 1)
        contest.peer("face_recognition", "face_recognition", 1)
        medians = contest.medians()
    sizes = {
        "semblance": megabytes(ROOT / "deps/openvino", ROOT / "deps/models", ROOT / "build/src/cli/semblance"),
        "deepface": packages(chosen.python, "deepface", "tensorflow", "tf-keras")
        + megabytes(chosen.home / ".deepface/weights/vgg_face_weights.h5"),
        "face_recognition": packages(chosen.python, "dlib", "numpy") + megabytes(chosen.dlib),
    }
    return {
        **watch.about(),
        "rounds": chosen.rounds,
        "versions": versions(chosen.python),
        "sizes": sizes,
        "medians": [{"name": name, "cores": cores, **row} for (name, cores), row in medians.items()],
    }


def document(found):
    median = {(row["name"], row["cores"]): row for row in found["medians"]}
    sizes, rounds = found["sizes"], found["rounds"]
    named = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"""# Model benchmarks

Photo to embedding in Semblance, compared with the programs that the models come from. Made by `bench/models.py` on
{found["made"][:10]} from commit {found["commit"]}: {found["machine"]}, {found["cores"]} cores, {found["system"]};
{named}.
Each figure is the median of {REPEATS} processes of {rounds} rounds each. The processes ran in turn, on the same cores;
other programs used {found["others"]:.0%} of the machine.

- The photo is obama.jpg of PyPI face_recognition (910x1137, one face).
- VGG-Face has random weights of the published layout on both sides, which does not change the times.
- "First answer" is the time from the start of the process. Semblance's cache of compiled models is filled.
- "Times as fast" compares the medians: dlib-resnet-128 with face_recognition's models, all others with DeepFace.

## Photo to embedding, one core

{table(median, PHOTOS, 1)}
## Photo to embedding, two cores

{table(median, PHOTOS, 2)}
## The network alone: a face that is already cropped to 224x224

One core:

{table(median, CUT, 1)}
Two cores:

{table(median, CUT, 2)}
In f32 both sides do the same 31 billion operations with the same kind of instructions, so neither can be much faster
than the other. Semblance is faster there mainly because of bf16 (`precision` in the manifest), which moves scores of
pairs by 1e-4.

## Installed size, including the weights

| | MB |
| --- | --- |
| Semblance: runtime, all models of `deps/models`, program | {sizes["semblance"]:.0f} |
| deepface with TensorFlow, tf-keras and VGG-Face's weights | {sizes["deepface"]:.0f} |
| dlib with numpy and face_recognition_models | {sizes["face_recognition"]:.0f} |
"""


def main():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--work", type=pathlib.Path, default=cache / "semblance/bench/models")
    for name in ("--python", "--home", "--models", "--dlib"):
        options.add_argument(name, type=pathlib.Path)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/benchmarks-models.md")
    what = options.add_mutually_exclusive_group()
    what.add_argument("--measure", action="store_true")
    what.add_argument("--report", action="store_true")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    kept = chosen.work / "results.json"
    if not chosen.report:
        chosen.python = chosen.python or contestants.python(chosen.work)
        chosen.home = chosen.home or contestants.home(chosen.work) / "home"
        chosen.models = chosen.models or contestants.converted(chosen.work)
        chosen.dlib = chosen.dlib or contestants.dlib(chosen.work)
        kept.write_text(json.dumps(measure(chosen), indent=1) + "\n")
    if not chosen.measure:
        chosen.output.write_text(document(json.loads(kept.read_text())))


if __name__ == "__main__":
    main()
