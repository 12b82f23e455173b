"""Fresh Debian systems in folders, for tests that install: mmdebstrap makes them, chroot in namespaces enters them."""

import glob
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CACHE = pathlib.Path(os.environ.get("FRESH_CACHE", pathlib.Path.home() / ".cache/semblance-packages"))
MISSING = [tool for tool in ("mmdebstrap", "unshare", "chroot", "nsenter") if not shutil.which(tool)] or (
    os.geteuid() and ["root"]
)
needed = unittest.skipIf(MISSING, f"fresh systems cannot be made here: {' '.join(MISSING or [])} is missing")
# What Debian's slim image leaves out.
SLIM = [
    f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "info", "locale", "doc", "groff", "lintian")
] + ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
# How this machine reaches packages: its mirrors, its certificates and the settings of its package clients.
SETTINGS = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/npmrc",
    "/etc/ssl/certs/ca-certificates.crt",
    *glob.glob("/etc/apt/apt.conf.d/99*"),
    *glob.glob("/usr/local/share/ca-certificates/*"),
]
PASSED = (
    "SSL_CERT",
    "PIP_",
    "NODE_EXTRA",
    "REQUESTS_CA",
    "CURL_CA",
    "npm_config",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base(suite):
    """The tar file of a minimal system, made once."""
    path = CACHE / f"{suite}-slim.tar"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        sources = [
            p for p in ("/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.sources")) if os.path.isfile(p)
        ]
        text = "".join(pathlib.Path(p).read_text() + "\n" for p in sources)
        for known in ("bookworm", "trixie"):
            text = text.replace(known, suite)
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--format=tar",
                "--variant=minbase",
                '--aptopt=Acquire::Check-Valid-Until "false"',
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                "--include=usr-is-merged",
                *SLIM,
                suite,
                f"{path}.new",
                "-",
            ],
            input=text,
            text=True,
            check=True,
            capture_output=True,
        )
        os.rename(f"{path}.new", path)
    return path


class Machine:
    """A copy of a base system. `root`: its folder; `environment`: the environment of its commands."""

    def __init__(self, suite, root=None):
        self.root = pathlib.Path(
            root or tempfile.mkdtemp(prefix=f"semblance-{suite}-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        )
        self.root.chmod(0o755)
        self.environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        self.settings = {name: value for name, value in os.environ.items() if name.startswith(PASSED)}
        subprocess.run(["tar", "-xf", base(suite), "-C", self.root, "--exclude=./dev/*"], check=True)
        self.lent = [self.lend(pathlib.Path(path)) for path in SETTINGS if os.path.isfile(path)]

    def lend(self, path):
        """Copies a settings file of this machine, for the set-up only: give_back undoes it.

        Returns (path of the copy, bytes of the file that it replaced or None)."""
        target = self.root / str(path).lstrip("/")
        before = target.read_bytes() if target.is_file() else None
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        return target, before

    def give_back(self):
        for target, before in self.lent:
            if before is None:
                target.unlink(missing_ok=True)

    def remove(self):
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)

    def entered(self, command, user="root", folder="/", mounts="", network=True):
        """The command line that runs `command` (a list) inside; `mounts`: shell lines run first ($root: the folder)."""
        enter = f"""set -e; root=$1; folder=$2; user=$3; shift 3
            mkdir -p $root/dev $root/proc; mount --rbind /dev $root/dev; mount -t proc proc $root/proc; {mounts}
            exec chroot --userspec=$user $root /usr/bin/env -C $folder "$@" """
        return [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            *([] if network else ["--net"]),
            "sh",
            "-c",
            enter,
            "sh",
            str(self.root),
            folder,
            user,
            *command,
        ]

    def run(
        self, *command, user="root", folder="/", environment=None, mounts="", check=True, timeout=1800, network=True
    ):
        given = {**self.environment, **(self.settings if network else {}), **(environment or {})}
        done = subprocess.run(
            self.entered(command, user, folder, mounts, network),
            env=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def size(self):
        """The bytes of all files, as engines report an image's size."""
        return sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
