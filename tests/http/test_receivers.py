"""Webhooks: events reach their receivers at least once and in order, signed, whatever fails on the way."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import unittest

from events_source import EventSource
from program import PROGRAM, ProgramCase
from server import PATIENCE, Server

SENDER = pathlib.Path(PROGRAM).parent / "src/webhook/semblance-send"
ROUNDS = int(os.environ.get("SB_TEST_KILLS", "8"))


class Receiver:
    """A receiver of webhooks. `answer` gets the body and says what to do: a status, or seconds to say nothing."""

    def __init__(self, case, answer=lambda body: 200):
        self.got, self.answer = [], answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answer(json.loads(body))
                receiver.got.append((dict(self.headers.items()), body, status))
                if isinstance(status, float):
                    time.sleep(status)
                    return
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/events"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        case.addCleanup(self.close)

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def accepted(self):
        return [json.loads(body)["data"]["number"] for _, body, status in list(self.got) if status == 200]


def signature(secret, headers, body):
    """The signature as the convention has it, made without the program under test."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def senders(process):
    """The children of a process that are semblance-send."""
    found = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "semblance-send" in line]


@unittest.skipUnless(SENDER.exists(), "semblance-send was not built (libcurl)")
class ReceiverCase(ProgramCase):
    def serve(self, *arguments):
        server = Server(self.data, "--webhook-retry-ms", "10", *arguments)
        server.__enter__()
        self.addCleanup(lambda: server.process.poll() is None and server.__exit__())
        return server

    def source(self):
        source = EventSource(self.data)
        self.addCleanup(source.__exit__)
        return source

    def call(self, server, method, path, fields=None, status=200):
        body = None if fields is None else json.dumps(fields)
        got, _, text = server.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        self.assertEqual(got, status, text)
        return json.loads(text)

    def add(self, server, url, **fields):
        return self.call(server, "POST", "/v1/receivers", {"url": url, "allow_private": True, **fields}, 201)

    def state(self, server, added):
        listed = self.call(server, "GET", "/v1/receivers")["receivers"]
        return next(r for r in listed if r["receiver"] == added["receiver"])

    def try_out(self, server, added):
        return self.call(server, "POST", f"/v1/receivers/{added['receiver']}/test", {})

    def assert_only_public_addresses(self, address, targets):
        """No receiver reaches one of the targets unless that is allowed. `address` has places for target and port."""
        server = self.serve()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for target in targets:
                url = address.format(target=target, port=listener.getsockname()[1])
                added = self.add(server, url, allow_private=False)
                tested = self.try_out(server, added)
                self.assertEqual((tested["delivered"], tested["status"]), (False, 0), target)
                self.assertIn("not allowed", tested["error"], target)
                self.call(server, "DELETE", f"/v1/receivers/{added['receiver']}")
            listener.settimeout(0.01)
            with self.assertRaises(TimeoutError):
                listener.accept()


