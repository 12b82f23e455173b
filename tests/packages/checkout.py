"""Copies of this checkout with the files that `docker build .` sends."""

import fnmatch
import os
import pathlib
import shutil

SOURCE = pathlib.Path(os.environ["SB_SOURCE"]).resolve()
IGNORED = (SOURCE / ".dockerignore").read_text().split()


def left_out(where, names):
    """Patterns of .dockerignore apply to the top folder, except those that begin with **/."""
    patterns = [p for p in IGNORED if pathlib.Path(where) == SOURCE] + [
        p.removeprefix("**/") for p in IGNORED if p.startswith("**/")
    ]
    return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def copy(folder):
    shutil.copytree(SOURCE, folder, symlinks=True, ignore=left_out)
