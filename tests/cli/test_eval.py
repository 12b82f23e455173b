"""eval: figures that can be counted by hand, and malformed input."""

import json
import pathlib
import shutil
import unittest

from program import FRIENDS, GROUPS, LFW, ProgramCase


class Eval(ProgramCase):
    def people(self, **photos):
        """A folder a person in the test's folder."""
        root = self.folder / "people"
        for person, names in photos.items():
            (root / person).mkdir(parents=True)
            for name in names:
                shutil.copy(FRIENDS / name, root / person)
        return root

    def pairs(self, *rows):
        path = self.folder / "pairs.csv"
        fields = [[str(f.absolute()) if isinstance(f, pathlib.Path) else str(f) for f in row] for row in rows]
        path.write_text("photo1,photo2,mated,group\n" + "".join(",".join(row) + "\n" for row in fields))
        return path


class Folder(Eval):
    def test_counts_every_pair_and_search_and_writes_a_page_that_needs_nothing_else(self):
        root = self.people(**{"obama": ["obama.jpg", "obama2.jpg", "obama3.jpg"], "b<i>den": ["biden.jpg"]})
        groups, page = self.folder / "groups.csv", self.folder / "page.html"
        groups.write_text("person,group\nobama,44th\nb<i>den,46th\n")
        answer = self.json_of("eval", root, "--groups", groups, "--html", page, "--quiet")
        self.assertEqual((answer["photos"], answer["people"], answer["mated"], answer["non_mated"]), (4, 2, 3, 3))
        self.assertEqual((answer["identification"]["searches"], answer["identification"]["mated_searches"]), (4, 3))
        self.assertEqual(answer["identification"]["rank"], [1.0] * 10)
        default = next(t for t in answer["thresholds"] if t["name"] == "default")
        self.assertEqual((default["tar"], default["fmr"], default["accuracy"]), (1.0, 0.0, 1.0))
        self.assertLess(default["tar_limits"][0], 1)
        self.assertGreater(default["fmr_limits"][1], 0)
        self.assertEqual(sum(answer["histogram"]["mated"]), 3)
        self.assertEqual(
            [(g["group"], g["mated"], g["non_mated"]) for g in answer["groups"]], [("44th", 3, 0), ("46th", 0, 0)]
        )
        self.assertEqual((answer["scores"], answer["groups_by"], answer["galleries"]), ("normalised", "csv", []))
        promise = answer["groups"][0]["promise"]
        self.assertEqual((promise["rate"], promise["state"]), (5.2e-5, "too_few"))
        self.assertGreater(promise["people_needed"], 300)
        self.assertTrue(any("too little data" in warning for warning in answer["warnings"]), answer["warnings"])
        text = page.read_text()
        self.assertIn("too little data", text)
        self.assertIn("b&lt;i&gt;den", text)
        self.assertNotIn("b<i>den", text)
        for foreign in ("<script", "http:", "https:", "<link", "<img", "url("):
            self.assertNotIn(foreign, text)
        self.assertEqual(text.count("<svg"), 6)

    def test_one_person_alone_has_mates_but_no_rates_of_strangers(self):
        answer = self.json_of("eval", self.people(obama=["obama.jpg", "obama2.jpg"]), "--quiet")
        self.assertEqual((answer["mated"], answer["non_mated"], answer["equal_error_rate"]), (1, 0, None))
        self.assertEqual(answer["groups_by"], "estimate")
        self.assertRegex(answer["groups"][0]["group"], r"^man, \d+ to \d+ years, [a-z ]+$")

    def test_a_group_of_one_photo_has_no_rates(self):
        groups = self.folder / "groups.csv"
        groups.write_text("person,group\nobama,44th\nbiden,46th\n")
        answer = self.json_of(
            "eval", self.people(obama=["obama.jpg", "obama2.jpg"], biden=["biden.jpg"]), "--groups", groups, "--quiet"
        )
        one = next(g for g in answer["groups"] if g["group"] == "46th")
        self.assertEqual((one["mated"], one["non_mated"], one["fmr"], one["fnmr"]), (0, 0, None, None))

    def test_a_single_photo_is_nothing_to_compare(self):
        self.refused("eval", self.people(obama=["obama.jpg"]), "--quiet", code=3, word="nothing to compare")

    def test_too_few_comparisons_make_no_calibration(self):
        target = self.folder / "calibration.json"
        self.refused(
            "eval", self.people(obama=["obama.jpg"], biden=["biden.jpg"]), "--calibrate", target, code=3, word="too few"
        )
        self.assertFalse(target.exists())

    def test_of_several_faces_the_largest_or_the_central_one_counts(self):
        root = self.people(obama=["obama.jpg"])
        shutil.copy(GROUPS / "sample1.jpg", root / "obama")
        self.assertEqual(self.json_of("eval", root, "--face", "central", "--quiet")["mated"], 1)
        self.assertEqual(self.run_program("eval", root, "--face", "any").returncode, 2)


