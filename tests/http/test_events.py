"""Events: lists, streams and the program's `events`; who may see them, and that none is missed."""

import base64
import contextlib
import csv
import http.client
import io
import json
import os
import socket
import subprocess
import threading
import time

from events_source import EventSource
from program import FRIENDS, PROGRAM, ProgramCase
from server import PATIENCE, Server

DAY_MS = 86_400_000


class Stream:
    """A client that follows /v1/events, in a thread."""

    def __init__(self, server, query="", headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.connection.request("GET", f"/v1/events{query}", headers={"Accept": "text/event-stream", **(headers or {})})
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self.read, daemon=True)
        if self.answer.status == 200:
            self.thread.start()

    def read(self):
        event = {}
        try:
            while line := self.answer.readline().decode():
                if line == "\n":
                    if "data" in event:
                        self.events.append((int(event["id"]), event["event"], json.loads(event["data"])))
                    event = {}
                else:
                    name, _, value = line.rstrip("\n").partition(": ")
                    event[name] = value
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # http.client's errors when the other side or close() ends the connection in the middle
        self.ended = True

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self.answer.status == 200:
            self.thread.join(PATIENCE)
        self.connection.close()


class EventCase(ProgramCase):
    def setUp(self):
        super().setUp()
        self.made_once(self.two_people)

    def two_people(self):
        self.run_program("enroll", "--id", "ana", "--name", "Ana", FRIENDS / "obama.jpg")
        self.run_program("collections", "add", "staff")
        self.run_program("enroll", "--id", "ben", "--name", "Ben", FRIENDS / "biden.jpg", "--collection", "staff")

    def serve(self, *arguments):
        server = Server(self.data, *arguments)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def source(self):
        source = EventSource(self.data)
        self.addCleanup(source.__exit__)
        return source

    def stream(self, *arguments, **named):
        stream = Stream(*arguments, **named)
        self.addCleanup(stream.close)
        return stream

    def get(self, server, query="", status=200, **headers):
        got, _, body = server.request("GET", f"/v1/events{query}", headers=headers)
        self.assertEqual(got, status, body)
        return json.loads(body)

    def numbers(self, server, query="", **headers):
        return [event["number"] for event in self.get(server, query, **headers)["events"]]


