#!/usr/bin/env python3
"""Writes the page's files as C arrays. usage: embed.py OUTPUT.c ROOT PATH=FILE...

PATH is where the server shows the file, FILE lies under ROOT. The table is sorted by path, for the server's look-up.
"""
import hashlib
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml", ".yaml": "application/yaml"}


def main():
    output, root, pairs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    arrays, rows = [], []
    for number, (path, name) in enumerate(sorted(pair.split("=", 1) for pair in pairs)):
        data = (root / name).read_bytes()
        digits = ",".join(str(byte) for byte in data)
        arrays.append(f"static const unsigned char asset_{number}[] = {{{digits}}};\n")
        etag = hashlib.sha256(data).hexdigest()[:16]
        kind = TYPES[pathlib.PurePath(name).suffix]
        rows.append(f'    {{"{path}", "{kind}", asset_{number}, sizeof asset_{number}, "\\"{etag}\\""}},\n')
    output.write_text('/* Made by web/embed.py. */\n#include "http/assets.h"\n\n' + "".join(arrays)
                      + "\nconst sb_asset sb_assets[] = {\n" + "".join(rows) + "};\n"
                      + "const size_t sb_assets_count = sizeof sb_assets / sizeof *sb_assets;\n")


if __name__ == "__main__":
    main()
