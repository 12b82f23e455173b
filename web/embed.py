#!/usr/bin/env python3
"""Writes the files of the web page as C arrays, so that they become part of the program.

usage: embed.py OUTPUT.c ROOT VERSION PATH=FILE...

The server serves FILE, which is relative to ROOT, at PATH. The table is sorted by path. @VERSION@ in the API
description (openapi.yaml) is replaced by VERSION.
"""

import gzip
import hashlib
import json
import pathlib
import sys

import plain_yaml

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".json": "application/json",
}


def content(root, version, path, name):
    """Returns the bytes of the file. The API description is also served as JSON, for clients that cannot read YAML."""
    data = (root / name).read_bytes()
    if name.endswith(".yaml"):
        data = data.replace(b"@VERSION@", version.encode())
    if path.endswith(".json") and name.endswith(".yaml"):
        return json.dumps(plain_yaml.read(data.decode()), separators=(",", ":"), ensure_ascii=False).encode()
    return data


def array(name, data):
    return f"static const unsigned char {name}[] = {{{','.join(map(str, data))}}};\n"


def main():
    output, root, version, pairs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
    arrays, rows = [], []
    for number, (path, name) in enumerate(sorted(pair.split("=", 1) for pair in pairs)):
        data = content(root, version, path, name)
        packed = gzip.compress(data, 9, mtime=0)
        arrays.append(array(f"asset_{number}", data))
        arrays.append(array(f"packed_{number}", packed))
        etag = f'W/\\"{hashlib.sha256(data).hexdigest()[:16]}\\"'
        kind = TYPES[pathlib.PurePath(path).suffix or pathlib.PurePath(name).suffix]
        smaller = f"packed_{number}, sizeof packed_{number}" if len(packed) < len(data) else "NULL, 0"
        rows.append(f'    {{"{path}", "{kind}", asset_{number}, sizeof asset_{number}, {smaller}, "{etag}"}},\n')
    output.write_text(
        '/* Made by web/embed.py. */\n#include "http/ops/assets.h"\n\n'
        + "".join(arrays)
        + "\nconst sb_http_asset sb_http_assets[] = {\n"
        + "".join(rows)
        + "};\n"
        + "const size_t sb_http_assets_count = sizeof sb_http_assets / sizeof *sb_http_assets;\n"
    )


if __name__ == "__main__":
    main()
