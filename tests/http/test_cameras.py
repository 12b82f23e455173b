"""Cameras that the server watches: what they send becomes events, one for each time that somebody is in sight.

The cameras are GStreamer's RTSP server (rtsp_server.py) and one that sends JPEGs over HTTP (camera_http.py)."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from camera_http import Camera, multipart_stream, refuse
from film import Walk, crop, ffmpeg, needs_ffmpeg, write_film
from program import FRIENDS, GROUPS, PROGRAM, SOURCE, ProgramCase, of_a_file
from server import PATIENCE, Server

PASSWORD = "geheim@42"
ENCODED = "geheim%4042"
SEEN, WATCHLIST, CAMERA_LOST, CAMERA_BACK = 1, 2, 8, 16  # kinds of events
PYTHON = "/usr/bin/python3"  # GStreamer's bindings are the system's


def has_gstreamer():
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    with contextlib.suppress(OSError):
        return subprocess.run([PYTHON, "-c", check], capture_output=True, check=False).returncode == 0
    return False


@needs_ffmpeg
class CameraCase(ProgramCase):
    @classmethod
    def setUpClass(cls):
        if not (pathlib.Path(PROGRAM).resolve().parent.parent / "video/semblance-video").exists():
            raise cls.skipTest(cls, "this build has no decoder")
        folder = tempfile.TemporaryDirectory(prefix="semblance-cameras-")
        cls.addClassCleanup(folder.cleanup)
        cls.films = pathlib.Path(folder.name)

    def serve(self, *arguments):
        server = Server(self.data, *arguments)
        self.enterContext(server)
        return server

    def wait_ready(self, server):
        """Waits for the models: visitors who come before nobody looks are missed."""
        self.wait_for("the models", lambda: server.request("GET", "/readyz")[0] == 200)

    def add(self, server, name, address, status=201, **fields):
        body = json.dumps({"name": name, "address": address, "purpose": "a test", **fields})
        got, _, text = server.request("POST", "/v1/cameras", body, {"Content-Type": "application/json"})
        self.assertEqual(got, status, text)
        return json.loads(text)

    def camera(self, server, name):
        status, _, text = server.request("GET", f"/v1/cameras/{name}")
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def wait_phase(self, server, name, phase):
        def check():
            state = self.camera(server, name)["state"]
            return state if state and state["phase"] == phase else None

        return self.wait_for(f"{name} to be {phase}", check)

    def events(self):
        """(kind, person) of each event in the order in which they were added: the person's place in the order of
        enrolment, 0 for somebody unknown."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/semblance.db?mode=ro", uri=True)) as database:
            return database.execute("SELECT kind, person FROM event ORDER BY id").fetchall()

    def portrait_frames(self, photo, size="960x540"):
        """One picture of a face and a smaller one without, as JPEGs: the size changes in the middle of a stream."""
        face, empty = self.films / "face.jpg", self.films / "empty.jpg"
        if not face.exists():
            pad = f"scale=-2:400,pad={size.replace('x', ':')}:200:60:gray"
            ffmpeg("-i", photo, "-vf", pad, "-frames:v", 1, face)
            ffmpeg("-f", "lavfi", "-i", "color=c=gray:s=640x360:d=1", "-frames:v", 1, empty)
        return face.read_bytes(), empty.read_bytes()

    def camera_of(self, answers, address="127.0.0.1", port=0):
        camera = Camera(answers, address, port)
        self.addCleanup(camera.close)
        return camera


