"""detect, represent, analyze, search and verify, with real photos."""

import math
import os
import threading

from collage import on_grey, read_jpeg, shrink
from program import FRIENDS, GROUPS, ProgramCase


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b))


class Detect(ProgramCase):
    def test_gives_box_score_landmarks_and_quality_of_the_face(self):
        found = self.json_of("detect", FRIENDS / "obama.jpg")
        self.assertEqual(len(found["faces"]), 1)
        face = found["faces"][0]
        self.assertEqual(set(face["box"]), {"x", "y", "w", "h"})
        self.assertEqual(len(face["landmarks"]), 5)
        self.assertGreater(face["score"], 0.9)
        self.assertTrue(0 <= face["quality"] <= 1)
        for x, y in face["landmarks"]:
            self.assertTrue(face["box"]["x"] <= x <= face["box"]["x"] + face["box"]["w"])
            self.assertTrue(face["box"]["y"] <= y <= face["box"]["y"] + face["box"]["h"])
        right_eye, left_eye, nose, *_ = face["landmarks"]
        self.assertLess(right_eye[0], left_eye[0])
        self.assertGreater(nose[1], right_eye[1])

    def test_finds_every_face_of_the_group_photos_and_no_other(self):
        counts = [len(self.json_of("detect", GROUPS / f"sample{i}.jpg")["faces"]) for i in range(1, 7)]
        self.assertEqual(counts, [3, 3, 3, 4, 5, 4])

    def test_largest_gives_one_face(self):
        self.assertEqual(len(self.json_of("detect", "--largest", GROUPS / "sample5.jpg")["faces"]), 1)

    def test_a_model_is_compiled_once_and_then_comes_from_the_cache(self):
        def compiled():
            self.json_of("detect", FRIENDS / "obama.jpg", environment={"XDG_CACHE_HOME": str(self.folder)})
            return {path.name: path.stat().st_mtime_ns for path in (self.folder / "semblance").rglob("*.blob")}

        first = compiled()
        self.assertTrue(first)
        self.assertEqual(compiled(), first)

    def test_reads_a_photo_from_standard_input(self):
        photo = (FRIENDS / "biden.jpg").read_bytes()
        self.assertEqual(len(self.json_of("detect", "-", stdin=photo)["faces"]), 1)

    def test_reads_a_photo_from_a_pipe_with_a_name(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=((FRIENDS / "biden.jpg").read_bytes(),))
        writer.start()
        self.assertEqual(len(self.json_of("detect", pipe)["faces"]), 1)
        writer.join()

    def test_several_photos_get_an_answer_each_with_one_start(self):
        photos = (FRIENDS / "obama.jpg", self.folder / "missing.jpg", GROUPS / "sample1.jpg")
        answers = self.json_of("detect", *photos, code=3)["photos"]
        self.assertEqual([a["path"] for a in answers], [str(p) for p in photos])
        self.assertEqual([len(a.get("faces", [])) for a in answers], [1, 0, 3])
        self.assertIn("there is no file", answers[1]["message"])
        words = self.run_program("detect", *photos[::2])
        self.assertEqual((words.returncode, words.stdout.count(b"==> ")), (0, 2))

    def test_words_for_a_person_without_json(self):
        done = self.run_program("detect", FRIENDS / "obama.jpg")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"face 1 at", done.stdout)


def cropped(picture, left, top, width, height):
    rows = picture[2][top : top + height]
    return width, height, [row[left * 3 : (left + width) * 3] for row in rows]


def dimmed(picture, shares):
    """The picture with each channel multiplied by its share."""
    tables = [bytes(int(value * share) for value in range(256)) for share in shares]
    rows = []
    for row in picture[2]:
        new = bytearray(row)
        for channel, table in enumerate(tables):
            new[channel::3] = row[channel::3].translate(table)
        rows.append(bytes(new))
    return picture[0], picture[1], rows


def alone(picture):
    """PNG bytes of the picture."""
    return on_grey(picture[0], picture[1], [(picture, 0, 0)])


