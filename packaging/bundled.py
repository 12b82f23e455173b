#!/usr/bin/env python3
"""Copies the licences of the Debian libraries that a wheel brings: what its library links with, less what every Linux
system of its platform has and less OpenVINO. Fails where a licence is not known.

usage: bundled.py LIBRARY FOLDER     (a file for each Debian package, and LICENCES, the list of them)
"""

import pathlib
import re
import shutil
import subprocess
import sys

# auditwheel never adds these (PEP 600), and openvino is a package of its own.
ON_EVERY_SYSTEM = re.compile(
    r"lib(c|m|dl|rt|pthread|resolv|util|nsl|gcc_s|stdc\+\+|z|expat|openvino\w*|tbb)\.so|ld-linux|linux-vdso"
)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# What a wheel may bring, by the name of the Debian package without its version. Each is linked dynamically, and none is
# under the GPL alone.
LICENCES = {
    "libcom-err": "MIT",
    "libffi": "MIT",
    "libgif": "MIT",
    "libgmp": "LGPL-3.0-or-later",
    "libgnutls": "LGPL-2.1-or-later",
    "libgssapi-krb5": "MIT",
    "libhogweed": "LGPL-3.0-or-later",
    "libicu": "Unicode-DFS-2016",
    "libidn2": "LGPL-3.0-or-later",
    "libjansson": "MIT",
    "libjpeg62-turbo": "IJG AND BSD-3-Clause",
    "libk5crypto": "MIT",
    "libkeyutils": "LGPL-2.1-or-later",
    "libkrb5": "MIT",
    "libkrb5support": "MIT",
    "libldap": "OLDAP-2.8",
    "libnettle": "LGPL-3.0-or-later",
    "libp11-kit": "BSD-3-Clause",
    "libpq": "PostgreSQL",
    "libsasl2": "BSD-3-Clause-Attribution",
    "libsodium": "ISC",
    "libspng": "BSD-2-Clause",
    "libsqlite3": "blessing",
    "libssl": "Apache-2.0",
    "libtasn1": "LGPL-2.1-or-later",
    "libunistring": "LGPL-3.0-or-later",
    "libwebp": "BSD-3-Clause",
    "libwebpdemux": "BSD-3-Clause",
    "libzstd": "BSD-3-Clause",
}


def licence(package):
    known = [name for name in LICENCES if re.fullmatch(rf"{re.escape(name)}[\d.-]*(t64)?", package)]
    if not known:
        sys.exit(f"bundled.py: the licence of {package} is not in the table; may a wheel bring it?")
    return LICENCES[known[0]]


def packages(library):
    """The Debian packages of all libraries that are linked with, directly or not."""
    found = set()
    for line in output("ldd", library).splitlines():
        name, _, path = line.strip().partition(" => ")
        if ON_EVERY_SYSTEM.match(pathlib.Path(name.split(" ")[0]).name) or not path.startswith("/"):
            continue
        real = pathlib.Path(path.split(" (")[0]).resolve()
        # dpkg knows files by the path under which they were installed: /usr/lib or /lib, which may be the same folder.
        for known in (str(real), str(real).removeprefix("/usr")):
            done = subprocess.run(["dpkg-query", "-S", known], capture_output=True, text=True)
            if not done.returncode:
                package = done.stdout.split(": ")[0]
                found.add(package.split(":")[0])
                break
        else:
            sys.exit(f"bundled.py: {real} is of no Debian package, so its licence is not known")
    return sorted(found)


def copy_licences(library, folder):
    folder.mkdir(parents=True)
    index = []
    for package in packages(library):
        text = pathlib.Path("/usr/share/doc", package, "copyright")
        if not text.is_file():
            sys.exit(f"bundled.py: {text} is missing, so the licence of {package} is not known")
        shutil.copyfile(text, folder / f"{package}.txt")
        index.append(f"{package}: {licence(package)}\n")
    (folder / "LICENCES").write_text("".join(index))


if __name__ == "__main__":
    copy_licences(sys.argv[1], pathlib.Path(sys.argv[2]))