class Lists(EventCase):
    def test_events_are_listed_filtered_paged_and_in_the_scope_of_the_key(self):
        source, server = self.source(), self.serve()
        one = source.add(person="ana", since_ms=1_800_000_000_000, picture="Bild")
        two = source.add(collection="staff", person="ben", camera="yard", since_ms=1_800_000_060_000)
        three = source.add(camera="yard", since_ms=1_800_000_120_000)
        four = source.add("camera_lost", since_ms=1_800_000_180_000)
        listed = self.get(server)
        self.assertEqual([e["number"] for e in listed["events"]], [four, three, two, one])
        self.assertEqual((listed["next_cursor"], listed["newest"]), (None, four))
        event = listed["events"][3]
        self.assertEqual(event["person"], {"id": "ana", "name": "Ana"})
        self.assertEqual((event["kind"], event["camera"], event["collection"]), ("seen", "door", "default"))
        self.assertEqual((event["verdict"], event["score"], event["quality"]), ("match", 0.7, 0.8))
        self.assertEqual((event["since"], event["until"]), ("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:01.000Z"))
        self.assertNotIn("picture", event)
        pictured = self.get(server, "?pictures=true&person=ana")["events"]
        self.assertEqual(base64.b64decode(pictured[0]["picture"]), b"Bild")
        self.assertNotIn("verdict", listed["events"][0])
        for query, wanted in (
            ("?sort=oldest", [one, two, three, four]),
            ("?camera=yard", [three, two]),
            ("?kind=camera_lost", [four]),
            ("?kind=camera_lost,seen&camera=door", [four, one]),
            ("?collection=staff", [two]),
            ("?collection=staff&person=ben", [two]),
            ("?since=2027-01-15T08:01:00Z", [four, three, two]),
            ("?until=2027-01-15T08:01:00Z", [one]),
            ("?since=2027-01-15T09:01:00%2B01:00&until=2027-01-15T08:02:00.001Z", [three, two]),
            ("?since=2027-01-15&until=2027-01-16", [four, three, two, one]),
            ("?since=2027-01-16", []),
        ):
            self.assertEqual(self.numbers(server, query), wanted, query)
        for order in ("oldest", "newest"):
            seen, cursor = [], ""
            while cursor is not None:
                page = self.get(server, f"?sort={order}&limit=3" + (cursor and f"&cursor={cursor}"))
                seen += [e["number"] for e in page["events"]]
                cursor = page["next_cursor"]
            self.assertEqual(seen, sorted(seen, reverse=order == "newest"))
            self.assertEqual(len(seen), 4)
        for query, status, word in (
            ("?kind=dog", 400, "kind"),
            ("?camera=Front%20door", 400, "camera"),
            ("?since=tomorrow", 400, "since"),
            ("?until=2027-13-01", 400, "until"),
            ("?limit=1001", 400, "limit"),
            ("?cursor=x", 400, "cursor"),
            ("?sort=name", 400, "sort"),
            ("?person=ben", 404, "person"),
            ("?collection=none", 404, "collection"),
        ):
            self.assertIn(word, self.get(server, query, status)["error"]["message"], query)

        key = self.json_of("access", "add", "--role", "read", "--collection", "staff")["key"]
        staff = {"Authorization": f"Bearer {key}"}
        self.assertEqual(self.numbers(server, **staff), [two])
        self.get(server, "?collection=default", 403, **staff)
        following = self.stream(server, "?cursor=0", {**staff, "Last-Event-ID": "0"})
        five = source.add(person="ana")
        six = source.add(collection="staff")
        self.wait_for("events of the collection", lambda: len(following.events) >= 2)
        self.assertEqual([e[0] for e in following.events], [two, six])
        self.assertNotIn(five, [e[0] for e in following.events])

    def test_an_erased_person_is_in_no_event_of_list_or_program(self):
        source, server = self.source(), self.serve()
        source.add(person="ana", picture="Bild")
        self.assertEqual(server.request("DELETE", "/v1/people/ana")[0], 200)
        event = self.get(server, "?pictures=true")["events"][0]
        self.assertEqual((event["person"], event["erased"], event["score"]), (None, True, None))
        self.assertNotIn("picture", event)
        self.assertNotIn(b"Ana", self.run_program("events", "--limit", "0").stdout)

    def test_a_server_deletes_events_that_are_older_than_its_setting(self):
        now = int(time.time() * 1000)
        source = self.source()
        source.add(since_ms=now - 3 * DAY_MS)
        young = source.add(since_ms=now - DAY_MS)
        server = self.serve("--event-days", "2")
        self.wait_for("the retention job", lambda: self.numbers(server) == [young])
        verbs = [e["verb"] for e in json.loads(server.request("GET", "/v1/audit")[2])["entries"]]
        self.assertIn("expire-events", verbs)