class Phantoms(ProgramCase):
    """Boxes of the detector that show no face, or a part of a face that has a better box."""

    def faces_of(self, photo, *arguments):
        return self.json_of("detect", *arguments, "-", stdin=photo)["faces"]

    def test_a_close_portrait_has_one_face(self):
        portrait = read_jpeg(FRIENDS / "biden.jpg")
        for width, height in ((360, 582), (360, 580)):
            self.assertEqual(len(self.faces_of(alone(cropped(portrait, 384, 95, width, height)))), 1)

    def test_a_portrait_in_the_light_of_a_street_lamp_has_one_face(self):
        obama = read_jpeg(FRIENDS / "obama.jpg")
        self.assertEqual(len(self.faces_of(alone(dimmed(obama, (1, 0.55, 0.3))))), 1)

    def test_small_faces_finds_a_face_of_a_panorama_upright_and_once(self):
        panorama = on_grey(6000, 1200, [(shrink(read_jpeg(FRIENDS / "obama.jpg"), 500), 3000, 600)])
        faces = self.faces_of(panorama, "--small-faces")
        self.assertEqual(len(faces), 1)
        self.assertGreater(faces[0]["quality"], 0.5)
        self.assertLess(faces[0]["landmarks"][0][1], faces[0]["landmarks"][3][1])  # an eye above the mouth

    def test_small_faces_finds_the_same_face_of_a_long_screenshot_once(self):
        screenshot = on_grey(1080, 6000, [(shrink(read_jpeg(FRIENDS / "obama.jpg"), 750), 200, 4500)])
        plain, small = self.faces_of(screenshot), self.faces_of(screenshot, "--small-faces")
        self.assertEqual((len(plain), len(small)), (1, 1))
        self.assertLess(abs(plain[0]["box"]["y"] - small[0]["box"]["y"]), 10)


class Represent(ProgramCase):
    def test_embeddings_are_of_unit_length_and_alike_for_the_same_person(self):
        answers = {n: self.json_of("represent", FRIENDS / f"{n}.jpg") for n in ("obama", "obama3", "biden")}
        vectors = {n: a["faces"][0]["embedding"] for n, a in answers.items()}
        for name, answer in answers.items():
            self.assertEqual(answer["dim"], len(vectors[name]))
            self.assertTrue(answer["model"])
            self.assertAlmostEqual(math.sqrt(cosine(vectors[name], vectors[name])), 1, places=3)
        self.assertAlmostEqual(cosine(vectors["obama"], vectors["obama3"]), 0.844, delta=0.03)
        self.assertAlmostEqual(cosine(vectors["obama"], vectors["biden"]), -0.013, delta=0.05)


