"""cluster and dedup."""

import shutil
import subprocess
import unittest

from program import FRIENDS, GROUPS, RENDER, ProgramCase

OBAMAS = ("obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg")


class Cluster(ProgramCase):
    def photos(self):
        root = self.folder / "photos"
        for place, names in {"first": OBAMAS[:2] + ("biden.jpg",), "second": OBAMAS[2:]}.items():
            (root / place).mkdir(parents=True)
            for name in names:
                shutil.copy(FRIENDS / name, root / place)
        (root / "notes.txt").write_text("not a photo")
        return root

    def test_puts_the_faces_of_each_person_together_and_names_who_is_enrolled(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama2.jpg")
        root = self.photos()
        answer = self.json_of("cluster", root, "--quiet")
        self.assertEqual((answer["photos"], answer["faces"], len(answer["groups"])), (6, 5, 2))
        first, second = answer["groups"]
        self.assertEqual(first["person"]["id"], "44")
        self.assertEqual(sorted(f["photo"].rsplit("/", 1)[1] for f in first["faces"]), sorted(OBAMAS))
        self.assertEqual([f.rsplit("/", 1)[1] for f in first["folders"]], ["first", "second"])
        self.assertIsNone(second["person"])
        self.assertEqual(second["faces"][0]["photo"].rsplit("/", 1)[1], "biden.jpg")
        self.assertEqual([r["code"] for r in answer["refused"]], ["unsupported_image"])
        text = self.run_program("cluster", root, "--quiet").stdout.decode()
        self.assertIn("Barack Obama: 4 faces in 2 folders", text)

    def test_one_person_in_two_photos_with_others_is_found(self):
        root = self.folder / "groups"
        root.mkdir()
        for name in ("sample1.jpg", "sample3.jpg"):
            shutil.copy(GROUPS / name, root)
        answer = self.json_of("cluster", root, "--quiet")
        self.assertEqual(sorted((len(g["faces"]) for g in answer["groups"]), reverse=True), [2, 1, 1, 1, 1])
        self.assertEqual(
            {f["photo"].rsplit("/", 1)[1] for f in answer["groups"][0]["faces"]}, {"sample1.jpg", "sample3.jpg"}
        )

    def test_two_faces_of_one_photo_are_two_people_unless_it_is_a_mirror_image_or_the_user_says_collage(self):
        root = self.folder / "twins"
        root.mkdir()
        subprocess.run([RENDER, "mirror", self.folder / "mirror.jpg", FRIENDS / "obama.jpg"], check=True)
        for name, other in {"twins.jpg": FRIENDS / "obama2.jpg", "mirror.jpg": self.folder / "mirror.jpg"}.items():
            subprocess.run([RENDER, "beside", root / name, FRIENDS / "obama.jpg", other], check=True)
        answer = self.json_of("cluster", root, "--quiet")
        places = [sorted(f["photo"].rsplit("/", 1)[1] for f in g["faces"]) for g in answer["groups"]]
        self.assertEqual(places, [["mirror.jpg", "mirror.jpg", "twins.jpg"], ["twins.jpg"]])
        self.assertEqual([f["copy"] for f in answer["groups"][0]["faces"]].count(True), 2)
        self.assertGreater(answer["kept_apart"], 0)
        words = self.run_program("cluster", root, "--quiet").stdout.decode()
        self.assertIn("mirror.jpg (mirrored or copied)", words)
        self.assertIn("look like one person and are two", words)
        self.assertEqual(len(self.json_of("cluster", root, "--quiet", "--collages")["groups"]), 1)

    def test_of_two_people_in_one_photo_one_gets_the_name(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg")
        root = self.folder / "twins"
        root.mkdir()
        subprocess.run([RENDER, "beside", root / "a.jpg", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg"], check=True)
        groups = self.json_of("cluster", root, "--quiet")["groups"]
        self.assertEqual(sorted((bool(g["person"]), g["reason"]) for g in groups), [(False, "different"), (True, "")])

    def test_a_folder_without_photos_or_none_is_reported(self):
        (self.folder / "empty").mkdir()
        self.refused("cluster", self.folder / "empty", code=3, word="there are no files")
        self.refused("cluster", self.folder / "gone", code=3, word="no folder")


class Dedup(ProgramCase):
    def test_finds_one_person_under_two_ids(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg")
        self.enroll("46", "Joe Biden", FRIENDS / "biden.jpg")
        self.assertEqual(self.json_of("dedup")["pairs"], [])
        self.enroll("99", "B. O.", FRIENDS / "obama3.jpg")
        answer = self.json_of("dedup")
        self.assertEqual((answer["total"], answer["people"], answer["faces"]), (1, 3, 4))
        self.assertEqual([p["id"] for p in answer["pairs"][0]["people"]], ["44", "99"])
        self.assertAlmostEqual(answer["pairs"][0]["similarity"], 0.844, delta=0.03)
        self.assertLess(answer["expected_by_chance"], 0.01)
        words = self.run_program("dedup").stdout.decode()
        self.assertIn("B. O. (99)", words)
        self.assertIn("1 pair from", words)
        self.assertIn("among 4 faces of 3 people", words)

    def test_people_who_are_said_to_be_different_are_left_out_until_that_is_taken_back(self):
        self.enroll("44", "Barack Obama", FRIENDS / "obama.jpg")
        self.enroll("99", "B. O.", FRIENDS / "obama3.jpg")
        self.refused("dedup", "44", code=3, word="give two ids")
        self.refused("dedup", "--different", "44", "44", code=3, word="one person")
        self.assertIn("marked", self.run_program("dedup", "--different", "99", "44").stdout.decode())
        answer = self.json_of("dedup")
        self.assertEqual((answer["pairs"], answer["different"]), ([], 1))
        self.run_program("dedup", "--undecided", "44", "99")
        self.assertEqual(self.json_of("dedup")["total"], 1)

    def test_an_empty_gallery_has_no_pairs(self):
        self.assertEqual(self.json_of("dedup")["total"], 0)


if __name__ == "__main__":
    unittest.main()
