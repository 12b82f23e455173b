"""Hostile and broken clients: the server survives them and serves other clients at the same time."""

import contextlib
import gzip
import json
import pathlib
import random
import re
import resource
import socket
import threading

from program import SOURCE
from server import multipart
from test_native import OBAMA, SharedServerCase

HEAD = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\n"


class Hostile(SharedServerCase):
    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.server.port), 20)
        self.addCleanup(connection.close)
        return connection

    def send(self, raw):
        """The server's answer to raw bytes; b"" if it only closes the connection."""
        connection = self.connect()
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer
        except OSError:
            return b""

    def served(self, silent=None):
        """Another client gets its answer while the connection `silent` is still open (it is closed after 30 s)."""
        self.assertEqual(len(self.post("/v1/detect", image=OBAMA)["faces"]), 1)
        if silent:
            silent.setblocking(False)
            self.assertRaises(BlockingIOError, silent.recv, 1)

    def test_slow_headers_and_half_sent_bodies_do_not_delay_other_clients(self):
        for _ in range(60):
            slow = self.connect()
            slow.sendall(HEAD[: random.randrange(1, len(HEAD))])
        for _ in range(60):
            half = self.connect()
            half.sendall(HEAD + b"Content-Type: image/jpeg\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        self.served(half)

    def test_ten_thousand_idle_connections_do_not_block_other_clients(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 10_200:
            self.skipTest(f"the system allows {hard} open files only")
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        idle = [socket.create_connection(("127.0.0.1", self.server.port), 20) for _ in range(10_000)]
        try:
            self.served(idle[-1])
        finally:
            for connection in idle:
                connection.close()
        self.served()

    def test_the_server_survives_wrong_lengths_and_endless_chunks(self):
        for raw in (
            HEAD + b"Content-Length: 5\r\nContent-Type: image/jpeg\r\n\r\n" + OBAMA[:1000],
            HEAD + b"Content-Length: -1\r\n\r\n",
            HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
            HEAD
            + b"Transfer-Encoding: chunked\r\nContent-Type: image/jpeg\r\n\r\n"
            + b"1\r\nx\r\n" * 20000
            + b"0\r\n\r\n",
        ):
            with self.subTest(raw=raw[50:110]):
                answer = self.send(raw)
                self.assertNotIn(b" 500 ", answer[:20])
                self.assertNotIn(b" 200 ", answer[:20])
        endless = self.connect()
        endless.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx")
        self.served(endless)

    def test_a_body_with_two_framings_is_refused_at_once(self):
        for ends in (
            b"Content-Length: 10\r\nContent-Length: 20\r\n",
            b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n",
        ):
            with self.subTest(ends=ends):
                connection = self.connect()
                connection.sendall(HEAD + ends + b"\r\n")
                with connection.makefile("rb") as answer:
                    self.assertIn(b" 400 ", answer.readline())
                    answer.read()  # until the server closes

    def test_a_body_in_chunks_is_cut_at_the_limit(self):
        connection = self.connect()
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\nContent-Type: image/jpeg\r\n\r\n")
        chunk = b"100000\r\n" + b"\0" * 0x100000 + b"\r\n"
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 200:
                connection.sendall(chunk)
                sent += 1
        self.assertLess(sent, 100)
        self.served()

    def test_forms_of_ten_thousand_parts_are_refused(self):
        for fields in ({"image": [b"x"] * 10_000}, {f"field{n}": "x" for n in range(10_000)}, {"x" * 5000: "y"}):
            self.assertEqual(self.post("/v1/search", 400, **fields)["error"]["code"], "invalid")
        self.served()

    def test_a_compressed_bomb_is_cut_at_the_limit_of_plain_bytes(self):
        bomb = gzip.compress(b"\0" * 50_000_000)
        answer = self.get("/v1/search", 413, "POST", bomb, {"Content-Type": "image/jpeg", "Content-Encoding": "gzip"})
        self.assertEqual(answer["error"]["code"], "too_large")

    def test_floods_of_headers_and_endless_targets_are_refused(self):
        flood = b"".join(b"X-%d: y\r\n" % n for n in range(20000))
        for raw in (
            b"GET /v1/people HTTP/1.1\r\nHost: localhost\r\n" + flood + b"\r\n",
            b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
            b"\0" * 100_000,
            b"\x16\x03\x01\x02\x00" + b"\xff" * 600,
        ):
            answer = self.send(raw)
            self.assertFalse(
                answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 5")) and b" 505 " not in answer[:20], answer[:60]
            )
        self.served()

    def test_tricks_with_paths_reach_no_file(self):
        for path in (
            "/../../etc/passwd",
            "/..%2f..%2fetc/passwd",
            "//etc/passwd",
            "/js/../../src/http/core/server.c",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/js/%00main.js",
            "/v1/people/..%2f..",
            "/v1/people/%00",
            "/style.css/",
            "/./style.css",
            "/v1//people",
            "/v1/people/a/b/c",
        ):
            with self.subTest(path=path):
                status, _, text = self.server.request("GET", path)
                self.assertIn(status, (400, 404))
                self.assertNotIn(b"root:", text)

    def test_parameters_that_are_repeated_or_too_many_are_refused(self):
        self.get("/v1/people?limit=1&limit=2", 400)
        self.get("/v1/people?" + "&".join(f"a{n}=1" for n in range(100)), 400)
        self.assertEqual(self.post("/v1/people", 400, id=["1", "2"], name="A", image=OBAMA)["error"]["code"], "invalid")

    def test_json_nested_a_megabyte_deep_is_refused(self):
        for body in (
            b"[" * 1_000_000,
            b'{"a":' * 200_000,
            b'{"image":"' + b"A" * 1_000_001 + b'"',
            b"[" + b"1," * 300_000 + b"1]",
        ):
            self.get("/v1/search", 400, "POST", body, {"Content-Type": "application/json"})
        self.served()

    def test_json_of_many_values_takes_neither_memory_nor_the_socket_threads(self):
        """Each address reads as many bytes, values and levels as it needs, and no more."""
        before = self.resident()
        lists = b'{"password":[' + b"[]," * 10_000_000 + b"[]]}"
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(self.send(self.json_request("/v1/session", lists))))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        self.assertEqual(self.get("/healthz")["status"], "ok")
        for thread in threads:
            thread.join()
        self.assertEqual([answer[9:12] for answer in answers if answer], [b"413"] * len([a for a in answers if a]))
        for path, values in (("/v1/session", 5000), ("/v1/search", 50_000)):
            body = b'{"x":[' + b"0," * values + b"0]}"
            answer = self.get(path, 400, "POST", body, {"Content-Type": "application/json"})
            self.assertIn("values", answer["error"]["message"])
        self.assertLess(self.resident() - before, 200 << 20)

    def test_an_address_that_reads_no_photo_reads_64_kilobytes(self):
        table = re.findall(
            r'\{"([A-Z]+)", "([^"]+)", sb_http_handle_\w+,\s*([^}]+?),\s*SB_HTTP_ACCESS',
            (SOURCE / "src/http/routes.c").read_text(),
        )
        plain = [(m, p) for m, p, flags in table if "_BODY" in flags]
        self.assertGreater(len(plain), 8)
        for method, pattern in plain:
            with self.subTest(route=pattern):
                path, _, target = re.sub(r"\{\w+\}", "none", pattern).partition("#")
                head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
                head += f"X-Amz-Target: {target}\r\n".encode() if target else b""
                chunk = b"11170\r\n" + b" " * 70_000 + b"\r\n0\r\n\r\n"
                for rest in (b"Content-Length: 70000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n" + chunk):
                    answer = self.send(head + rest)
                    self.assertEqual(answer[9:12], b"413", answer[:200])

    def json_request(self, path, body, method="POST"):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def resident(self):
        """The server's own memory in bytes, without its libraries."""
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) << 10

    def test_requests_that_do_not_name_one_host_are_refused(self):
        for head, status in (
            (b"GET /healthz HTTP/1.1\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Other : 1\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost:\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost: localhost, localhost\r\n", b"400"),
            (b"GET /healthz HTTP/1.1\r\nHost: a@localhost\r\n", b"400"),
            (b"GET /healthz HTTP/1.0\r\n", b"200"),
            (b"GET /healthz HTTP/1.1\r\nhOsT: LOCALHOST:80\r\n", b"200"),
            (b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n", b"200"),
            (b"GET HTTP://127.0.0.1:80/healthz?x=1 HTTP/1.1\r\nHost: localhost\r\n", b"200"),
            (b"GET http://localhost?x=1 HTTP/1.1\r\nHost: localhost\r\n", b"200"),
            (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n", b"403"),
            (b"GET http:///healthz HTTP/1.1\r\nHost: localhost\r\n", b"400"),
        ):
            with self.subTest(head=head):
                answer = self.send(head + b"Connection: close\r\n\r\n")
                self.assertEqual(answer[9:12], status, answer[:80])

    def test_the_server_survives_thousands_of_changed_requests(self):
        """Fuzzes whole requests: changes, cuts and doubles bytes of the seeds, the same ones in every run."""
        chance = random.Random(7)
        form, kind = multipart({"id": "1", "name": "A", "image": b"\xff\xd8\xff"})
        seeds = [
            HEAD + f"Content-Type: {kind}\r\nContent-Length: {len(form)}\r\n\r\n".encode() + form,
            HEAD + b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n" + b'{"image":"aGVsbG8="}',
            b"GET /v1/people?limit=5&query=a HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n",
            b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
            b"\x82\x85\1\2\3\4hello",
        ]

        def batch(count, seed):
            mine = random.Random(seed)
            for _ in range(count):
                raw = bytearray(mine.choice(seeds))
                for _ in range(mine.randrange(1, 8)):
                    at = mine.randrange(len(raw))
                    what = mine.randrange(3)
                    if what == 0:
                        raw[at] = mine.randrange(256)
                    elif what == 1:
                        del raw[at : at + mine.randrange(1, 30)]
                    else:
                        raw[at:at] = raw[at : at + mine.randrange(1, 60)]
                    if not raw:
                        raw = bytearray(b"x")
                connection = socket.create_connection(("127.0.0.1", self.server.port), 20)
                try:
                    connection.settimeout(0.05)
                    connection.sendall(bytes(raw))
                    connection.recv(4096)
                except OSError:
                    pass
                finally:
                    connection.close()

        threads = [threading.Thread(target=batch, args=(100, chance.random())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.served()
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(json.loads(self.server.request("GET", "/v1/people")[2])["total"], 0)
