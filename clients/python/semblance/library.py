"""Loads libsemblance, and turns its errors into SemblanceError. A call releases the GIL while the library works."""

from __future__ import annotations

import functools
import importlib.util
import os
import pathlib
from typing import Any

from semblance.error import SemblanceError


def _runtime() -> pathlib.Path:
    """OpenVINO's C library, of its own package. The package itself is not imported: that takes half a second."""
    found = importlib.util.find_spec("openvino")
    for folder in (found.submodule_search_locations or []) if found else []:
        for library in pathlib.Path(folder, "libs").glob("libopenvino_c.so.*"):
            return library
    raise SemblanceError(
        None, "model", "the package openvino is not installed: pip install --force-reinstall semblance"
    )


def _path() -> str | None:
    """SEMBLANCE_LIBRARY: a libsemblance of the same version, such as that of the Debian package, which brings its own
    runtime and models."""
    return os.environ.get("SEMBLANCE_LIBRARY")


def is_own() -> bool:
    return not _path()


@functools.cache
def load() -> tuple[Any, Any]:
    """(ffi, library)."""
    from semblance._declarations import ffi

    given = _path()
    try:
        if given:
            return ffi, ffi.dlopen(given, ffi.RTLD_NOW)
        # First the runtime, so that the library finds it already loaded: its folder is different on each machine.
        ffi.dlopen(str(_runtime()), ffi.RTLD_NOW | ffi.RTLD_GLOBAL)
        own = pathlib.Path(__file__).parent / "libsemblance.so"
        return ffi, ffi.dlopen(str(own), ffi.RTLD_NOW)
    except OSError as error:
        hint = "unset SEMBLANCE_LIBRARY, or correct it" if given else "reinstall the package semblance"
        raise SemblanceError(None, "io", f"libsemblance cannot be loaded ({error}): {hint}") from error


def check(status: int, error: Any) -> None:
    """Raises the error of a call that failed."""
    if not status:
        return
    ffi, lib = load()
    code = ffi.string(lib.sb_status_code(status)).decode()
    raise SemblanceError(None, code, ffi.string(error.message).decode("utf-8", "replace"))