class Streams(EventCase):
    def test_a_stream_has_each_event_once_and_continues_behind_the_last_one_that_was_seen(self):
        source, server = self.source(), self.serve()
        before = source.add()
        following = self.stream(server, "?kind=seen")
        self.assertEqual(following.answer.getheader("Content-Type"), "text/event-stream")
        numbers = [source.add(person="ana" if i % 2 else "-", camera=f"c{i % 3}") for i in range(40)]
        source.add("camera_lost")
        self.wait_for("the events", lambda: len(following.events) >= 40)
        self.assertEqual([e[0] for e in following.events], numbers)
        self.assertEqual(following.events[1][1], "seen")
        self.assertEqual(following.events[1][2]["person"]["name"], "Ana")
        again = self.stream(server, "?kind=seen", {"Last-Event-ID": str(numbers[29])})
        self.wait_for("the rest", lambda: len(again.events) >= 10)
        self.assertEqual([e[0] for e in again.events], numbers[30:])
        every = self.stream(server, f"?cursor={before}")
        self.wait_for("everything", lambda: len(every.events) >= 41)
        self.assertEqual([e[1] for e in every.events], ["seen"] * 40 + ["camera_lost"])
        listed = [e for e in json.loads(server.request("GET", "/v1/audit?limit=1000")[2])["entries"]]
        self.assertEqual(sum(e["verb"] == "list-events" for e in listed), 3)  # one a stream, not one an event
        self.assertEqual(sum(e["verb"] == "sighting" for e in listed), 41)
        self.assertEqual(self.stream(server, headers={"Last-Event-ID": "x"}).answer.status, 400)

    def test_a_stream_ends_with_its_key_and_the_number_of_streams_is_bounded(self):
        server = self.serve()
        key = self.json_of("access", "add", "--role", "read", "--all-collections")
        caller = {"Authorization": f"Bearer {key['key']}"}
        streams = [self.stream(server, headers=caller) for _ in range(64)]
        self.assertEqual({s.answer.status for s in streams}, {200})
        refused = self.stream(server, headers=caller)
        self.assertEqual(refused.answer.status, 503)
        streams[0].close()
        self.wait_for("room", lambda: self.stream(server, headers=caller).answer.status == 200)
        self.run_program("access", "revoke", key["prefix"])
        self.wait_for("the end of all streams", lambda: all(s.ended for s in streams))


class Program(EventCase):
    def test_the_program_lists_exports_and_follows(self):
        with EventSource(self.data) as source:
            numbers = [source.add(person="ana", picture="x"), source.add("camera_lost", camera="yard")]
            other = source.add(collection="staff", person="ben")
            text = self.run_program("events").stdout.decode().splitlines()
            self.assertEqual([int(line.split("\t")[0]) for line in text], numbers)
            self.assertEqual(text[0].split("\t")[2:], ["door", "seen", "match", "ana", "Ana"])
            everything = self.run_program("events", "--all-collections", "--json", "--limit", "0").stdout
            decoder, found, at = json.JSONDecoder(), [], 0
            text = everything.decode().strip()
            while at < len(text):
                event, end = decoder.raw_decode(text, at)
                found.append(event["number"])
                at = end + len(text[end:]) - len(text[end:].lstrip())
            self.assertEqual(found, [*numbers, other])
            rows = list(csv.DictReader(io.StringIO(self.run_program("events", "--csv").stdout.decode())))
            self.assertEqual([(r["kind"], r["name"]) for r in rows], [("seen", "Ana"), ("camera_lost", "")])
            self.assertEqual(len(self.run_program("events", "--limit", "1").stdout.splitlines()), 1)
            none = self.run_program("events", "--kind", "watchlist")
            self.assertEqual((none.stdout, none.stderr), (b"", b"no events\n"))
            self.assertEqual(self.run_program("events", "--kind", "watchlist", "--quiet").stderr, b"")
            self.refused("events", "--kind", "dog", code=2, word="--kind")
            self.refused("events", "--since", "soon", code=3, word="--since")
            self.refused("events", "--csv", "--json", code=2, word="--csv")
            following = subprocess.Popen(
                [PROGRAM, "events", "--follow", "--limit", "1", "--camera", "door", "--data", str(self.data)],
                stdout=subprocess.PIPE,
                env=os.environ,
                text=True,
            )
            try:
                self.assertEqual(following.stdout.readline().split("\t")[0], str(numbers[0]))
                source.add(camera="yard")
                later = source.add()
                self.assertEqual(following.stdout.readline().split("\t")[0], str(later))
            finally:
                following.kill()
                following.wait()
                following.stdout.close()
