"""What bench/models.py's peers need, made or fetched once into a folder: their packages, weights and data."""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASCADES = ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")


def once(make):
    """make(work, target) fills `target`, which is there as a whole or not at all."""

    def made(work):
        target = work / make.__name__
        if not target.exists():
            partial = work / (make.__name__ + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            make(work, partial)
            partial.rename(target)
        return target

    return made


def package(folder, requirement):
    """The package's file, as its registry has it."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--dest",
            folder,
            requirement,
        ],
        check=True,
    )
    return next(folder.glob("*.*"))


def python(work):
    """The environment of the parity tests: DeepFace with TensorFlow, dlib."""
    folder = work / "python"
    subprocess.run([ROOT / "tests/parity/setup", folder], check=True)
    return folder / "bin/python"


@once
def home(work, target):
    """A DEEPFACE_HOME: VGG-Face with random weights of the published layout, and the data of DeepFace's default detector."""
    subprocess.run([python(work), ROOT / "tests/parity/deepface_side.py", target, "--weights", "VGG-Face"], check=True)
    weights = target / "home/.deepface/weights"
    with zipfile.ZipFile(package(target, "opencv-python-headless<5")) as wheel:
        for name in CASCADES:
            (weights / name).write_bytes(wheel.read(f"cv2/data/{name}"))


@once
def converted(work, target):
    """The same weights as a model of ours."""
    subprocess.run(
        [
            ROOT / "script/models",
            "deepface",
            "--from",
            home(work) / "home/.deepface/weights",
            "--any-weights",
            "--to",
            target,
            "vgg-face",
        ],
        check=True,
    )


@once
def dlib(_work, target):
    """The models of PyPI face_recognition."""
    with tarfile.open(package(target, "face_recognition_models==0.3.0")) as archive:
        for member in archive:
            if "/models/" in member.name and member.isfile():
                (target / pathlib.Path(member.name).name).write_bytes(archive.extractfile(member).read())
