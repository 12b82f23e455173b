"""Writes the module with which cffi reads and calls libsemblance, from the library's own public headers.

usage: declarations.py INCLUDE-FOLDER OUTPUT.py     (needs cc and cffi)
"""

import pathlib
import subprocess
import sys

import cffi

HEADERS = ("semblance/semblance.h", "semblance/quality.h")


def declarations(include: pathlib.Path) -> str:
    """The headers without comments, macros and the headers of C, of which cffi knows the types."""
    lines = [line for name in HEADERS for line in (include / name).read_text().splitlines()]
    text = "\n".join(line for line in lines if not line.startswith("#include"))
    # Without __GNUC__ the headers leave out the attributes of GCC.
    command = ["cc", "-E", "-P", "-x", "c", "-nostdinc", "-U__GNUC__", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    builder = cffi.FFI()
    builder.cdef(declarations(pathlib.Path(sys.argv[1])) + "\nvoid free(void *);\n")
    builder.set_source("semblance._declarations", None)
    builder.emit_python_code(sys.argv[2])