class Sightings(CameraCase):
    """The films show known and unknown people, one after the other, and then nobody."""

    def film(self):
        stranger = crop(GROUPS / "sample6.jpg", (1483, 289, 217, 292), self.films / "stranger.png")
        walks = [
            Walk(photo, since, since + 6, (0.1, 0.1), (0.5, 0.2), 0.7)  # long enough for a machine that is busy
            for photo, since in ((FRIENDS / "obama.jpg", 0), (FRIENDS / "biden.jpg", 7), (stranger, 14))
        ]
        often = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
        return write_film(self.films / "visits.mp4", walks, 60, size=(960, 540), rate=15, options=often)

    def rtsp(self, film, login):
        """The port of an RTSP server of the film."""
        process = subprocess.Popen(
            [PYTHON, SOURCE / "tests/rtsp_server.py", film],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "CAMERA_LOGIN": login},
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(process.stdin.close)
        return int(process.stdout.readline())

    @unittest.skipUnless(has_gstreamer(), "GStreamer's RTSP server is not installed (script/setup --tests does it)")
    @of_a_file
    def test_everybody_in_front_of_an_rtsp_camera_is_one_event_with_the_right_name_and_the_password_stays_secret(self):
        self.enroll("o", "Barack Obama", FRIENDS / "obama2.jpg")
        self.enroll("b", "Joe Biden", FRIENDS / "biden.jpg")
        port = self.rtsp(self.film(), f"viewer:{PASSWORD}")
        log = self.folder / "log"
        with log.open("wb") as output, Server(self.data, output=output) as server:
            self.wait_ready(server)
            self.add(server, "door", f"rtsp://viewer:{ENCODED}@127.0.0.1:{port}/film")
            self.wait_for("three events", lambda: len(self.events()) >= 3)
            texts = [words for _, _, words in processes() if b"semblance" in words]
            self.assertTrue(any(b"semblance-video" in line for line in texts))
            texts += [server.request("GET", path)[2] for path in ("/v1/cameras", "/v1/cameras/door", "/metrics")]
            state = self.wait_phase(server, "door", "connected")
            self.assertEqual((state["width"], state["height"], state["codec"]), (960, 540, "h264"))
            self.assertGreater(state["analysed"], 0)
            status, headers, picture = server.request("GET", "/v1/cameras/door/snapshot")
            self.assertEqual((status, headers["Content-Type"], picture[:2]), (200, "image/jpeg", b"\xff\xd8"))
        self.assertEqual(self.events(), [(SEEN, 1), (SEEN, 2), (SEEN, 0)])
        texts += [log.read_bytes(), *(path.read_bytes() for path in self.data.glob("semblance.db*"))]
        for secret in (PASSWORD, ENCODED):
            self.assertFalse([text[:200] for text in texts if secret.encode() in text])


def decoders_of(server):
    """The process numbers of the decoders that the server's launcher has started."""
    launchers = [p for p, parent, words in processes() if parent == server.process.pid and b"launcher" in words]
    return [p for p, parent, words in processes() if parent in launchers and b"camera" in words]