@unittest.skipUnless(LFW.is_dir(), "there are no photos in ../shared/data/lfw10")
class Doubles(Eval):
    """Photos of five people, each of which is said to show another person: most strangers have doubles."""

    def test_a_group_whose_rates_are_off_is_named_with_what_is_promised_and_a_calibration_says_what_it_lacks(self):
        root = self.folder / "people"
        groups = self.folder / "groups.csv"
        photos = sorted(LFW.glob("*/*.jpg"))[:70]
        for number, photo in enumerate(photos):
            (root / f"p{number:02}").mkdir(parents=True)
            shutil.copy(photo, root / f"p{number:02}")
        groups.write_text("".join(f"p{i:02},{'doubles' if i < 50 else 'others'}\n" for i in range(len(photos))))
        target = self.folder / "own.json"
        done = self.run_program(
            "eval", root, "--groups", groups, "--face", "central", "--any-quality", "--json", "--calibrate", target
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual([g["people"] for g in answer["galleries"]], [30])
        gallery = answer["galleries"][0]
        self.assertEqual((gallery["draws"], gallery["all"]["searches"]), (10, 400))
        self.assertEqual([g["group"] for g in gallery["groups"]], ["doubles", "others"])
        doubles = gallery["groups"][0]
        self.assertEqual(doubles["promise"], {"rate": 0.01, "state": "broken", "people_needed": None})
        self.assertLess(doubles["fpir_limits"][0], doubles["fpir"])
        words = " ".join(answer["warnings"])
        self.assertRegex(words, r"doubles: of searches for people who are not among the 30 .* 1 in 100 is promised")
        calibration = json.loads(target.read_text())["calibration"]
        self.assertNotIn("cohort", calibration)
        self.assertIn(b"at least 200 people", done.stderr)
        self.assertEqual(calibration["fmr_floor"], calibration["points"][-1]["fmr"] / 2)


class Pairs(Eval):
    def test_pairs_are_counted_by_what_the_file_says(self):
        answer = self.json_of(
            "eval",
            self.pairs(
                (FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", 1, "a"),
                (FRIENDS / "obama.jpg", FRIENDS / "biden.jpg", 0, "a"),
                (FRIENDS / "obama3.jpg", FRIENDS / "biden.jpg", "different", "b"),
            ),
            "--quiet",
        )
        self.assertEqual((answer["photos"], answer["mated"], answer["non_mated"]), (4, 1, 2))
        self.assertIsNone(answer["identification"])
        self.assertEqual(
            [(g["group"], g["mated"], g["non_mated"]) for g in answer["groups"]], [("a", 1, 1), ("b", 0, 1)]
        )

    def test_pairs_that_miss_a_photo_are_left_out_and_named(self):
        text = self.folder / "text.jpg"
        text.write_text("no photo")
        answer = self.json_of(
            "eval", self.pairs((FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", 1), ("gone.jpg", text, 0)), "--quiet"
        )
        self.assertEqual((answer["mated"], answer["non_mated"], answer["pairs_lost"]), (1, 0, 1))
        self.assertEqual(
            {r["path"]: r["code"] for r in answer["failure_to_acquire"]["refused"]},
            {str(self.folder / "gone.jpg"): "invalid", str(text): "unsupported_image"},
        )

    def test_all_photos_missing_is_an_error(self):
        self.refused("eval", self.pairs(("gone.jpg", "lost.jpg", 1)), "--quiet", code=3, word="nothing to compare")

    def test_a_file_that_is_not_a_pairs_file_is_refused_with_the_row(self):
        self.refused("eval", self.pairs(("a.jpg", "b.jpg", "perhaps")), code=3, word="row 2")
        self.refused("eval", self.pairs(("a.jpg", "b.jpg")), code=3, word="row 2 has 2 fields")
        self.refused("eval", self.folder / "gone.csv", code=3, word="no file or folder")
        self.refused(
            "eval", self.pairs(("a.jpg", "b.jpg", 1)), "--groups", self.folder / "g.csv", code=3, word="--groups"
        )


class Calibration(Eval):
    PHOTOS = (FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")

    def calibration(self, text=None, model="mobilefacenet-512", **changes):
        """The path of a file; `text` makes its content of the calibration's JSON."""
        path = self.folder / "own.json"
        calibration = {
            "points": [{"fmr": 0.1, "threshold": 0.5}],
            "tail": {"mean": 0.0, "deviation": 0.4},
            "independent_pairs": 100,
            "non_mated_mean": 0.0,
            "default_threshold": 0.9,
            "unsure_threshold": 0.5,
            "fmr_floor": 1e-9,
        }
        whole = json.dumps({"model": model, "calibration": calibration | changes})
        path.write_text(text(whole) if text else whole)
        return path

    def test_a_calibration_of_ones_own_takes_the_place_of_the_models(self):
        answer = self.json_of("verify", "--calibration", self.calibration(), *self.PHOTOS, code=1)
        self.assertEqual((answer["threshold"], answer["verdict"], answer["reason"]), (0.9, "unsure", "score"))
        self.assertGreater(answer["false_match_rate"], 0.01)

    def test_the_constants_of_normalised_scores_come_from_the_file(self):
        rates = []
        for shift in (0, 0.3):
            cohort = {"deviation": 0.1, "search_offset": 0.1, "verify_offset": 0.1, "group_shift": shift}
            path = self.calibration(cohort=cohort)
            answer = self.json_of("verify", "--calibration", path, *self.PHOTOS, code=1)
            rates.append(answer["false_match_rate_upper"])
        self.assertGreater(rates[1], 1.5 * rates[0])

    def test_a_file_that_cannot_be_used_is_refused_in_words(self):
        cohort = {"deviation": 0.1, "search_offset": 0.1, "verify_offset": 0.1, "group_shift": 0.1}
        for word, path in (
            ("is not a calibration", lambda: self.calibration(text=lambda whole: "{}")),
            ("is not a calibration", lambda: self.calibration(text=lambda whole: whole[:-9])),
            ("is not a calibration", lambda: self.calibration(tail={"mean": float("nan"), "deviation": 0.4})),
            ("deviation", lambda: self.calibration(cohort=cohort | {"deviation": 0.5})),
            ("search_offset", lambda: self.calibration(cohort=cohort | {"search_offset": 1e6})),
            ("line 1", lambda: self.calibration(cohort=cohort | {"group_shift": float("inf")})),
            ("group_shift", lambda: self.calibration(cohort={k: v for k, v in cohort.items() if k != "group_shift"})),
            ("is of the model arcface", lambda: self.calibration(model="arcface")),
        ):
            with self.subTest(word=word):
                self.refused("verify", "--calibration", path(), *self.PHOTOS, code=3, word=word)


if __name__ == "__main__":
    unittest.main()
