"""search of films: who is when in it, what is read, what is refused in words."""

import contextlib
import csv
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from film import Walk, crop, ffmpeg, needs_ffmpeg, write_film
from program import FRIENDS, GROUPS, LFW, PROGRAM, SOURCE, ProgramCase

ONE_WALK = {"since": 0, "until": 4, "start": (0.1, 0.1), "end": (0.5, 0.2), "height": 0.7}


def has_decoder():
    return os.access(pathlib.Path(PROGRAM).resolve().parent.parent / "video/semblance-video", os.X_OK)


def is_running(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@needs_ffmpeg
class FilmCase(ProgramCase):
    @classmethod
    def setUpClass(cls):
        if not has_decoder():
            raise cls.skipTest(cls, "this build has no decoder of films")
        folder = tempfile.TemporaryDirectory(prefix="semblance-films-")
        cls.addClassCleanup(folder.cleanup)
        cls.films = pathlib.Path(folder.name)

    def enroll_obama(self):
        self.enroll("o", "Barack Obama", FRIENDS / "obama.jpg")

    def who(self, result):
        """(id or verdict, first and last second) of each track."""
        return [
            (
                track["candidates"][0]["id"] if track["verdict"] == "match" else track["verdict"],
                track["from_ms"] / 1000,
                track["to_ms"] / 1000,
            )
            for track in result["tracks"]
        ]

    def assert_tracks(self, found, wanted, slack=0.5):
        """One track for each walk, with the right name, and the times to within the distance of two pictures."""
        self.assertEqual([who for who, _, _ in found], [who for who, _, _ in wanted], found)
        for (who, since, until), (_, begins, ends) in zip(found, wanted):
            with self.subTest(who=who, since=begins):
                self.assertAlmostEqual(since, begins, delta=slack)
                self.assertAlmostEqual(until, ends, delta=slack)


class Tracks(FilmCase):
    def test_four_known_and_two_unknown_people_are_one_track_each_with_the_right_names(self):
        faces = {
            "a": (GROUPS / "sample1.jpg", (1437, 224, 255, 242)),
            "a2": (GROUPS / "sample3.jpg", (1073, 206, 233, 310)),
            "c": (GROUPS / "sample1.jpg", (835, 456, 194, 212)),
            "x": (GROUPS / "sample1.jpg", (408, 386, 190, 228)),
            "y": (GROUPS / "sample6.jpg", (1483, 289, 217, 292)),
        }
        cut = {name: crop(photo, box, self.folder / f"{name}.png") for name, (photo, box) in faces.items()}
        self.enroll_obama()
        self.enroll("b", "Joe Biden", FRIENDS / "biden.jpg")
        self.enroll("a", "A", cut["a"], flags=("--largest",))
        self.enroll("c", "C", cut["c"], flags=("--largest",))
        film = write_film(
            self.folder / "six.mp4",
            [
                # Obama comes, another photo of him goes on; Biden crosses his way.
                Walk(FRIENDS / "obama2.jpg", 0, 3, (0.0, 0.05), (0.3, 0.05), 0.6),
                Walk(FRIENDS / "obama3.jpg", 3, 6, (0.3, 0.05), (0.7, 0.05), 0.6),
                Walk(FRIENDS / "biden.jpg", 1, 6, (0.75, 0.2), (0.05, 0.2), 0.75),
                # Cuts from one face to another at the same place.
                Walk(cut["x"], 7, 10, (0.4, 0.2), (0.4, 0.2), 0.6),
                Walk(cut["a2"], 10, 13, (0.4, 0.2), (0.4, 0.2), 0.6),
                # Somebody leaves and comes back elsewhere while somebody else stays.
                Walk(cut["y"], 13, 19, (0.05, 0.2), (0.1, 0.25), 0.6),
                Walk(cut["c"], 13, 15, (0.4, 0.2), (0.45, 0.2), 0.6),
                Walk(cut["c"], 17, 19, (0.6, 0.3), (0.65, 0.2), 0.6),
            ],
            20,
        )
        found = self.who(self.json_of("search", film))
        self.assert_tracks(
            sorted(found, key=lambda track: (round(track[1]), track[0])),
            [("o", 0, 6), ("b", 1, 6), ("none", 7, 10), ("a", 10, 13), ("c", 13, 19), ("none", 13, 19)],
        )

    def test_people_of_other_photos_are_one_track_each_with_the_right_names(self):
        if not LFW.is_dir():
            self.skipTest("the photos of LFW are not here")
        known, unknown = ["Colin_Powell", "Donald_Rumsfeld", "Tony_Blair", "Vladimir_Putin"], ["Hugo_Chavez"]

        def photo(name, number):
            return LFW / name / f"{name}_{number:04}.jpg"

        for name in known:
            self.enroll(name, name, photo(name, 1), photo(name, 2), flags=("--largest",))
        walks, wanted = [], []
        for place, name in enumerate([*known, *unknown]):
            since, left = 3 * place, place % 2
            for part in range(3):  # three photos, one after the other
                begin, end = 0.1 + 0.1 * part, 0.2 + 0.1 * part
                walks.append(
                    Walk(
                        photo(name, 4 + part),
                        since + 1.5 * part,
                        since + 1.5 * part + 1.5,
                        (0.9 - begin - 0.3 if left else begin - 0.1, 0.4 * left),
                        (0.9 - end - 0.3 if left else end - 0.1, 0.4 * left),
                    )
                )
            wanted.append((name if name in known else "none", since, since + 4.5))
        film = write_film(self.folder / "lfw.mkv", walks, 18)
        self.assert_tracks(self.who(self.json_of("search", film)), wanted)

    def test_the_audit_has_one_entry_for_each_track(self):
        self.enroll_obama()
        film = write_film(self.folder / "f.mp4", [Walk(FRIENDS / "obama2.jpg", **ONE_WALK)], 4)
        self.assertEqual(len(self.json_of("search", film)["tracks"]), 1)
        entries = self.run_program("audit", "show", "--json").stdout.decode()
        self.assertEqual(entries.count('"verb":"search"'), 1)


class Output(FilmCase):
    """One film, made once: Obama from 1 to 3 seconds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        walk = Walk(FRIENDS / "obama2.jpg", 1, 3, (0.1, 0.1), (0.5, 0.2), 0.7)
        options = ("-c:v", "libx264", "-preset", "ultrafast", "-g", 25, "-sc_threshold", 0)  # a keyframe each second
        cls.film = write_film(cls.films / "f<b>.mp4", [walk], 4, options=options)

    def setUp(self):
        super().setUp()
        self.made_once(self.enroll_obama)

    def test_json_has_tracks_people_and_what_the_film_is(self):
        found = self.json_of("search", self.film)
        self.assertEqual(found["film"]["codec"], "h264")
        self.assertEqual((found["film"]["width"], found["film"]["height"]), (1280, 720))
        self.assertAlmostEqual(found["film"]["duration_ms"], 4000, delta=100)
        self.assertFalse(found["film"]["truncated"])
        self.assertEqual(found["pictures_searched"], 12)
        [person] = found["people"]
        [track] = found["tracks"]
        self.assertEqual((person["id"], person["name"]), ("o", "Barack Obama"))
        self.assertEqual(person["intervals"], [{"from_ms": track["from_ms"], "to_ms": track["to_ms"]}])
        self.assertTrue(track["from_ms"] <= track["best_shot_ms"] <= track["to_ms"])
        self.assertGreater(track["candidates"][0]["score"], found["threshold"])
        self.assertLess(track["box"]["x"] + track["box"]["w"], 1280)

    def test_csv_has_a_row_for_each_track(self):
        done = self.run_program("search", self.film, "--csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        [row] = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
        self.assertEqual((row["id"], row["name"], row["verdict"]), ("o", "Barack Obama", "match"))
        self.assertTrue(0.9 <= float(row["from_seconds"]) <= float(row["best_shot_seconds"]) <= 3)
        self.assertGreater(float(row["score"]), 0.4)

    def test_html_is_one_page_with_a_picture_of_each_track_and_escaped_text(self):
        done = self.run_program("search", self.film, "--html")
        page = done.stdout.decode()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Barack Obama", page)
        self.assertIn("src='data:image/jpeg;base64,/9j/", page)
        self.assertIn("f&lt;b&gt;.mp4", page)
        self.assertNotIn("<b>", page)
        self.assertNotRegex(page, r"(src|href)='?(http|//|file)")

    def test_text_says_when_and_how_sure(self):
        done = self.run_program("search", self.film)
        self.assertRegex(done.stdout.decode(), r"0:00:01\.\d to 0:00:0[23]\.\d: Barack Obama \(best shot at 0:00:0")
        self.assertIn("12 pictures of a film of 0:00:03.9 (1280x720, h264)", done.stdout.decode())

    def test_the_rate_and_keyframes_decide_how_many_pictures_are_searched(self):
        self.assertEqual(self.json_of("search", self.film, "--rate", "1")["pictures_searched"], 4)
        keyframes = self.json_of("search", self.film, "--keyframes")
        self.assertEqual(keyframes["pictures_searched"], 4)
        self.assertTrue(keyframes["film"]["keyframes_only"])

    def test_flags_of_photos_and_of_films_are_told_apart(self):
        self.refused("search", self.film, "--largest", code=2, word="--largest is for photos")
        self.refused("search", FRIENDS / "obama.jpg", "--csv", code=2, word="--csv is for one film")
        self.refused("search", self.film, "--csv", "--html", code=2, word="only one")
        self.refused("search", self.film, "--rate", "31", code=2, word="--rate is between 1 and 30")

    def test_nobody_known_ends_with_1(self):
        empty = write_film(self.folder / "grey.mp4", [], 1, size=(320, 240))
        self.assertEqual(self.json_of("search", empty, code=1)["tracks"], [])

    def run_with_decoder(self, script):
        """Searches the film by a copy of the program whose decoder is `script`; None: it has none."""
        program = self.folder / "bin/semblance"
        program.parent.mkdir(exist_ok=True)
        shutil.copy(pathlib.Path(PROGRAM).resolve(), program)
        if script is not None:
            decoder = self.folder / "libexec/semblance/semblance-video"
            decoder.parent.mkdir(parents=True, exist_ok=True)
            decoder.write_text("#!/usr/bin/python3\nimport os, socket, struct, sys, time\n" + script)
            decoder.chmod(0o755)
        command = [
            program,
            "search",
            self.film,
            "--data",
            self.data,
            "--models",
            f"{SOURCE}/models:{SOURCE}/deps/models",
        ]
        libraries = {"LD_LIBRARY_PATH": str(SOURCE / "deps/openvino/lib")}  # which it finds from the build folder else
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **libraries}, timeout=120)
        return done.returncode, done.stderr.decode()

    def test_without_the_decoder_a_film_is_refused_with_what_to_install(self):
        code, message = self.run_with_decoder(None)
        self.assertEqual(code, 3, message)
        self.assertIn("it looks like a video", message)
        self.assertIn("semblance-video", message)

    def test_a_decoder_in_the_hands_of_an_attacker_gets_no_secret_and_breaks_nothing(self):
        greet = """
film = socket.socket(fileno=3)
def say(kind, detail=0, w=0, h=0, sw=0, sh=0, time=0, decoded=0, codec=b""):
    film.send(struct.pack("<6IqQQ32s", kind, detail, w, h, sw, sh, time, decoded, 0, codec))
say(1, w=640, h=480, time=4000, decoded=25000, codec=b"h264")
"""
        attacks = {
            "ends at once": "sys.exit(0)",
            "ends after its greeting": greet,
            "sends garbage": "socket.socket(fileno=3).send(os.urandom(200))",
            "names a slot that is not there": greet + "say(2, 1000, 640, 480, 640, 480, 0, 1)\nfilm.recv(1)",
            "names a picture beyond its slot": greet + "say(2, 0, 8192, 8192, 8192, 8192, 0, 1)\nfilm.recv(1)",
            "kills itself": greet + "os.kill(os.getpid(), 11)",
            "takes the memory away": greet + "os.ftruncate(4, 0)\nsay(2, 0, 640, 480, 640, 480, 0, 1)\nfilm.recv(1)",
            "does not end": greet + "open(os.path.dirname(sys.argv[0]) + '/pid', 'w').write(str(os.getpid()))\n"
            "say(9)\ntime.sleep(600)",
            "finds a variable or another file": greet
            + "found = len(os.environ) > 1 or len(os.listdir('/proc/self/fd')) > 8\nsay(5, 1 if found else 4, 7, 7)",
        }
        self.setting("SEMBLANCE_WEBHOOK_SECRET_OF_TEST", "x")
        for attack, script in attacks.items():
            with self.subTest(attack=attack):
                code, message = self.run_with_decoder(script)
                self.assertEqual(code, 3, message)
                self.assertRegex(message, "decoder|7x7 pixels")
        with contextlib.suppress(ProcessLookupError):  # a program without a sandbox has ended it
            os.kill(int((self.folder / "libexec/semblance/pid").read_text()), signal.SIGKILL)

    def test_a_film_that_lies_on_its_side_is_searched_upright(self):
        lying, turned = self.folder / "lying.mp4", self.folder / "turned.mp4"
        ffmpeg("-i", self.film, "-vf", "transpose=1", "-t", 3, lying)
        ffmpeg("-i", lying, "-c", "copy", "-metadata:s:v:0", "rotate=90", turned)
        if b"rotation" not in subprocess.run(["ffprobe", "-show_streams", turned], capture_output=True).stdout:
            ffmpeg("-display_rotation:v:0", "90", "-i", lying, "-c", "copy", turned)  # since FFmpeg 6
        found = self.json_of("search", turned)
        self.assertEqual((found["film"]["width"], found["film"]["height"]), (1280, 720))
        self.assertEqual([person["id"] for person in found["people"]], ["o"])
        [track] = found["tracks"]
        self.assertGreater(track["box"]["h"], track["box"]["w"])

    def test_boxes_of_a_film_with_narrow_pixels_are_those_that_a_person_sees(self):
        narrow = self.folder / "narrow.mp4"
        ffmpeg("-i", self.film, "-vf", "scale=640:720,setsar=2/1", narrow)
        [expected], found = self.json_of("search", self.film)["tracks"], self.json_of("search", narrow)
        self.assertEqual((found["film"]["width"], found["film"]["height"]), (1280, 720))
        self.assertAlmostEqual(found["tracks"][0]["box"]["w"], expected["box"]["w"], delta=20)


class Containers(FilmCase):
    def test_films_of_many_containers_and_codecs_are_read(self):
        self.enroll_obama()
        film = write_film(self.films / "f.mp4", [Walk(FRIENDS / "obama2.jpg", **ONE_WALK)], 1)
        for name, codec in {
            "f.mkv": "libx264",
            "f.ts": "libx264",
            "f.avi": "mjpeg",
            "f.webm": "libvpx",
            "f.mpg": "mpeg2video",
            "f.mov": "mpeg4",
        }.items():
            with self.subTest(name=name):
                ffmpeg("-i", film, "-c:v", codec, "-q:v", 2, "-b:v", "4M", self.films / name)
                found = self.json_of("search", self.films / name)
                self.assertEqual([person["id"] for person in found["people"]], ["o"])
                self.assertEqual(found["pictures_searched"], 3)


class Refusals(FilmCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.film = write_film(cls.films / "f.mp4", [Walk(FRIENDS / "obama2.jpg", **ONE_WALK)], 4)

    def refuse(self, path, word, code=3):
        return self.refused("search", path, code=code, word=word)

    def test_what_has_no_pictures_is_refused(self):
        for name in ("a.mp3", "a.mp4", "a.wav"):
            with self.subTest(name=name):
                ffmpeg("-f", "lavfi", "-i", "sine=d=1", self.folder / name)
                self.refuse(self.folder / name, "sound, but no pictures")

    def test_a_film_without_a_single_picture_is_refused(self):
        ffmpeg("-f", "lavfi", "-i", "color=s=320x240:d=1", "-frames:v", "0", self.folder / "zero.mp4")
        ffmpeg(
            "-f", "lavfi", "-i", "color=s=320x240:d=1", "-frames:v", "0", "-c:v", "libvpx", self.folder / "zero.webm"
        )
        for name in ("zero.mp4", "zero.webm"):
            with self.subTest(name=name):
                self.assertRegex(self.refuse(self.folder / name, "film"), "no picture|cannot be read")

    def test_a_huge_film_is_refused_with_its_size_and_the_limit(self):
        ffmpeg("-f", "lavfi", "-i", "color=s=7680x4320:d=0.1", "-preset", "ultrafast", self.folder / "huge.mp4")
        self.assertIn("4096x2304", self.refuse(self.folder / "huge.mp4", "7680x4320"))

    def test_a_film_that_was_cut_off_is_refused_or_searched_up_to_there_with_a_warning(self):
        self.enroll_obama()
        (self.folder / "cut.mp4").write_bytes(self.film.read_bytes()[:-3000])  # the index is at the end
        self.refuse(self.folder / "cut.mp4", "damaged or incomplete")
        ffmpeg("-stream_loop", 4, "-i", self.film, "-c", "copy", self.folder / "long.mkv")
        whole = (self.folder / "long.mkv").read_bytes()
        (self.folder / "cut.mkv").write_bytes(whole[: len(whole) // 3])
        found = self.json_of("search", self.folder / "cut.mkv")
        self.assertTrue(found["film"]["truncated"])
        self.assertEqual([person["id"] for person in found["people"]], ["o"])
        self.assertIn("incomplete", self.run_program("search", self.folder / "cut.mkv").stdout.decode())

    def test_damage_in_the_middle_is_counted(self):
        ffmpeg("-i", self.film, "-c:v", "mpeg2video", self.folder / "f.mpg")
        broken = bytearray((self.folder / "f.mpg").read_bytes())
        for at in range(len(broken) // 2, len(broken) * 3 // 4, 50):
            broken[at] ^= 0x55
        (self.folder / "f.mpg").write_bytes(broken)
        done = self.run_program("search", self.folder / "f.mpg", "--json")
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        if done.returncode != 3:
            self.assertGreater(int(re.search(rb'"damaged":(\d+)', done.stdout)[1]), 0)

    def test_a_playlist_is_refused_and_what_it_names_is_not_opened(self):
        named = self.folder / "secret.ts"
        ffmpeg("-i", self.film, "-c", "copy", named)
        (self.folder / "l.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{named}\n#EXT-X-ENDLIST\n"
        )
        (self.folder / "l.txt").write_text(f"ffconcat version 1.0\nfile {named}\n")
        for name in ("l.m3u8", "l.txt"):
            self.refuse(self.folder / name, "playlist")

    def test_other_files_are_refused_by_what_they_are_as_before(self):
        for content, word in {b"%PDF-1.7 x": "PDF", b"hello, world " * 50: "text", b"": "empty"}.items():
            (self.folder / "f").write_bytes(content)
            self.refuse(self.folder / "f", word)
        (self.folder / "f").write_bytes(os.urandom(60000))
        self.assertEqual(self.run_program("search", self.folder / "f").returncode, 3)

    def test_a_decoder_does_not_outlive_a_search_that_is_killed(self):
        long = self.folder / "long.mp4"
        ffmpeg("-stream_loop", 200, "-i", self.film, "-c", "copy", long)
        search = subprocess.Popen(
            [PROGRAM, "search", long, "--data", self.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        children = pathlib.Path(f"/proc/{search.pid}/task/{search.pid}/children")
        decoder = None
        while search.poll() is None and not decoder:
            decoder = next(iter(children.read_text().split()), None)
            time.sleep(0.01)
        search.kill()
        search.wait()
        self.assertTrue(decoder)
        while is_running(decoder):  # the time limit of the test ends this
            time.sleep(0.05)
