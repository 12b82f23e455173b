#!/usr/bin/env python3
"""Loads a server with searches over loopback and prints what came back, as JSON.

usage: load.py PORT PHOTO [--seconds 60] [--connections 8] [--pid SERVER]

Each connection is a thread that keeps its HTTP connection and asks again as soon as it has its answer. With --pid the server's
memory is read at a quarter of the time (after warm-up) and at the end.
"""
import argparse
import http.client
import json
import pathlib
import statistics
import threading
import time


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 if pid else 0


class Asker(threading.Thread):
    def __init__(self, port, photo, end):
        super().__init__()
        self.port, self.photo, self.end = port, photo, end
        self.times, self.statuses, self.retry = [], {}, 0

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
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.times.append((status, 1000 * (time.monotonic() - start)))
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("photo", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--pid", type=int)
    options = parser.parse_args()
    photo, start = options.photo.read_bytes(), time.monotonic()
    askers = [Asker(options.port, photo, start + options.seconds) for _ in range(options.connections)]
    for asker in askers:
        asker.start()
    time.sleep(options.seconds / 4)
    warm = resident(options.pid)
    for asker in askers:
        asker.join()
    spent = time.monotonic() - start
    good = sorted(ms for asker in askers for status, ms in asker.times if status == 200)
    full = sorted(ms for asker in askers for status, ms in asker.times if status == 503)
    statuses = {}
    for asker in askers:
        for status, count in asker.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    print(json.dumps({"connections": options.connections, "seconds": round(spent, 1), "statuses": statuses, "a_second": round(len(good) / spent, 1),
                      "p50_ms": round(statistics.median(good), 1) if good else None, "p99_ms": round(good[int(0.99 * (len(good) - 1))], 1) if good else None,
                      "p50_of_503_ms": round(statistics.median(full), 2) if full else None, "retry_after": sum(asker.retry for asker in askers),
                      "memory_warm": warm, "memory_end": resident(options.pid)}))


if __name__ == "__main__":
    main()