class Delivery(ReceiverCase):
    def test_events_are_delivered_signed_in_order_to_those_who_want_them(self):
        source, server = self.source(), self.serve()
        source.add()  # before there is a receiver
        every, lost = Receiver(self), Receiver(self)
        added = self.add(server, every.url)
        own = "whsec_" + base64.b64encode(bytes(range(24))).decode()
        cameras = self.add(server, lost.url, kinds="camera_lost,camera_back", secret=own)
        self.assertEqual(cameras["secret"], own)
        numbers = [source.add(camera=f"c{i % 3}") for i in range(20)]
        gone = source.add("camera_lost", camera="c1")
        self.wait_for("all events", lambda: len(every.accepted()) == 21)
        self.wait_for("the camera's event", lambda: lost.accepted() == [gone])
        self.assertEqual(every.accepted(), [*numbers, gone])
        for receiver, secret in ((every, added["secret"]), (lost, own)):
            for headers, body, _ in receiver.got:
                self.assertEqual(headers["webhook-signature"], signature(secret, headers, body))
                self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), PATIENCE)
        self.assertEqual(len({headers["webhook-id"] for headers, _, _ in every.got}), 21)
        message = json.loads(every.got[0][1])
        self.assertEqual((message["type"], message["data"]["camera"]), ("event.seen", "c0"))
        self.assertNotIn("picture", message["data"])

        self.assertNotIn("secret", self.state(server, added))
        self.wait_for("the position", lambda: self.state(server, added)["position"] == gone)
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                self.assertNotIn(added["secret"].encode(), seen)
        tested = self.try_out(server, added)
        self.assertEqual(tested, {"delivered": True, "status": 200, "error": ""})
        headers, body, _ = every.got[-1]
        self.assertEqual(json.loads(body)["type"], "event.test")
        self.assertEqual(headers["webhook-signature"], signature(added["secret"], headers, body))
        self.call(server, "DELETE", f"/v1/receivers/{added['receiver']}")
        self.call(server, "DELETE", f"/v1/receivers/{added['receiver']}", status=404)
        self.call(server, "POST", f"/v1/receivers/{added['receiver']}/test", {}, 404)
        source.add("camera_back")
        self.wait_for("the other receiver", lambda: len(lost.accepted()) == 2)
        self.assertEqual(len(every.got), 22)  # 21 events and the test

    def test_a_receiver_that_fails_gets_the_same_message_until_it_takes_it(self):
        failures = iter([500, 503, 0.0, 302, 429, 404, 200])
        receiver = Receiver(self, lambda body: next(failures, 200))
        source, server = self.source(), self.serve()
        added = self.add(server, receiver.url)
        numbers = [source.add(), source.add()]
        self.wait_for("both events", lambda: receiver.accepted() == numbers)
        first = receiver.got[:7]
        self.assertEqual(len({headers["webhook-id"] for headers, _, _ in first}), 1)
        self.assertEqual(len({body for _, body, _ in first}), 1)
        self.assertEqual([s for _, _, s in receiver.got], [500, 503, 0.0, 302, 429, 404, 200, 200])
        self.wait_for("a good state", lambda: self.state(server, added)["position"] == numbers[1])
        self.assertEqual((self.state(server, added)["tries"], self.state(server, added)["error"]), (0, ""))

    def test_refused_events_are_listed_and_410_ends_a_receiver(self):
        bad = []
        receiver = Receiver(self, lambda body: 422 if body["data"]["number"] in bad else 200)
        leaving = Receiver(self, lambda body: 410)
        source, server = self.source(), self.serve()
        added, ended = self.add(server, receiver.url), self.add(server, leaving.url)
        good = source.add()
        self.wait_for("the first", lambda: receiver.accepted() == [good])
        bad.append(good + 1)
        self.assertEqual(source.add(), good + 1)
        after = source.add()
        self.wait_for("the event behind the refused one", lambda: receiver.accepted() == [good, after])
        dead = self.call(server, "GET", f"/v1/receivers/{added['receiver']}/dead-letters")["dead_letters"]
        self.assertEqual([(d["event"], d["tries"], d["error"]) for d in dead], [(good + 1, 10, "it answered 422")])
        self.wait_for("the end", lambda: self.state(server, ended)["ended"])
        self.assertEqual(len(leaving.got), 1)
        listed = self.run_program("receivers", "dead-letters", str(added["receiver"])).stdout.decode()
        self.assertEqual(listed.split("\t")[0], str(good + 1))
        self.assertIn("ended", self.run_program("receivers", "list").stdout.decode())