def processes():
    """(number, parent, command line) of every process of this machine."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            yield int(process.name), parent, (process / "cmdline").read_bytes()


class Failures(CameraCase):
    def add_http(self, server, name, camera, path, login=""):
        return self.add(server, name, f"http://{login}127.0.0.1:{camera.port}{path}")

    @of_a_file
    def test_a_camera_that_is_unplugged_is_lost_and_back_and_each_is_one_event(self):
        face, empty = self.portrait_frames(FRIENDS / "obama.jpg")
        self.enroll("o", "Barack Obama", FRIENDS / "obama2.jpg")
        answers = {"/live": multipart_stream(lambda number: empty if number < 5 else face)}
        camera = self.camera_of(answers)
        server = self.serve()
        self.add_http(server, "yard", camera, "/live")
        self.wait_for("somebody in sight", lambda: (SEEN, 1) in self.events())
        camera.close()
        self.wait_for("the camera to be lost", lambda: (CAMERA_LOST, 0) in self.events())
        self.assertIn("camera", self.wait_phase(server, "yard", "lost")["problem"])
        self.camera_of(answers, port=camera.port)
        self.wait_for("the camera to be back", lambda: (CAMERA_BACK, 0) in self.events())
        self.wait_phase(server, "yard", "connected")
        about_camera = [kind for kind, _ in self.events() if kind != SEEN]
        self.assertEqual(about_camera, [CAMERA_LOST, CAMERA_BACK])

    @of_a_file
    def test_a_decoder_that_crashes_is_started_again_and_ends_with_its_server(self):
        _, empty = self.portrait_frames(FRIENDS / "obama.jpg")
        camera = self.camera_of({"/live": multipart_stream(lambda number: empty)})
        with Server(self.data) as server:
            self.add_http(server, "yard", camera, "/live")
            (first,) = self.wait_for("a decoder", lambda: decoders_of(server))
            self.wait_phase(server, "yard", "connected")
            os.kill(first, signal.SIGKILL)
            (second,) = self.wait_for("another decoder", lambda: set(decoders_of(server)) - {first})
            self.wait_phase(server, "yard", "connected")
            self.assertEqual(server.request("DELETE", "/v1/cameras/yard")[0], 200)
            self.wait_for("the decoder of a removed camera to end", lambda: not decoders_of(server))
            self.add_http(server, "yard", camera, "/live")
            (third,) = self.wait_for("a decoder", lambda: decoders_of(server))
            launchers = [p for p, parent, _ in processes() if parent == server.process.pid]
        for process in (*launchers, second, third):
            self.wait_for(
                "the end of all processes", lambda number=process: not pathlib.Path(f"/proc/{number}").exists()
            )

    def test_cameras_that_cannot_be_watched_say_why_without_their_password(self):
        def garbage(request):
            request.send_response(200)
            request.end_headers()
            request.wfile.write(bytes(range(256)) * 4096)

        def silence(request):
            request.send_response(200)
            request.end_headers()
            request.wfile.flush()
            while request.server.running:
                time.sleep(0.1)

        camera = self.camera_of({"/login": refuse, "/garbage": garbage, "/silence": silence})
        server = self.serve()
        login = f"viewer:{ENCODED}@"
        problems = {
            "silence": ("sent nothing", "silent"),
            "login": ("password", "login"),
            "nothing": ("no such stream", "no_stream"),
            "garbage": ("cannot be decoded", "not_video"),
        }
        for name in problems:
            self.add_http(server, name, camera, f"/{name}", login)
        self.add(server, "nobody", f"rtsp://{login}127.0.0.1:1/")
        for name, (problem, cause) in {**problems, "nobody": ("cannot be reached", "unreachable")}.items():
            with self.subTest(name=name):
                state = self.wait_phase(server, name, "lost")
                self.assertIn(problem, state["problem"])
                self.assertEqual(state["cause"], cause)
                self.assertNotIn(ENCODED, json.dumps(self.camera(server, name)))

    def test_a_playlist_and_a_redirect_cannot_lead_to_another_inward_address(self):
        own, other = self.camera_of({}), None
        other = self.camera_of({"/secret.ts": lambda request: None}, "127.0.0.2", own.port)
        inward = f"http://127.0.0.2:{own.port}/secret.ts"

        def playlist(request):
            request.send_response(200)
            request.send_header("Content-Type", "application/vnd.apple.mpegurl")
            request.end_headers()
            request.wfile.write(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{inward}\n".encode())

        def redirect(request):
            request.send_response(302)
            request.send_header("Location", inward)
            request.end_headers()

        own.server.answers.update({"/list.m3u8": playlist, "/redirect": redirect})
        server = self.serve()
        for name, path in (("list", "/list.m3u8"), ("redirect", "/redirect")):
            with self.subTest(name=name):
                self.add_http(server, name, own, path)
                self.assertIn("not its own", self.wait_phase(server, name, "lost")["problem"])
        self.assertEqual(other.server.seen, [])

    def test_other_schemes_malformed_addresses_and_missing_purposes_are_refused(self):
        server = self.serve()
        schemes = ("file:///etc/passwd", "/etc/passwd", "concat:a|b", "rtmp://127.0.0.1/x")
        malformed = ("rtsp://", "http:///x", "rtsp://a b/", "rtsp://h:99999/", "rtsp://s@o@host/", "rtsp://h:1x/", "")
        for address in schemes + malformed:
            with self.subTest(address=address):
                answer = self.add(server, "x", address, 400)
                if len(address) > len("rtsp://"):
                    self.assertNotIn(address, json.dumps(answer))
        self.add(server, "x", "rtsp://127.0.0.1:1/", 400, purpose="")
        settings = {"masks": "0,0 1,1", "watch": "0,0 1,1", "rate": 31, "smallest_face": 0, "hours": "mo 7-19"}
        for field, wrong in settings.items():
            answer = self.add(server, "x", "rtsp://127.0.0.1:1/", 400, **{field: wrong})
            self.assertIn(field, answer["error"]["message"])
        self.add(server, "x", "rtsp://127.0.0.1:1/", 404, watchlist="nowhere")
        self.add(server, "X y", "rtsp://127.0.0.1:1/", 400)
        self.add(server, "x", "rtsp://127.0.0.1:1/", 404, collection="nowhere")


class Settings(CameraCase):
    """Cameras with other settings at one stream: a face comes at the left and goes, again and again."""

    OTHER_DAY = ("mo", "tu", "we", "th", "fr", "sa", "su")[(time.localtime().tm_wday + 3) % 7]
    LEFT, RIGHT = "0,0 0.6,0 0.6,1 0,1", "0.7,0 1,0 1,1 0.7,1"

    def change(self, server, name, status=200, **fields):
        headers = {"Content-Type": "application/json"}
        got, _, text = server.request("PATCH", f"/v1/cameras/{name}", json.dumps(fields), headers)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def kinds(self, camera):
        """The kinds of the events of a camera, in the order in which they were added."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/semblance.db?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT kind FROM event WHERE camera = ? ORDER BY id", (camera,)).fetchall()
        return [kind for (kind,) in rows]

    def wait_analysed(self, server, name, pictures):
        def check():
            state = self.camera(server, name)["state"]
            return state and state["analysed"] >= pictures

        self.wait_for(f"{pictures} pictures of {name}", check)

    @of_a_file
    def test_areas_smallest_face_hours_and_watchlist_hold_and_a_change_holds_at_once(self):
        face, empty = self.portrait_frames(FRIENDS / "obama.jpg")
        self.enroll("o", "Barack Obama", FRIENDS / "obama2.jpg")
        self.json_of("collections", "add", "wanted")
        self.json_of("enroll", "--id", "w", "--name", "Wanted", FRIENDS / "obama2.jpg", "--collection", "wanted")
        stream = multipart_stream(lambda number: face if number % 20 < 10 else empty)
        address = f"http://127.0.0.1:{self.camera_of({'/live': stream}).port}/live"
        server = self.serve()
        self.wait_ready(server)
        self.add(server, "left", address, watch=self.LEFT, smallest_face=20, hours="00:00-24:00")
        self.add(server, "right", address, watch=self.RIGHT)
        self.add(server, "large", address, smallest_face=900)
        self.add(server, "alert", address, watchlist="wanted")
        self.add(server, "night", address, hours=f"{self.OTHER_DAY} 00:00-00:01")
        self.wait_for("an event and an alert", lambda: SEEN in self.kinds("left") and WATCHLIST in self.kinds("alert"))
        self.wait_phase(server, "night", "resting")
        self.wait_for("decoders of all but the camera that rests", lambda: len(decoders_of(server)) == 4)
        for name in ("right", "large"):
            self.wait_analysed(server, name, 12)
            self.assertNotIn(SEEN, self.kinds(name), name)
        self.assertNotIn(SEEN, self.kinds("alert"))
        alert = json.loads(server.request("GET", "/v1/events?camera=alert&kind=watchlist&limit=1")[2])["events"][0]
        self.assertEqual((alert["collection"], alert["person"]["id"]), ("wanted", "w"))
        changed = self.change(server, "right", watch="", smallest_face=30, rate=4)
        self.assertEqual([changed[field] for field in ("watch", "smallest_face", "rate")], [None, 30, 4])
        self.change(server, "large", smallest_face=1)
        self.change(server, "night", hours="")
        self.change(server, "left", hours=f"{self.OTHER_DAY} 00:00-00:01")
        for name in ("right", "large", "night"):
            self.wait_for(f"an event of {name}", lambda name=name: SEEN in self.kinds(name))
        self.wait_phase(server, "left", "resting")
        self.assertEqual(server.request("GET", "/v1/cameras/left/snapshot")[0], 503)

    def test_a_change_keeps_what_it_does_not_name_and_refuses_what_is_wrong(self):
        server = self.serve()
        self.add(server, "door", f"rtsp://viewer:{ENCODED}@127.0.0.1:1/", masks=self.RIGHT, hours="mo-fr 07:00-19:00")
        before = self.camera(server, "door")
        after = self.change(server, "door", purpose="another test", transport="udp")
        self.assertEqual(after, {**before, "purpose": "another test", "transport": "udp", "state": after["state"]})
        for wrong in ({"watch": "0,0"}, {"hours": "always"}, {"smallest_face": 0}, {"purpose": ""}, {"rate": 0}):
            self.change(server, "door", 400, **wrong)
        self.assertNotIn(ENCODED, json.dumps(self.change(server, "door", 400, address=f"ftp://viewer:{ENCODED}@h/")))
        self.change(server, "door", 404, watchlist="nowhere")
        self.change(server, "nobody", 404, rate=3)
        self.assertEqual({**self.camera(server, "door"), "state": None}, {**after, "state": None})


