"""Downloads one published file: resumed where it broke off, and checked by SHA-256 before anything opens it."""

import http.client
import time
import urllib.error
import urllib.request

import fetch

TRIES = 5


def append_rest(address, partial, most):
    """Appends the missing bytes to the file `partial`. Returns False if the connection ended too early."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            resumed = answer.status == 206
            have = have if resumed else 0
            wanted = int(answer.headers.get("Content-Length", 0)) + have
            with partial.open("ab" if resumed else "wb") as file:
                while chunk := answer.read(1 << 20):
                    have += len(chunk)
                    if have > most:
                        fetch.stop(f"{address} sends more than {most >> 20} MB, which this file cannot have")
                    file.write(chunk)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            return True
        fetch.stop(f"{address} answers {error.code} {error.reason}")
    except (OSError, http.client.HTTPException) as error:
        fetch.say(f"the download was interrupted: {error}")
        return False
    return have >= wanted


def download(address, target, sha256, most=2 << 30):
    """Downloads to `target`, at most `most` bytes. `sha256` None: any file."""
    partial = target.with_name(target.name + ".part")
    for attempt in range(TRIES):
        fetch.say(f"fetching {address}" + (" (resuming)" if partial.exists() else ""))
        if append_rest(address, partial, most):
            break
        time.sleep(min(attempt, 3))
    else:
        fetch.stop(
            f"{address} could not be fetched in {TRIES} tries; run this again to resume the download, or give "
            "the folder of the file with --from FOLDER"
        )
    if sha256 and fetch.digest(partial) != sha256:
        found = fetch.digest(partial)
        partial.unlink()
        fetch.stop(
            f"{target.name} has the wrong SHA-256 ({found}, expected {sha256}): the download is damaged or was "
            "changed, and has been deleted"
        )
    partial.rename(target)
