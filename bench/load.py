#!/usr/bin/env python3
"""Measures a server under load: searches of a 640x480 photo over loopback. Prints one line of JSON for each round.

usage: load.py DATA PHOTO [--seconds 60] [--warm-up 30] [--connections 8,32] [--serve PROGRAM] [--bench BENCH_PHOTO]

Starts `semblance serve` on the gallery DATA (bench_fill makes one of a million people) and waits until all of it is
searchable. Then, for each number of connections, that many threads send a search, wait for the answer and send the
next one; after a 503 they wait a tenth of a second, which is less than Retry-After asks for. Memory is read after a
quarter of the time (warmed up) and at the end. The CPU time of the server shows what a search costs; the CPU time of
this program shows how much of the machine sending the requests took. With --bench, BENCH_PHOTO first measures
sb_engine_search on one thread in a process of its own.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time

WIDTH, HEIGHT = 640, 480


def frame(photo, target):
    """Writes the top middle of the photo as a 640x480 JPEG. Takes every n-th pixel, so that the width nearly fits."""
    ppm = subprocess.run(["djpeg", "-pnm", photo], capture_output=True, check=True).stdout
    size, pixels = re.match(rb"P6\s(\d+) (\d+)\s255\s", ppm), None
    width, height = map(int, size.groups())
    pixels, step = ppm[size.end() :], max(1, width // WIDTH)
    left = max(0, (width // step - WIDTH) // 2)
    rows = []
    for row in range(HEIGHT):
        line = pixels[row * step * width * 3 : (row * step + 1) * width * 3] if row * step < height else b""
        picked = b"".join(line[x * 3 : x * 3 + 3] for x in range(left * step, min(width, (left + WIDTH) * step), step))
        rows.append(picked.ljust(WIDTH * 3, b"\x7f")[: WIDTH * 3])
    cjpeg = subprocess.run(
        ["cjpeg", "-quality", "90"], input=b"P6\n640 480\n255\n" + b"".join(rows), capture_output=True, check=True
    )
    pathlib.Path(target).write_bytes(cjpeg.stdout)


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Asker(threading.Thread):
    """One connection that sends searches until the time `end`. times: (status, milliseconds) of each; status 0: the
    connection failed. retry: how many 503 answers had a Retry-After."""

    def __init__(self, port, photo, end):
        super().__init__()
        self.port, self.photo, self.end = port, photo, end
        self.times, self.retry = [], 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while time.monotonic() < self.end:
            start = time.monotonic()
            try:
                connection.request("POST", "/v1/search?k=5&faces=largest", self.photo, {"Content-Type": "image/jpeg"})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
                self.retry += status == 503 and answer.getheader("Retry-After") is not None
            except OSError:
                status = 0
                connection.close()
            self.times.append((status, 1000 * (time.monotonic() - start)))
            if status == 503:
                time.sleep(0.1)
        connection.close()


def quantile(times, share):
    return round(times[int(share * (len(times) - 1))], 1) if times else None


def measure(server, port, photo, connections, seconds):
    start, cpu, own = time.monotonic(), cpu_seconds(server.pid), time.process_time()
    askers = [Asker(port, photo, start + seconds) for _ in range(connections)]
    for asker in askers:
        asker.start()
    time.sleep(seconds / 4)
    warm = resident(server.pid)
    for asker in askers:
        asker.join()
    spent, cpu = time.monotonic() - start, cpu_seconds(server.pid) - cpu
    statuses = {}
    for asker in askers:
        for status, _ in asker.times:
            statuses[status] = statuses.get(status, 0) + 1
    good = sorted(ms for asker in askers for status, ms in asker.times if status == 200)
    full = sorted(ms for asker in askers for status, ms in asker.times if status == 503)
    return {
        "connections": connections,
        "seconds": round(spent, 1),
        "statuses": statuses,
        "a_second": round(len(good) / spent, 1),
        "p50_ms": quantile(good, 0.5),
        "p99_ms": quantile(good, 0.99),
        "p50_of_503_ms": quantile(full, 0.5),
        "p99_of_503_ms": quantile(full, 0.99),
        "retry_after": sum(asker.retry for asker in askers),
        "server_cpu_ms_a_search": round(1000 * cpu / max(1, len(good)), 1),
        "cores_that_asking_took": round((time.process_time() - own) / spent, 2),
        "memory_warm_mb": round(warm / 1e6, 1),
        "memory_end_mb": round(resident(server.pid) / 1e6, 1),
    }


def ready(port):
    """Waits until every face of the gallery is searchable. Returns the number of faces."""
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/v1/health")
            health = json.loads(connection.getresponse().read())
            connection.close()
            if health["models"] == "ready" and health["gallery"] == "ready":
                return health["faces"]
        except OSError:
            pass
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("photo")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=30)
    parser.add_argument("--connections", default="8,32")
    parser.add_argument("--serve", default="build/semblance")
    parser.add_argument("--bench")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        frame(options.photo, f"{folder}/frame.jpg")
        photo = pathlib.Path(folder, "frame.jpg").read_bytes()
        if options.bench:
            alone = subprocess.run(
                [options.bench, options.data, f"{folder}/frame.jpg", "200"], capture_output=True, check=True, text=True
            ).stdout
            print(json.dumps({"alone": json.loads(alone)}), flush=True)
        server = subprocess.Popen(
            [options.serve, "serve", "--port", "0", "--data", options.data, "--log-level", "error"],
            stdout=subprocess.PIPE,
        )
        try:
            port, start = int(server.stdout.readline().rsplit(b":", 1)[1]), time.monotonic()
            faces = ready(port)
            print(
                json.dumps(
                    {
                        "faces": faces,
                        "ready_after_s": round(time.monotonic() - start, 1),
                        "memory_mb": round(resident(server.pid) / 1e6, 1),
                    }
                ),
                flush=True,
            )
            measure(server, port, photo, 2, options.warm_up)  # meanwhile the index trains, with all cores
            for connections in map(int, options.connections.split(",")):
                print(json.dumps(measure(server, port, photo, connections, options.seconds)), flush=True)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