class Things(CameraCase):
    def test_cameras_outlive_a_restart_and_too_many_are_refused_with_the_limit(self):
        with Server(self.data) as server:
            most = json.loads(server.request("GET", "/v1/cameras")[2])["most"]
            for number in range(most):
                self.add(server, f"c{number}", "rtsp://127.0.0.1:1/")
            self.assertIn(str(most), self.add(server, "more", "rtsp://127.0.0.1:1/", 413)["error"]["message"])
            self.add(server, "c0", "rtsp://127.0.0.1:1/", 409)
        with Server(self.data) as server:
            self.wait_phase(server, f"c{most - 1}", "lost")
            self.assertEqual(server.request("DELETE", "/v1/cameras/c0")[0], 200)
            self.assertEqual(server.request("DELETE", "/v1/cameras/c0")[0], 404)
            self.assertEqual(len(json.loads(server.request("GET", "/v1/cameras")[2])["cameras"]), most - 1)

    def test_a_key_for_one_collection_sees_and_removes_only_its_own_cameras(self):
        self.json_of("collections", "add", "other")
        for name, collection in (("mine", "default"), ("foreign", "other")):
            more = ("--purpose", "a test", "--collection", collection)
            self.json_of("cameras", "add", name, "rtsp://127.0.0.1:1/", *more)
        key = self.json_of("access", "add", "--role", "admin", "--collection", "default")["key"]
        headers = {"X-API-Key": key}
        server = self.serve()
        listed = json.loads(server.request("GET", "/v1/cameras", headers=headers)[2])["cameras"]
        self.assertEqual([camera["name"] for camera in listed], ["mine"])
        for method, path in (("GET", ""), ("GET", "/snapshot"), ("PATCH", ""), ("DELETE", "")):
            self.assertEqual(server.request(method, f"/v1/cameras/foreign{path}", headers=headers)[0], 404)
        self.assertEqual(server.request("DELETE", "/v1/cameras/mine", headers=headers)[0], 200)
        self.assertEqual([camera["name"] for camera in self.json_of("cameras")["cameras"]], ["foreign"])

    def change(self, server, name, status=200, **fields):
        headers = {"Content-Type": "application/json"}
        got, _, text = server.request("PATCH", f"/v1/cameras/{name}", json.dumps(fields), headers)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def tried(self, server, status=200, **fields):
        headers = {"Content-Type": "application/json"}
        got, _, text = server.request("POST", "/v1/camera-test", json.dumps(fields), headers)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def test_a_camera_is_tried_and_changed_as_a_whole_and_a_preview_is_one_entry_of_the_audit(self):
        face, _ = self.portrait_frames(FRIENDS / "obama.jpg")
        camera = self.camera_of({"/face": multipart_stream(lambda number: face), "/login": refuse})
        server, base = self.serve(), f"http://viewer:{ENCODED}@127.0.0.1:{camera.port}"
        told = self.tried(server, address=f"{base}/face")
        self.assertEqual((told["problem"], told["cause"], told["width"], told["codec"]), (None, None, 960, "mjpeg"))
        self.assertEqual(base64.b64decode(told["picture"])[:2], b"\xff\xd8")
        self.assertEqual(self.tried(server, address=f"{base}/login")["cause"], "login")
        self.tried(server, 400, address="file:///etc/passwd")
        self.tried(server, 400)
        self.tried(server, 404, camera="hall")

        self.add(server, "hall", f"{base}/login")
        self.wait_phase(server, "hall", "lost")
        self.assertEqual(self.tried(server, camera="hall")["cause"], "login")
        self.assertIsNone(self.tried(server, camera="hall", address=f"{base}/face")["cause"])
        for wrong in ({"rate": 31}, {"masks": "0,0 1,1"}, {"purpose": ""}, {"transport": "x"}, {"address": "x://y/"}):
            self.change(server, "hall", 400, **{"purpose": "changed", "rate": 2, **wrong})
        self.change(server, "yard", 404, rate=3)
        same = self.camera(server, "hall")
        self.assertEqual((same["purpose"], same["rate"]), ("a test", 5))
        changed = self.change(server, "hall", purpose="who comes", rate=7, masks="0,0 1,0 1,1")
        self.assertEqual((changed["purpose"], changed["rate"], changed["masks"]), ("who comes", 7, "0,0 1,0 1,1"))
        self.assertNotIn(ENCODED, json.dumps(self.change(server, "hall", address=f"{base}/face")))
        self.wait_phase(server, "hall", "connected")
        self.assertIsNone(self.change(server, "hall", masks="")["masks"])
        self.wait_phase(server, "hall", "connected")
        now = self.camera(server, "hall")
        self.assertEqual((now["purpose"], now["rate"], now["added"]), ("who comes", 7, same["added"]))
        for _ in range(5):
            self.wait_for("a picture", lambda: server.request("GET", "/v1/cameras/hall/snapshot")[0] == 200)
        verbs = [e["verb"] for e in json.loads(server.request("GET", "/v1/audit?limit=100")[2])["entries"]]
        self.assertEqual([verbs.count(f"camera-{verb}") for verb in ("change", "test")], [3, 4])
        self.assertIn(verbs.count("camera-snapshot"), range(1, 5))  # one a minute

    def test_the_program_adds_tries_and_removes_cameras(self):
        face, _ = self.portrait_frames(FRIENDS / "obama.jpg")
        pictures = multipart_stream(lambda number: face)

        def answer(request):
            (pictures if request.headers.get("Authorization") else refuse)(request)

        camera = self.camera_of({"/live": answer})
        address = f"http://viewer:{ENCODED}@127.0.0.1:{camera.port}/live"
        refused = self.run_program("cameras", "add", "hall", address, "--purpose", "a test")
        self.assertEqual(refused.returncode, 2)
        self.assertNotIn(ENCODED.encode(), refused.stderr)
        added = self.run_program("cameras", "add", "hall", "-", "--purpose", "a test", stdin=address.encode())
        self.assertEqual(added.returncode, 0, added.stderr)
        shown = self.json_of("cameras", "show", "hall")
        self.assertEqual((shown["address"], shown["rate"]), (f"http://127.0.0.1:{camera.port}", 5))
        self.assertEqual([c["name"] for c in self.json_of("cameras", "list")["cameras"]], ["hall"])
        found = self.json_of("cameras", "test", "hall")
        self.assertEqual((found["width"], found["height"], found["codec"]), (960, 540, "mjpeg"))
        self.json_of("cameras", "snapshot", "hall", self.folder / "hall.jpg")
        self.assertEqual((self.folder / "hall.jpg").read_bytes()[:2], b"\xff\xd8")
        self.json_of("cameras", "edit", "hall", "--hours", "mo-fr 07:00-19:00", "--watch", "0,0 1,0 1,1")
        self.json_of("cameras", "edit", "hall", "--smallest-face", "40")
        edited = self.json_of("cameras", "show", "hall")
        self.assertEqual(edited, {**shown, "hours": "mo-fr 07:00-19:00", "watch": "0,0 1,0 1,1", "smallest_face": 40})
        self.assertEqual(self.json_of("cameras", "test", "hall")["width"], 960)  # the password is there still
        self.json_of("cameras", "remove", "hall")
        self.assertEqual(self.json_of("cameras")["cameras"], [])
        for words, said in (
            ("cameras", b"no cameras"),
            ("receivers list", b"no receivers"),
            ("access list", b"no keys"),
        ):
            empty = self.run_program(*words.split())
            self.assertEqual((empty.stdout, empty.stderr.partition(b";")[0]), (b"", said))
        self.assertEqual(self.run_program("list").stderr, b"nobody is registered\n")


if __name__ == "__main__":
    unittest.main()
