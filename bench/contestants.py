"""Prepares what the peers in bench/models.py need: packages, weights and data. Each is made once and stored in the
work folder."""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASCADES = ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")


def once(make):
    """Wraps make(work, target), which fills the folder `target`: it runs only if the folder does not exist yet, and an
    interrupted run leaves no folder under that name."""

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
    """Downloads the file of a package and returns its path."""
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
    """Returns the interpreter of the parity tests' environment, which has DeepFace with TensorFlow, and dlib."""
    folder = work / "python"
    subprocess.run([ROOT / "tests/parity/setup", folder], check=True)
    return folder / "bin/python"


@once
def home(work, target):
    """Makes a DEEPFACE_HOME: VGG-Face with random weights of the published layout, and the data of DeepFace's default
    detector."""
    subprocess.run([python(work), ROOT / "tests/parity/deepface_side.py", target, "--weights", "VGG-Face"], check=True)
    weights = target / "home/.deepface/weights"
    with zipfile.ZipFile(package(target, "opencv-python-headless<5")) as wheel:
        for name in CASCADES:
            (weights / name).write_bytes(wheel.read(f"cv2/data/{name}"))


@once
def converted(work, target):
    """Converts the same weights into a model for Semblance."""
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
    """Extracts the models of PyPI face_recognition."""
    with tarfile.open(package(target, "face_recognition_models==0.3.0")) as archive:
        for member in archive:
            if "/models/" in member.name and member.isfile():
                (target / pathlib.Path(member.name).name).write_bytes(archive.extractfile(member).read())
