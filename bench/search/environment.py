"""Makes a Python environment with the libraries of requirements.txt."""

import hashlib
import pathlib
import subprocess
import venv

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"


def python_of(work):
    """Returns the environment's interpreter; installs the environment if it is missing or requirements.txt changed."""
    folder = work / "venv"
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return folder / "bin/python"