class Quality(ProgramCase):
    def test_a_portrait_is_told_by_components_and_requirements(self):
        (report,) = self.json_of("quality", FRIENDS / "obama.jpg")["photos"]
        self.assertEqual((report["faces"], report["enrollable"], report["icao"]["verdict"]), (1, True, "yes"))
        met = {r["requirement"]: r["met"] for r in report["icao"]["requirements"]}
        self.assertEqual(set(met.values()), {"yes"})
        values = report["components"]
        self.assertTrue(all(value is None or 0 <= value <= 100 for value in values.values()), values)
        self.assertEqual(values["unified_quality_score"], round(100 * report["face"]["quality"]))
        self.assertIsNone(values["background_uniformity"])

    def test_several_photos_are_told_one_by_one_with_what_to_change(self):
        plain = read_jpeg(FRIENDS / "obama.jpg")
        shade = bytes(v // 8 for v in range(256))
        half = [row[:1500].translate(shade) + row[1500:] for row in plain[2]]
        nobody, uneven = self.folder / "nobody.png", self.folder / "uneven.png"
        nobody.write_bytes(on_grey(300, 300, []))
        uneven.write_bytes(alone((plain[0], plain[1], half)))
        photos = (FRIENDS / "obama.jpg", GROUPS / "sample5.jpg", nobody, uneven)
        reports = self.json_of("quality", *photos, code=1)["photos"]
        self.assertEqual([r["photo"] for r in reports], [str(p) for p in photos])
        self.assertEqual((reports[1]["faces"], reports[2]["faces"]), (5, 0))
        wrong = [
            {r["requirement"] for r in report["icao"]["requirements"] if r["met"] == "no"} for report in reports[1::2]
        ]
        self.assertLessEqual({"one_face", "size"}, wrong[0])
        self.assertIn("even_light", wrong[1])
        words = self.run_program("quality", *photos).stdout.decode()
        self.assertIn("one_face: no; nobody else may be in the picture", words)
        self.assertIn("nobody.png: no face was found", words)

    def test_a_photo_that_cannot_be_read_is_named(self):
        self.refused("quality", FRIENDS / "obama.jpg", self.folder / "none.jpg", code=3, word="none.jpg")


class Analyze(ProgramCase):
    def test_gives_age_gender_and_ethnicity(self):
        face = self.json_of("analyze", FRIENDS / "obama.jpg")["faces"][0]
        self.assertEqual(face["gender"]["dominant"], "man")
        self.assertGreater(face["gender"]["man"], face["gender"]["woman"])
        self.assertTrue(35 <= face["age"] <= 65, face["age"])
        self.assertIn(face["ethnicity"]["dominant"], face["ethnicity"])
        self.assertTrue(face["ethnicity"]["experimental"])


class Verify(ProgramCase):
    def test_the_same_person_is_a_match_and_exits_with_0(self):
        answer = self.json_of("verify", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        self.assertTrue(answer["match"])
        self.assertGreater(answer["similarity"], answer["threshold"])
        self.assertLess(answer["false_match_rate"], 1e-3)

    def test_different_people_are_no_match_and_exit_with_1(self):
        answer = self.json_of("verify", FRIENDS / "obama.jpg", FRIENDS / "biden.jpg", code=1)
        self.assertFalse(answer["match"])
        self.assertGreater(answer["false_match_rate"], 0.01)

    def test_a_target_rate_takes_the_place_of_a_threshold(self):
        loose = self.json_of("verify", "--fmr", "1e-2", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        strict = self.json_of("verify", "--fmr", "1e-8", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        self.assertLess(loose["threshold"], strict["threshold"])
        self.refused(
            "verify",
            "--fmr",
            "1e-2",
            "--threshold",
            "0.5",
            FRIENDS / "obama.jpg",
            FRIENDS / "obama2.jpg",
            code=3,
            word="only one",
        )

    def test_liveness_is_reported_where_the_policy_asks_for_it(self):
        photos = (FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        answer = self.json_of("verify", "--liveness", "passive", *photos)
        self.assertTrue(all(f["liveness"] > 0.5 for f in answer["faces"]) and answer["match"])
        self.assertNotIn("liveness", self.json_of("verify", *photos)["faces"][0])
        self.assertEqual(self.json_of("verify", "--liveness", "refuse", *photos)["faces"], answer["faces"])
        self.refused("verify", "--liveness", "perhaps", *photos, code=3, word="off, warn, passive or challenge")

    def test_says_how_sure_the_rate_itself_is(self):
        answer = self.json_of("verify", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        self.assertGreaterEqual(answer["false_match_rate_upper"], answer["false_match_rate"])

    def test_rates_are_said_in_words_and_those_of_strangers_are_none_of_a_match(self):
        words = self.run_program("verify", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg").stdout.decode()
        self.assertRegex(words, r"(?m)^less than 1 in [0-9]+ (million|billion) pairs of different people look this")
        self.assertIn("unrelated adults; relatives and twins", words)
        strangers = self.run_program("verify", FRIENDS / "obama.jpg", FRIENDS / "biden.jpg").stdout.decode()
        self.assertRegex(strangers, r"\Ano match: [^\n]*\nany two people look as much alike as this\n\Z")


class VerifySeveralFaces(ProgramCase):
    """Biden large and Obama small on one photo, against a photo of Obama."""

    def setUp(self):
        super().setUp()
        biden, obama = (shrink(read_jpeg(FRIENDS / f"{name}.jpg"), h) for name, h in (("biden", 700), ("obama", 400)))
        self.pair = self.folder / "pair.png"
        self.pair.write_bytes(on_grey(1200, 700, [(biden, 0, 0), (obama, 800, 200)]))
        self.right = lambda box: box["x"] > 800

    def test_the_most_similar_pair_is_compared_and_its_boxes_are_reported(self):
        for photos, side in (((self.pair, FRIENDS / "obama2.jpg"), 0), ((FRIENDS / "obama2.jpg", self.pair), 1)):
            answer = self.json_of("verify", *photos)
            self.assertEqual((answer["verdict"], answer["pairs"]), ("match", 2))
            self.assertTrue(self.right(answer["faces"][side]["box"]))
            self.assertEqual((answer["face_numbers"][side], answer["face_counts"][side]), (2, 2))
            self.assertEqual((answer["face_numbers"][1 - side], answer["face_counts"][1 - side]), (1, 1))
        self.assertTrue(self.json_of("verify", self.pair, FRIENDS / "biden.jpg")["match"])

    def test_the_words_name_both_faces_where_there_was_a_choice(self):
        words = self.run_program("verify", self.pair, FRIENDS / "obama2.jpg").stdout.decode()
        self.assertRegex(words, r"(?m)^first photo: face 2 of 2, at [89][0-9]{2},")
        self.assertRegex(words, r"(?m)^second photo: face 1 of 1, at ")
        self.assertIn("the most similar of 2 pairs of faces", words)

    def test_a_face_can_be_chosen(self):
        obama2 = FRIENDS / "obama2.jpg"
        for choice in ("largest", "1", "1,best", "1,1"):
            answer = self.json_of("verify", "--face", choice, self.pair, obama2, code=1)
            self.assertEqual((answer["match"], answer["face_numbers"]), (False, [1, 1]))
            self.assertFalse(self.right(answer["faces"][0]["box"]))
        for choice in ("best", "2", "2,largest"):
            self.assertTrue(self.json_of("verify", "--face", choice, self.pair, obama2)["match"], choice)
        self.assertTrue(self.json_of("verify", "--face", "largest,1", obama2, obama2)["match"])

    def test_a_face_that_the_photo_does_not_have_is_refused(self):
        photos = (self.pair, FRIENDS / "obama2.jpg")
        self.refused("verify", "--face", "3", *photos, code=3, word="the first photo shows 2 faces")
        for wrong in ("0", "-1", "smallest", "1,2,3", "", "1,", "99999999999"):
            self.refused("verify", "--face", wrong, *photos, code=3, word="face is best, largest")

    def test_a_poor_face_is_compared_only_where_there_is_no_better_one(self):
        biden, speck = (shrink(read_jpeg(FRIENDS / f"{name}.jpg"), h) for name, h in (("biden", 700), ("obama", 66)))
        poor = self.folder / "poor.png"
        poor.write_bytes(on_grey(1200, 700, [(biden, 0, 0), (speck, 800, 200)]))
        faces = self.json_of("detect", poor)["faces"]
        self.assertEqual((len(faces), faces[1]["quality"] < 0.2 < faces[0]["quality"]), (2, True))
        answer = self.json_of("verify", poor, FRIENDS / "obama2.jpg", code=1)
        self.assertEqual((answer["pairs"], answer["face_numbers"]), (1, [1, 1]))


class Search(ProgramCase):
    def setUp(self):
        super().setUp()
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")

    def test_names_the_enrolled_person(self):
        answer = self.json_of("search", FRIENDS / "obama3.jpg")
        best = answer["faces"][0]["candidates"][0]
        self.assertEqual((best["id"], best["name"], best["match"]), ("44", "Barack Obama", True))
        self.assertEqual(answer["gallery_size"], 1)
        self.assertGreater(answer["elapsed_ms"], 0)

    def test_several_photos_are_searched_and_one_without_a_match_is_seen_by_the_exit_code(self):
        answers = self.json_of("search", FRIENDS / "obama3.jpg", FRIENDS / "biden.jpg", code=1)["photos"]
        self.assertEqual([a["faces"][0]["verdict"] for a in answers], ["match", "none"])

    def test_a_stranger_is_no_match_and_exits_with_1(self):
        answer = self.json_of("search", FRIENDS / "biden.jpg", code=1)
        self.assertFalse(any(c["match"] for f in answer["faces"] for c in f["candidates"]))

    def test_answers_for_every_face(self):
        answer = self.json_of("search", GROUPS / "sample5.jpg", code=1)
        self.assertEqual(len(answer["faces"]), 5)

    def test_an_empty_gallery_is_an_answer_and_no_error(self):
        self.run_program("delete", "44")
        answer = self.json_of("search", FRIENDS / "obama3.jpg", code=1)
        self.assertEqual(answer["faces"][0]["candidates"], [])
        self.assertEqual(answer["gallery_size"], 0)
        words = self.run_program("search", FRIENDS / "obama3.jpg").stdout.decode()
        self.assertIn("there is no face in this collection yet", words)
        self.assertNotIn("1 in", words)

    def test_shows_the_chance_of_a_false_match_in_this_gallery(self):
        answer = self.json_of("search", FRIENDS / "biden.jpg", code=1)
        best = answer["faces"][0]["candidates"][0]
        self.assertEqual(answer["gallery_faces"], 2)
        self.assertEqual(answer["gallery_size"], 1)  # FPIR counts people
        self.assertAlmostEqual(best["gallery_false_match_rate"], best["false_match_rate"], delta=0.005)
        self.assertLessEqual(answer["false_positive_identification_rate"], 0.01)
        self.assertEqual(answer["faces"][0]["verdict"], "none")
        looser = self.json_of("search", "--fpir", "0.02", FRIENDS / "biden.jpg", code=1)
        self.assertLess(looser["threshold"], answer["threshold"])

    def test_a_threshold_can_be_chosen(self):
        self.assertFalse(
            self.json_of("search", "--threshold", "0.99", FRIENDS / "obama3.jpg", code=1)["faces"][0]["candidates"][0][
                "match"
            ]
        )

    def test_words_for_a_person_without_json(self):
        done = self.run_program("search", FRIENDS / "obama3.jpg")
        self.assertIn(b"Barack Obama", done.stdout)
        self.assertIn(b"1 person searched", done.stdout)
        self.assertIn("unknown person", self.run_program("search", FRIENDS / "biden.jpg").stdout.decode())
