"""The pieces of bench/run that have no program of their own. Each returns a dictionary of raw figures."""

import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import load

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PROGRAM, FILL = BUILD / "semblance", BUILD / "bench/bench_fill"
PHOTO = ROOT / "deps/photos/face_recognition/obama.jpg"
sys.path.append(str(ROOT / "bench/search"))


def build(*targets):
    subprocess.run(["ninja", "-C", BUILD, *targets], check=True, stdout=subprocess.DEVNULL)


class Server:
    """Runs `semblance serve` on a gallery; knows the seconds since its start and its memory."""

    def __init__(self, data, *options):
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--data", data, "--log-level", "error", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.port = int(self.process.stdout.readline().rsplit(b":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def seconds(self):
        return time.monotonic() - self.start

    def resident_mb(self):
        return load.resident(self.process.pid) / 1e6

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def search(self, photo, path="/v1/search"):
        """Searches, and repeats the request while the models are being loaded (503)."""
        while True:
            status, text = self.ask("POST", path, photo)
            if status == 200:
                return
            if status != 503:
                sys.exit(f"bench/run: the server answered {status}: {text}")
            time.sleep(0.005)


def spread(values):
    values = sorted(values)
    return {"median": statistics.median(values), "least": values[0], "most": values[-1]}


def megabytes(folder):
    """Returns the size on disk, in units of 10^6 bytes, as in all the documents."""
    return (
        int(subprocess.run(["du", "-sk", folder], capture_output=True, check=True, text=True).stdout.split()[0])
        * 1024
        / 1e6
    )


def frame():
    """Returns the photo as a JPEG of 640x480, the same for all measurements."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        load.frame(PHOTO, file.name)
        return pathlib.Path(file.name).read_bytes()


def gallery(work, people):
    """Returns the folder of a gallery with that many people. Missing ones are filled, starting from a copy of the
    largest smaller gallery, and stored."""
    whole = work / f"galleries/{people}"
    if whole.exists():
        return whole
    smaller = [int(f.name) for f in whole.parent.glob("*") if f.name.isdigit() and int(f.name) < people]
    partial = whole.with_suffix(".partial")
    if not partial.exists() and smaller:
        shutil.copytree(whole.parent / str(max(smaller)), partial)
    partial.mkdir(parents=True, exist_ok=True)
    print(f"bench/run: filling a gallery of {people:,} people", flush=True)
    subprocess.run([FILL, partial, str(people)], check=True, stderr=subprocess.DEVNULL)
    partial.rename(whole)
    return whole


def photo(_work, quick):
    build("bench/bench_photo", "src/cli/semblance")
    rounds = 20 if quick else 200
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [BUILD / "bench/bench_photo", os.path.join(folder, "a"), PHOTO, str(rounds)],
            capture_output=True,
            check=True,
            text=True,
        )
        times, starts, resident, bytes_ = json.loads(done.stdout), [], [], PHOTO.read_bytes()
        for _ in range(3 if quick else 6):
            with Server(os.path.join(folder, "b")) as server:
                server.search(bytes_)
                starts.append(server.seconds())
                for _ in range(20):
                    server.search(bytes_)
                resident.append(server.resident_mb())
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, PROGRAM], check=True)
        small = pathlib.Path(stripped.name).stat().st_size
    return {
        "rounds": times["rounds"],
        "every_face": times["every_face"],
        "largest_face": times["largest_face"],
        "start_s": spread(starts[1:]),  # without the first, which filled the cache of compiled models
        "resident_mb": statistics.median(resident[1:]),
        "deps_mb": megabytes((ROOT / "deps").resolve()),
        "program_mb": PROGRAM.stat().st_size / 1e6,
        "stripped_mb": small / 1e6,
    }


def stage_seconds(server):
    text = server.ask("GET", "/metrics")[1].decode()
    return {
        name: float(value)
        for name, value in re.findall(r'semblance_stage_seconds_total\{stage="(\w+)"\} ([0-9.]+)', text)
    }


def stages(work, quick):
    """Measures the milliseconds that a request spends in each stage, from the server's own counters."""
    build("bench/bench_fill", "src/cli/semblance")
    people, rounds, picture = 1000 if quick else 100_000, 20 if quick else 200, frame()
    found = {"rounds": rounds, "people": people, "requests": {}}
    with Server(gallery(work, people), "--workers", "1") as server:
        load.ready(server.port)
        for name, path in (("search", "/v1/search?k=5"), ("analyze", "/v1/analyze")):
            for _ in range(10):
                server.search(picture, path)
            before = stage_seconds(server)
            for _ in range(rounds):
                server.search(picture, path)
            found["requests"][name] = {
                stage: 1000 * (value - before[stage]) / rounds for stage, value in stage_seconds(server).items()
            }
    return found


def galleries(work, quick):
    """Measures start, memory and disk by the number of people, one face each."""
    build("bench/bench_fill", "src/cli/semblance")
    picture, rows = frame(), []
    for people in (100, 1000) if quick else (1000, 10_000, 100_000, 1_000_000):
        data, answers, ready, memory = gallery(work, people), [], [], []
        for _ in range(2 if quick else 4):
            with Server(data) as server:
                server.search(picture)
                answers.append(server.seconds())
                load.ready(server.port)
                ready.append(server.seconds())
                for _ in range(5):
                    server.search(picture)
                memory.append(server.resident_mb())
        rows.append(
            {
                "people": people,
                "answer_s": spread(answers[1:]),
                "ready_s": spread(ready[1:]),
                "resident_mb": statistics.median(memory[1:]),
                "disk_mb": megabytes(data),
            }
        )
    return {"galleries": rows}


def server(work, quick):
    """Measures searches from several connections, in the largest gallery."""
    build("bench/bench_fill", "bench/bench_photo", "src/cli/semblance")
    data = gallery(work, 1000 if quick else 1_000_000)
    command = [sys.executable, ROOT / "bench/load.py", data, PHOTO, "--serve", PROGRAM]
    seconds, warm = ("3", "1") if quick else ("60", "30")
    runs = [
        (
            None,
            [
                *command,
                "--seconds",
                seconds,
                "--warm-up",
                warm,
                "--connections",
                "8,32",
                "--bench",
                BUILD / "bench/bench_photo",
            ],
        ),
        (os.cpu_count(), [*command, "--seconds", seconds, "--warm-up", warm, "--connections", "8"]),
    ]
    found = {"rows": []}
    for workers, words in runs:
        environment = {**os.environ, **({"SEMBLANCE_WORKERS": str(workers)} if workers else {})}
        lines = [
            json.loads(line)
            for line in subprocess.run(
                words, capture_output=True, check=True, text=True, env=environment
            ).stdout.splitlines()
        ]
        for line in lines:
            if "alone" in line:
                found["alone_ms"] = line["alone"]["largest_face"]["median_ms"]
            elif "faces" in line:
                found.update(faces=line["faces"], ready_after_s=line["ready_after_s"])
            else:
                found["rows"].append({**line, "workers": workers})
    return found


def postgres(work, quick):
    """Measures a gallery in PostgreSQL, and pgvector's HNSW graph over the same faces."""
    from environment import python_of

    search = work / "search"
    search.mkdir(parents=True, exist_ok=True)
    command = [
        python_of(search),
        ROOT / "bench/pg/run",
        "--gallery",
        search,
        "--rows",
        "20000" if quick else "200000",
        "--hnsw",
    ]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    return {**found, "others": None}  # the database's own processes would count as other programs