class Addresses(ReceiverCase):
    def test_no_webhook_reaches_this_machine_or_a_private_network_unless_it_is_allowed(self):
        targets = "127.0.0.1 localhost 127.1 2130706433 0x7f000001 0.0.0.0 [::1] [::ffff:127.0.0.1] [::] 10.0.0.1"
        targets += " 192.168.1.1 172.16.0.1 169.254.169.254 100.64.0.1 [fe80::1] [fd00::1] [64:ff9b::7f00:1]"
        targets += " [2002:7f00:1::] 224.0.0.1"
        self.assert_only_public_addresses("https://{target}:{port}/", targets.split())

    def test_what_is_no_receiver_is_refused_and_named(self):
        server = self.serve()
        for fields, word in (
            ({}, "url"),
            ({"url": "http://example.com/"}, "https"),
            ({"url": "ftp://example.com/", "allow_private": True}, "url"),
            ({"url": "file:///etc/passwd", "allow_private": True}, "url"),
            ({"url": "https://"}, "url"),
            ({"url": "https:///path"}, "url"),
            ({"url": "https://a:b@example.com/"}, "password"),
            ({"url": "https://example.com/\r\nX: y"}, "url"),
            ({"url": "https://example.com/" + "a" * 1000}, "url"),
            ({"url": "https://example.com/", "secret": "whsec_c2hvcnQ="}, "secret"),
            ({"url": "https://example.com/", "secret": "secret"}, "secret"),
            ({"url": "https://example.com/", "kinds": "dog"}, "kinds"),
            ({"url": "https://example.com/", "allow_private": "maybe"}, "allow_private"),
        ):
            message = self.call(server, "POST", "/v1/receivers", fields, 400)["error"]["message"]
            self.assertIn(word, message, fields)
        self.call(server, "POST", "/v1/receivers", {"url": "https://example.com/", "collection": "none"}, 404)
        self.assertEqual(self.call(server, "GET", "/v1/receivers")["receivers"], [])
        for number in ("x", "0", "99", "9" * 40):
            self.call(server, "DELETE", f"/v1/receivers/{number}", status=404)
        self.refused("receivers", "add", "http://example.com/", code=3, word="https")
        self.refused("receivers", "remove", "x", code=2, word="number")
        self.refused("receivers", "test", "7", code=1, word="no such receiver")


class Program(ReceiverCase):
    def test_the_program_adds_tests_lists_and_removes_without_a_server(self):
        receiver = Receiver(self)
        self.run_program("collections", "list")
        added = self.json_of("receivers", "add", receiver.url, "--allow-private", "--all-collections")
        number = str(added["receiver"])
        self.assertEqual(self.json_of("receivers", "test", number)["delivered"], True)
        headers, body, _ = receiver.got[0]
        self.assertEqual(headers["webhook-signature"], signature(added["secret"], headers, body))
        self.assertIn(receiver.url, self.run_program("receivers", "list").stdout.decode())
        self.assertNotIn(added["secret"].encode(), self.run_program("receivers", "list", "--json").stdout)
        receiver.answer = lambda body: 500
        self.assertIn(b"500", self.run_program("receivers", "test", number).stdout)
        for file in self.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(receiver.url.encode(), file.read_bytes(), file)
        self.assertEqual(self.run_program("receivers", "remove", number).returncode, 0)
        self.assertEqual(self.json_of("receivers", "list")["receivers"], [])


class Crashes(ReceiverCase):
    def test_events_survive_kills_of_server_and_sender_and_a_receiver_that_fails(self):
        chance = random.Random(7)
        receiver = Receiver(self, lambda body: 500 if chance.random() < 0.2 else 200)
        source, server = self.source(), self.serve()
        self.add(server, receiver.url)
        numbers, cameras = [], {}
        for turn in range(ROUNDS):
            for _ in range(10):
                camera = f"c{chance.randrange(3)}"
                numbers.append(source.add(camera=camera))
                cameras[numbers[-1]] = camera
            if turn % 4 == 3:  # the sender, in the middle of its work; it starts again by itself
                supervisor = self.wait_for("the sender", lambda pid=server.process.pid: senders(pid))[0]
                os.kill(self.wait_for("its child", lambda pid=supervisor: senders(pid))[0], signal.SIGKILL)
            else:
                enough = len(receiver.got) + chance.randrange(5)
                self.wait_for("some deliveries", lambda least=enough: len(receiver.got) >= least)
                server.process.kill()
                server.process.wait()
                server.process.stdout.close()
                server = self.serve()
        receiver.answer = lambda body: 200
        self.wait_for("every event", lambda: set(receiver.accepted()) >= set(numbers))
        first = list(dict.fromkeys(receiver.accepted()))
        self.assertEqual(first, numbers)  # so also in the order of each camera
        ids = {}
        for headers, body, _ in receiver.got:
            ids.setdefault(json.loads(body)["data"]["number"], set()).add(headers["webhook-id"])
        self.assertEqual({len(each) for each in ids.values()}, {1})
        self.assertEqual(len(set().union(*ids.values())), len(numbers))
