"""Access control: every route with every kind of caller; logins; TLS; access from other machines."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest

from program import FRIENDS, GROUPS, PROGRAM, ProgramCase
from server import PATIENCE, NotStarted, Server, form_of_files, multipart

ROOT = pathlib.Path(os.environ.get("SB_SOURCE", "."))
ROUTE = re.compile(r'\{"([A-Z]+)", "([^"]+)", sb_http_handle_\w+,\s*([^}]+?),\s*SB_HTTP_ACCESS_(\w+),\s*[^}]+\}')
PASSWORD = "correct horse battery"


def routes():
    """(method, pattern, role) of each row of the server's own table."""
    return [(m[0], m[1], m[3].lower()) for m in ROUTE.findall((ROOT / "src/http/routes.c").read_text())]


class AccessCase(ProgramCase):
    def setUp(self):
        super().setUp()
        self.made_once(self.two_collections)

    def two_collections(self):
        self.run_program("enroll", "--id", "1", "--name", "Ann", FRIENDS / "obama.jpg")
        self.run_program("collections", "add", "other")
        self.run_program("enroll", "--id", "2", "--name", "Ben", FRIENDS / "biden.jpg", "--collection", "other")

    def key(self, role, *more):
        return self.json_of("access", "add", "--role", role, *more)["key"]

    def password(self):
        done = self.run_program("access", "password", environment={"SEMBLANCE_ADMIN_PASSWORD": PASSWORD})
        self.assertEqual(done.returncode, 0, done.stderr)

    def serve(self, *arguments):
        server = Server(self.data, *arguments)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server


