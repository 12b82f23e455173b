#!/usr/bin/env python3
"""The Debian libraries that a wheel brings: what its library links with, less what every Linux system of its platform
has and less OpenVINO.

usage: bundled.py licences LIBRARY FOLDER     (copies Debian's copyright files to FOLDER, one for each package)
       bundled.py packages LIBRARY            (prints "PACKAGE VERSION" for each)
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


def packages(library):
    """{Debian package: version}, of every library that is linked with, directly or not."""
    found = {}
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
                found[package.split(":")[0]] = output("dpkg-query", "-W", "-f", "${Version}", package)
                break
        else:
            sys.exit(f"bundled.py: {real} is of no Debian package, so its licence is not known")
    return dict(sorted(found.items()))


def copy_licences(library, folder):
    folder.mkdir(parents=True)
    for package in packages(library):
        text = pathlib.Path("/usr/share/doc", package, "copyright")
        if not text.is_file():
            sys.exit(f"bundled.py: {text} is missing, so the licence of {package} is not known")
        shutil.copyfile(text, folder / f"{package}.txt")


if __name__ == "__main__":
    if sys.argv[1] == "licences":
        copy_licences(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        print(*(f"{name} {version}" for name, version in packages(sys.argv[2]).items()), sep="\n")