class Matrix(AccessCase):
    def call(self, server, method, pattern, headers, query=""):
        path, _, target = re.sub(r"\{\w+\}", "none", pattern).partition("#")
        if path != pattern:
            headers = {"X-Amz-Target": target or "Any.Other", **headers}
        body = None if method in ("GET", "DELETE") else b"{}"
        kind = {"Content-Type": "application/json"} if body else {}
        return server.request(method, path + query, body, {**kind, **headers})[0]

    def test_every_route_with_every_kind_of_caller(self):
        table = routes()
        rows = len(re.findall(r"sb_http_handle_", (ROOT / "src/http/routes.c").read_text()))
        self.assertEqual(len(table), rows, "a route of the table is not in the matrix")
        good = {role: self.key(role, "--all-collections") for role in ("read", "enroll", "admin")}
        foreign = self.json_of("access", "add", "--role", "read,enroll,admin", "--collection", "default")["key"]
        expired = self.key("admin", "--all-collections", "--expires", "0d")
        revoked = self.json_of("access", "add", "--role", "admin", "--all-collections")
        self.json_of_nothing("access", "revoke", revoked["prefix"])
        wrong = good["admin"][:-1] + ("A" if good["admin"][-1] != "A" else "B")
        dialects = (
            ("--dialects", "article,deepface,compreface,deepstack,rekognition") if self.knows("--dialects") else ()
        )
        server = self.serve(*dialects)
        either = {"read", "enroll", "admin"}
        allowed = {
            "open": set(good),
            "either": either,
            "read": {"read", "admin"},
            "enroll": {"enroll", "admin"},
            "admin": {"admin"},
        }
        checked = 0
        for method, pattern, role in table:
            with self.subTest(route=f"{method} {pattern}"):
                for bad in (
                    {},
                    {"X-API-Key": wrong},
                    {"X-API-Key": expired},
                    {"X-API-Key": revoked["key"]},
                    {"X-API-Key": ""},
                    {"X-API-Key": "sbk_x"},
                    {"Authorization": "Bearer " + "x" * 3000},
                    {"Authorization": "Basic YTpi"},
                    {"Cookie": "semblance_session=" + "A" * 43},
                    {"X-Amz-Security-Token": wrong, "Authorization": "AWS4-HMAC-SHA256 Credential=x/y, Signature=z"},
                ):
                    status = self.call(server, method, pattern, bad)
                    self.assertEqual(status == 401, role != "open", (bad, status))
                    checked += 1
                for name, key in good.items():
                    if (method, pattern) == ("DELETE", "/v1/session"):
                        continue
                    status = self.call(server, method, pattern, {"Authorization": f"Bearer {key}"})
                    if name in allowed[role]:
                        self.assertNotEqual(status, 401 if role != "open" else 0, name)
                        self.assertNotEqual(status, 403, name)
                    else:
                        self.assertEqual(status, 403, name)
                    checked += 1
                if role != "open" and "collection" not in pattern:
                    status = self.call(server, method, pattern, {"X-API-Key": foreign}, "?collection=other")
                    self.assertNotIn(status, (200, 201, 401), "another collection answered")
                    checked += 1
        self.assertGreater(checked, 11 * len(table))
        # A client of Amazon's APIs sends the key as the session token, beside a signature that says nothing.
        for role, status in (("read", 403), ("admin", 400)):
            signed = {"X-Amz-Security-Token": good[role], "Authorization": "AWS4-HMAC-SHA256 Credential=x/y"}
            target = "/#RekognitionService.CreateCollection"
            self.assertEqual(self.call(server, "POST", target, signed), status)

    def knows(self, word):
        return word.encode() in self.run_program("--help", data=False).stdout

    def json_of_nothing(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_key_for_one_collection_sees_no_other(self):
        key = {"X-API-Key": self.key("read,enroll,admin", "--collection", "other")}
        server = self.serve()
        mine = json.loads(server.request("GET", "/v1/people", headers=key)[2])
        self.assertEqual([p["id"] for p in mine["people"]], ["2"])
        self.assertEqual(server.request("GET", "/v1/people?collection=default", headers=key)[0], 403)
        self.assertEqual(server.request("GET", "/v1/people/1?collection=default", headers=key)[0], 403)
        self.assertEqual(server.request("DELETE", "/v1/collections/default", headers=key)[0], 403)
        self.assertEqual(
            server.request("POST", "/v1/collections", b'{"name":"third"}', {**key, "Content-Type": "application/json"})[
                0
            ],
            403,
        )
        listed = json.loads(server.request("GET", "/v1/collections", headers=key)[2])
        self.assertEqual([c["name"] for c in listed["collections"]], ["other"])
        body, kind = multipart({"image": (FRIENDS / "obama.jpg").read_bytes(), "collection": "default"})
        self.assertEqual(self.when_ready(server, "POST", "/v1/search", body, {**key, "Content-Type": kind})[0], 403)

    def test_strangers_do_not_learn_how_many_people_there_are(self):
        keys = {role: self.key(role, "--all-collections") for role in ("read", "enroll", "admin")}
        bound = self.key("read", "--collection", "default")
        server = self.serve()
        for key, knows in (
            (None, 0),
            ("sbk_wrong", 0),
            (keys["enroll"], 0),
            (bound, 0),
            (keys["read"], 1),
            (keys["admin"], 1),
        ):
            status, _, text = server.request("GET", "/v1/health", headers={"X-API-Key": key} if key else {})
            self.assertEqual(status, 200)
            self.assertEqual(["people" in json.loads(text), "faces" in json.loads(text)], [bool(knows)] * 2)

    def test_a_job_is_seen_by_who_posted_it_and_by_admins(self):
        keys = {name: self.key("enroll") for name in ("one", "other")}
        keys["admin"] = self.key("admin")
        server = self.serve()
        headers = {name: {"X-API-Key": key} for name, key in keys.items()}
        body, kind = form_of_files([("Secret_Name/1.jpg", b"no photo")])
        status, job = self.when_ready(server, "POST", "/v1/jobs/import", body, {**headers["one"], "Content-Type": kind})
        self.assertEqual(status, 202, job)
        path = f"/v1/jobs/{job['id']}"
        while json.loads(server.request("GET", path, headers=headers["one"])[2])["state"] != "done":
            time.sleep(0.05)
        for name, sees in (("one", True), ("other", False), ("admin", True)):
            with self.subTest(caller=name):
                listed = server.request("GET", "/v1/jobs", headers=headers[name])[2]
                self.assertEqual(b"Secret_Name" in listed, sees)
                for end in ("", "/refused"):
                    status, _, text = server.request("GET", path + end, headers=headers[name])
                    self.assertEqual((status, b"Secret_Name" in text), (200, True) if sees else (404, False))
                for method, end in (("POST", "/pause"), ("POST", "/resume"), ("DELETE", "")):
                    status = server.request(method, path + end, headers=headers[name])[0]
                    self.assertEqual(status, 200 if sees else 404)

    def test_a_key_revoked_while_the_server_runs_is_refused(self):
        made = self.json_of("access", "add", "--role", "read")
        server = self.serve()
        headers = {"X-API-Key": made["key"]}
        self.assertEqual(server.request("GET", "/v1/people", headers=headers)[0], 200)
        self.json_of_nothing("access", "revoke", made["prefix"])
        self.assertEqual(server.request("GET", "/v1/people", headers=headers)[0], 401)

    def when_ready(self, server, *request):
        """The answer, as soon as the models are loaded."""
        give_up = time.monotonic() + PATIENCE
        while (answer := server.request(*request))[0] == 503:
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)
        return answer[0], json.loads(answer[2])

    def test_a_key_that_may_only_enroll_learns_of_a_duplicate_but_not_who_it_is(self):
        server = self.serve()
        asks = {}
        for role in ("enroll", "read,enroll"):
            for duplicates in ("warn", "refuse"):
                body, kind = multipart(
                    {
                        "image": (FRIENDS / "obama2.jpg").read_bytes(),
                        "id": f"{role} {duplicates}",
                        "name": "New",
                        "on_duplicate": duplicates,
                    }
                )
                key = {"X-API-Key": self.key(role), "Content-Type": kind}
                asks[role, duplicates] = self.when_ready(server, "POST", "/v1/people", body, key)
        for role, knows in (("enroll", False), ("read,enroll", True)):
            status, warned = asks[role, "warn"]
            self.assertEqual(status, 201, warned)
            self.assertEqual("Ann" in json.dumps(warned), knows)
            self.assertEqual(warned.get("possible_duplicates_withheld", 0) > 0, not knows)
            status, refused = asks[role, "refuse"]
            self.assertEqual((status, refused["error"]["code"]), (409, "duplicate"))
            self.assertEqual("Ann" in json.dumps(refused), knows)

    def test_a_key_that_may_not_read_learns_no_name_from_an_id_that_it_adds_to_or_changes(self):
        self.json_of("consent", "1", "--consent", "signed")
        server = self.serve()
        body, kind = multipart({"image": (FRIENDS / "obama2.jpg").read_bytes()})
        for role, knows in (("enroll", False), ("read,enroll", True)):
            key = {"X-API-Key": self.key(role)}
            for answer in (
                self.when_ready(server, "POST", "/v1/people/1/faces", body, {**key, "Content-Type": kind}),
                self.when_ready(
                    server, "PATCH", "/v1/people/1", '{"id":"1"}', {**key, "Content-Type": "application/json"}
                ),
            ):
                self.assertIn(answer[0], (200, 201), answer)
                self.assertEqual(["Ann" in json.dumps(answer), "signed" in json.dumps(answer)], [knows, knows])
                self.assertIn('"faces": ', json.dumps(answer))

    def test_open_streams_and_channels_end_when_their_key_is_revoked(self):
        made = self.json_of("access", "add", "--role", "read,enroll")
        other = self.key("read")
        server = self.serve()
        body, kind = multipart({"image": (FRIENDS / "obama.jpg").read_bytes()})
        self.when_ready(server, "POST", "/v1/search", body, {"X-API-Key": other, "Content-Type": kind})
        doomed, kept = (self.channel(server, key) for key in (made["key"], other))
        time.sleep(2.5)  # the key is checked several times and is valid
        for channel in (doomed, kept):
            channel.sendall(b"\x89\x80\0\0\0\0")
            self.assertEqual(self.received(channel, 2), b"\x8a\0")
        self.json_of_nothing("access", "revoke", made["prefix"])
        self.assertEqual(self.received(doomed, 4), b"\x88\x02" + struct.pack(">H", 1008))
        self.assertEqual(doomed.recv(64), b"")
        kept.sendall(b"\x89\x80\0\0\0\0")
        self.assertEqual(self.received(kept, 2), b"\x8a\0")

    def received(self, channel, count):
        """The next bytes, in any number of pieces."""
        taken = b""
        while len(taken) < count and (piece := channel.recv(count - len(taken))):
            taken += piece
        return taken

    def channel(self, server, key):
        """The socket of a live channel after its handshake."""
        channel = socket.create_connection(("127.0.0.1", server.port), 30)
        self.addCleanup(channel.close)
        channel.sendall(
            f"GET /v1/live HTTP/1.1\r\nHost: localhost:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"X-API-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += channel.recv(1)
        self.assertIn(b" 101 ", head.splitlines()[0])
        return channel

    def test_keys_are_stored_hashed_and_the_audit_log_names_their_prefix(self):
        made = self.json_of("access", "add", "--role", "read", "--label", "desk")
        secret = made["key"].partition(made["prefix"])[2][1:].encode()  # the secret itself may contain an underscore
        self.assertGreater(len(secret), 30)
        for file in self.data.iterdir():
            if file.is_file():
                self.assertNotIn(secret, file.read_bytes())
        self.assertEqual(self.json_of("access", "list")["keys"][0]["label"], "desk")
        server = self.serve()
        server.request("GET", "/v1/people", headers={"X-API-Key": made["key"]})
        self.assertIn(f"key:{made['prefix']}\tlist".encode(), self.run_program("audit", "show").stdout)


class Disclosure(AccessCase):
    """A key of role read learns who matches, and nothing from which a stored template could be computed."""

    def setUp(self):
        super().setUp()
        self.keys = {role: {"X-API-Key": self.key(role, "--all-collections")} for role in ("read", "admin")}
        self.server = self.serve("--rate-limit", "60", "--photo-limit", "12")
        give_up = time.monotonic() + PATIENCE
        while self.server.request("GET", "/readyz")[0] != 200:
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)

    def ask(self, role, path, fields):
        body, kind = multipart(fields)
        give_up = time.monotonic() + PATIENCE
        while True:
            answer = self.server.request("POST", path, body, {**self.keys[role], "Content-Type": kind})
            if answer[0] != 503 or time.monotonic() > give_up:
                return answer[0], answer[2].decode()
            time.sleep(0.05)

    def test_people_who_do_not_match_are_named_to_admins_only(self):
        stranger, ann = ((FRIENDS / f"{name}.jpg").read_bytes() for name in ("biden", "obama2"))
        asks = (
            ("/v1/search", "image", {"k": "100"}),
            ("/v1/search", "image", {"k": "100", "threshold": "0.001"}),
            ("/v1/search", "image", {"k": "100", "fmr": "0.5"}),
            ("/search", "img", {"similarity_search": "true", "k": "100"}),
            ("/api/v1/recognition/recognize", "file", {"prediction_count": "100"}),
        )
        for path, field, fields in asks:
            with self.subTest(path=path, fields=fields):
                self.assertIn(
                    "Ann" if path != "/api/v1/recognition/recognize" else '"1"',
                    self.ask("admin", path, {field: stranger, **fields})[1],
                )
                status, text = self.ask("read", path, {field: stranger, **fields})
                self.assertIn(status, (200, 404))
                self.assertNotIn("Ann", text)
                self.assertNotIn('"1"', text)
                self.assertIn(
                    "Ann" if path != "/api/v1/recognition/recognize" else '"1"',
                    self.ask("read", path, {field: ann, **fields})[1],
                )

    def test_scores_have_three_digits_and_a_whole_photo_cannot_be_searched(self):
        ann = (FRIENDS / "obama2.jpg").read_bytes()
        candidate = json.loads(self.ask("read", "/v1/search", {"image": ann})[1])["faces"][0]["candidates"][0]
        for number in ("similarity", "score"):
            self.assertEqual(candidate[number], round(candidate[number], 3))
        self.assertRegex(f"{candidate['false_match_rate']:.6e}", r"^\d\.0+e")
        for role, allowed in (("read", False), ("admin", True)):
            status, text = self.ask(role, "/search", {"img": ann, "detector_backend": "skip"})
            self.assertEqual(status == 200, allowed, text)

    def test_rekognition_s_calls_say_to_admins_only_how_unlike_strangers_are(self):
        def call(role, name, **body):
            target = {"X-Amz-Target": f"RekognitionService.{name}", "Content-Type": "application/json"}
            status, _, text = self.server.request("POST", "/", json.dumps(body), {**self.keys[role], **target})
            self.assertEqual(status, 200, text)
            return json.loads(text)["FaceMatches"]

        ann, stranger = (
            {"Bytes": base64.b64encode((FRIENDS / f"{name}.jpg").read_bytes()).decode()} for name in ("obama2", "biden")
        )
        for role, found in (("admin", 1), ("read", 0)):
            search = {"CollectionId": "default", "FaceMatchThreshold": 0}
            self.assertEqual(len(call(role, "SearchFacesByImage", Image=stranger, **search)), found)
            self.assertEqual(len(call(role, "SearchFacesByImage", Image=ann, **search)), 1)
            pair = {"SourceImage": ann, "TargetImage": stranger, "SimilarityThreshold": 0}
            self.assertEqual(len(call(role, "CompareFaces", **pair)), found)

    def test_an_embedding_is_compared_and_searched_for_admins_only(self):
        numbers = [1.0] * 512
        for role, allowed in (("read", False), ("admin", True)):
            headers = {**self.keys[role], "Content-Type": "application/json"}
            for path, body in (
                ("/verify", {"img1": numbers, "img2": numbers}),
                ("/v1/search/embedding", {"embedding": numbers}),
                ("/api/v1/recognition/embeddings/recognize", {"embeddings": [numbers]}),
                ("/api/v1/verification/embeddings/verify", {"source": numbers, "targets": [numbers]}),
            ):
                status, _, text = self.server.request("POST", path, json.dumps(body), headers)
                self.assertEqual(status, 200 if allowed else 403, (role, path, text))

    def test_the_score_of_a_stored_face_says_nothing_about_strangers(self):
        listed = self.server.request("GET", "/api/v1/recognition/faces", headers=self.keys["read"])[2]
        (face,) = json.loads(listed)["faces"]
        scores = set()
        for photo in (FRIENDS / "biden.jpg", GROUPS / "sample1.jpg", GROUPS / "sample2.jpg"):
            status, text = self.ask(
                "read", f"/api/v1/recognition/faces/{face['image_id']}/verify", {"file": photo.read_bytes()}
            )
            self.assertEqual(status, 200, text)
            scores.add(json.loads(text)["result"][0]["similarity"])
        self.assertEqual(len(scores), 1)

    def test_requests_and_photos_of_a_key_and_an_address_are_limited(self):
        server = self.server

        def statuses(headers, count, method="GET", path="/v1/people"):
            answers = [server.request(method, path, headers=headers) for _ in range(count)]
            self.assertTrue(all(int(h["Retry-After"]) > 0 for status, h, _ in answers if status == 429))
            return [status for status, _, _ in answers]

        other = {"X-API-Key": self.key("read")}
        self.assertEqual(statuses(other, 14, "POST", "/v1/search")[12:], [429, 429])
        self.assertIn(429, statuses(self.keys["read"], 120))
        self.assertEqual(set(statuses(self.keys["admin"], 120)), {200})
        self.assertEqual(set(statuses({"X-API-Key": "sbk_wrong"}, 120)), {401, 429})


class Login(AccessCase):
    def login(self, server, **fields):
        status, headers, text = server.request(
            "POST", "/v1/session", json.dumps(fields).encode(), {"Content-Type": "application/json"}
        )
        return status, headers, json.loads(text)

    def test_a_login_gives_a_session_that_other_sites_cannot_use(self):
        self.password()
        server = self.serve()
        self.assertEqual(server.request("GET", "/v1/people")[0], 401)
        self.assertTrue(json.loads(server.request("GET", "/v1/session")[2])["login_needed"])
        status, headers, answer = self.login(server, password=PASSWORD)
        self.assertEqual(status, 200, answer)
        cookie = headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
            self.assertIn(word, cookie)
        session = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(server.request("GET", "/v1/people", headers=session)[0], 200)
        self.assertEqual(server.request("DELETE", "/v1/people/1", headers=session)[0], 403)  # without the CSRF proof
        wrong = {**session, "X-CSRF-Token": answer["csrf"][:-1] + "?"}
        self.assertEqual(server.request("DELETE", "/v1/people/1", headers=wrong)[0], 403)
        other = {**session, "X-CSRF-Token": answer["csrf"], "Origin": "https://evil.example"}
        self.assertEqual(server.request("DELETE", "/v1/people/1", headers=other)[0], 403)
        proved = {**session, "X-CSRF-Token": answer["csrf"]}
        self.assertEqual(server.request("DELETE", "/v1/people/1", headers=proved)[0], 200)
        self.assertEqual(server.request("DELETE", "/v1/session", headers=proved)[0], 200)
        self.assertEqual(server.request("GET", "/v1/people", headers=session)[0], 401)
        acts = self.run_program("audit", "show").stdout
        self.assertIn(b"admin\terase", acts)
        self.assertNotIn(PASSWORD.encode(), acts)

    def test_wrong_passwords_cause_a_growing_wait(self):
        self.password()
        server = self.serve()
        for _ in range(5):  # a slow machine may sleep through the first wait of two seconds, but not each time
            self.assertEqual([self.login(server, password=f"wrong {i}")[0] for i in range(3)], [401] * 3)
            status, headers, _ = self.login(server, password=PASSWORD)
            if status == 429:
                break
        self.assertEqual(status, 429)
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertIn(
            429, [self.login(server, password="wrong")[0] for _ in range(3)]
        )  # an attempt after the wait doubles it
        status, headers, _ = self.login(server, password=PASSWORD)
        if status == 429:
            time.sleep(int(headers["Retry-After"]))
            status = self.login(server, password=PASSWORD)[0]
        self.assertEqual(status, 200)

    def test_many_tries_at_once_are_no_more_than_three(self):
        self.password()
        server = self.serve()
        answers = []
        threads = [
            threading.Thread(target=lambda i=i: answers.append(self.login(server, password=f"wrong {i}")))
            for i in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tried = [status for status, _, _ in answers if status != 429]
        self.assertEqual(set(tried), {401})
        self.assertLessEqual(len(tried), 3)
        self.assertTrue(all(int(headers["Retry-After"]) for status, headers, _ in answers if status == 429))

    def test_clients_of_a_trusted_proxy_wait_for_their_own_tries_only(self):
        self.password()
        server = self.serve("--trusted-proxy", "127.0.0.1")

        def tries(client):
            headers = {"Content-Type": "application/json", "X-Forwarded-For": client}
            return [server.request("POST", "/v1/session", b'{"password":"x"}', headers)[0] for _ in range(4)]

        self.assertEqual(tries("192.0.2.1"), [401, 401, 401, 429])
        self.assertEqual(tries("203.0.113.5, 192.0.2.1")[0], 429)  # the first of the two is what the client wrote
        self.assertEqual(tries("192.0.2.2")[0], 401)

    def test_sessions_end_when_the_password_changes_or_is_removed(self):
        self.password()
        server = self.serve()

        def session():
            status, headers, answer = self.login(server, password=PASSWORD)
            self.assertEqual(status, 200, answer)
            return {"Cookie": headers["Set-Cookie"].split(";")[0]}

        for change in (("access", "password"), ("access", "totp")):
            cookie = session()
            self.assertEqual(server.request("GET", "/v1/people", headers=cookie)[0], 200)
            done = self.run_program(*change, environment={"SEMBLANCE_ADMIN_PASSWORD": PASSWORD})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.request("GET", "/v1/people", headers=cookie)[0], 401)
            self.assertFalse(json.loads(server.request("GET", "/v1/session", headers=cookie)[2])["signed_in"])

    def test_a_start_up_script_that_sets_the_first_password_changes_no_later_one(self):
        def set_if_none(password):
            variables = {"SEMBLANCE_ADMIN_PASSWORD": password}
            done = self.run_program("access", "password", "--if-none", environment=variables)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        self.assertIn(b"is set", set_if_none(PASSWORD))
        server = self.serve()
        self.assertIn(b"it stays", set_if_none("another password"))
        self.assertEqual(self.login(server, password="another password")[0], 401)
        self.assertEqual(self.login(server, password=PASSWORD)[0], 200)
        self.assertEqual(self.run_program("access", "password", "--if-none", "--remove").returncode, 2)

    def test_a_password_in_an_address_is_refused(self):
        self.password()
        server = self.serve()
        self.assertEqual(server.request("POST", "/v1/session?password=" + PASSWORD.replace(" ", "%20"))[0], 400)

    def test_a_one_time_password_is_required_and_valid_once(self):
        self.password()
        uri = self.run_program("access", "totp").stdout.decode().split()[0]
        secret = base64.b32decode(re.search("secret=([A-Z2-7]+)", uri)[1])
        server = self.serve()
        self.assertEqual(self.login(server, password=PASSWORD)[0], 401)
        digest = hmac.new(secret, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
        number = struct.unpack(">I", digest[digest[19] & 15 :][:4])[0] & 0x7FFFFFFF
        code = f"{number % 10**6:06d}"
        self.assertEqual(self.login(server, password=PASSWORD, code=code)[0], 200)
        self.assertEqual(self.login(server, password=PASSWORD, code=code)[0], 401)
        self.json_of("keys", "rotate")  # the rotation seals the secret again, too
        self.assertEqual(self.run_program("audit", "verify").returncode, 0)


class Tls(AccessCase):
    def test_one_address_cannot_take_all_connections(self):
        server = self.serve("--listen", "0.0.0.0", "--insecure")

        def connect(source):
            made = socket.create_connection(("127.0.0.1", server.port), 60, source_address=(source, 0))
            self.addCleanup(made.close)
            return made

        def answers(connection):
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return connection.recv(12) == b"HTTP/1.1 200"
            return False

        many = [connect("127.0.0.1") for _ in range(600)]
        self.assertFalse(answers(many[-1]))
        self.assertTrue(answers(connect("127.0.0.2")))
        for connection in many:
            connection.close()
        give_up = time.monotonic() + PATIENCE
        while not answers(connect("127.0.0.1")):
            self.assertLess(time.monotonic(), give_up)

    def status_for(self, server, host, origin=None):
        headers = {"Host": host, **({"Origin": origin} if origin else {})}
        return server.request("GET", "/v1/people", headers=headers)[0]

    def test_without_keys_no_name_in_the_dns_makes_a_page_this_machines(self):
        """DNS rebinding, also where the server listens on every address, as in a container."""
        server = self.serve("--listen", "0.0.0.0", "--insecure", "--server-names", "desk.example,box")
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3.4.5", "[::1", "0x7f.1"):
            with self.subTest(host=host):
                self.assertEqual(self.status_for(server, f"{host}:{server.port}", f"http://{host}:{server.port}"), 403)
        for host in ("localhost", "LOCALHOST", "127.9.8.7", "[::1]", "192.168.1.5", "[fe80::1]", "desk.example", "Box"):
            with self.subTest(host=host):
                self.assertEqual(self.status_for(server, f"{host}:{server.port}"), 200)
        key = self.key("read", "--all-collections")
        answer = server.request("GET", "/v1/people", headers={"Host": "any.example", "X-API-Key": key})
        self.assertEqual(answer[0], 200)

    def test_another_address_needs_keys_and_tls(self):
        command = [PROGRAM, "serve", "--port", "0", "--listen", "0.0.0.0", "--data", str(self.data)]
        for prepare in (lambda: None, lambda: self.key("read")):
            prepare()
            done = subprocess.run(command, capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(b"tls init", done.stderr)

    def serve_redirecting(self):
        """A server and its plain HTTP port.

        The server cannot choose a free port itself, and the one that is chosen here may be taken before it starts."""
        for _ in range(10):
            with socket.socket() as probe:
                probe.bind(("0.0.0.0", 0))
                plain_port = probe.getsockname()[1]
            try:
                return self.serve("--listen", "0.0.0.0", "--redirect-port", str(plain_port)), plain_port
            except NotStarted:
                pass
        self.fail("no port stayed free")

    def test_the_server_speaks_tls_and_redirects_plain_http(self):
        key = self.key("read", "--all-collections")
        made = self.json_of("tls", "init", "box.example")
        for name in ("key.pem", "cert.pem"):
            self.assertEqual((self.data / "tls" / name).stat().st_mode & 0o777, 0o600)
        self.refused("tls", "init", code=3, word="already")
        server, plain_port = self.serve_redirecting()
        context = ssl.create_default_context(cafile=self.data / "tls" / "cert.pem")
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=60)
        connection.request("GET", "/v1/people", headers={"X-API-Key": key})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertIn("max-age=", answer.getheader("Strict-Transport-Security"))
        answer.read()
        shown = hashlib.sha256(connection.sock.getpeercert(True)).hexdigest().upper()
        self.assertEqual(made["sha256"].replace(":", ""), shown)
        body, kind = multipart({"image": (FRIENDS / "obama.jpg").read_bytes()})
        connection.request("POST", "/v1/detect", body, {"X-API-Key": key, "Content-Type": kind})
        answer = connection.getresponse()
        self.assertIn(answer.status, (200, 503))
        answer.read()
        plain = http.client.HTTPConnection("127.0.0.1", plain_port, timeout=60)
        plain.request("GET", "/v1/people?limit=1")
        answer = plain.getresponse()
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.getheader("Location"), f"https://127.0.0.1:{server.port}/v1/people?limit=1")
        answer.read()
        old = ssl.create_default_context(cafile=self.data / "tls" / "cert.pem")
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            http.client.HTTPSConnection("localhost", server.port, context=old, timeout=30).request("GET", "/")


if __name__ == "__main__":
    unittest.main()
