"""enroll, list, show, rename and delete: what they store and what they refuse."""

from collage import on_grey, read_jpeg, shrink
from program import FRIENDS, GROUPS, ProgramCase

OBAMA, BIDEN = FRIENDS / "obama.jpg", FRIENDS / "biden.jpg"


class Enroll(ProgramCase):
    def test_a_person_is_listed_and_shown_afterwards(self):
        self.enroll("44", "Barack Obama", OBAMA)
        people = self.json_of("list")
        self.assertEqual(people["total"], 1)
        self.assertEqual(
            {k: people["people"][0][k] for k in ("id", "name", "faces")},
            {"id": "44", "name": "Barack Obama", "faces": 1},
        )
        self.assertRegex(people["people"][0]["created"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual(self.json_of("show", "44")["name"], "Barack Obama")
        self.assertIn(b"Barack Obama", self.run_program("show", "44").stdout)

    def test_several_photos_are_several_faces_of_one_person(self):
        self.enroll("44", "Barack Obama", OBAMA, FRIENDS / "obama2.jpg")
        self.json_of("enroll", "--id", "44", "--add", FRIENDS / "obama3.jpg")
        self.assertEqual(self.json_of("show", "44")["faces"], 3)

    def test_says_what_a_second_and_a_third_photo_bring_until_there_are_three(self):
        photos = [OBAMA, FRIENDS / "obama2.jpg", FRIENDS / "obama3.jpg"]
        flags = ("enroll", "--id", "44", "--name", "Barack Obama", "--add")
        said = [self.run_program(*flags, photo).stdout.decode() for photo in photos]
        self.assertIn("with one photo about 1 search in 40 misses the person", said[0])
        self.assertIn("with two photos about 1 search in 100 misses the person, with three 1 in 150", said[1])
        self.assertNotIn("misses", said[2])

    def test_the_same_id_twice_is_refused_and_changes_nothing(self):
        self.enroll("44", "Barack Obama", OBAMA)
        self.refused("enroll", "--id", "44", "--name", "Somebody", BIDEN, code=3, word="id")
        self.assertEqual(self.json_of("show", "44")["name"], "Barack Obama")
        self.assertEqual(self.json_of("show", "44")["faces"], 1)

    def test_an_unknown_collection_is_said_to_be_unknown(self):
        self.refused("list", "--collection", "nowhere", code=1, word="collection")

    def test_a_face_enrolled_under_another_id_is_warned_of(self):
        self.enroll("44", "Barack Obama", OBAMA)
        done = self.run_program("enroll", "--id", "45", "--name", "Another", FRIENDS / "obama2.jpg")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"looks like Barack Obama (44)", done.stderr)

    def test_a_duplicate_can_be_refused(self):
        self.enroll("44", "Barack Obama", OBAMA)
        self.refused(
            "enroll",
            "--id",
            "45",
            "--name",
            "Another",
            "--refuse-duplicate",
            FRIENDS / "obama2.jpg",
            code=3,
            word="another id",
        )
        self.assertEqual(self.json_of("list")["total"], 1)

    def test_a_photo_of_several_people_is_refused_and_says_how_many(self):
        self.refused("enroll", "--id", "1", "--name", "Group", GROUPS / "sample5.jpg", code=3, word="5")
        self.assertEqual(self.json_of("list")["total"], 0)

    def test_the_largest_of_several_faces_is_taken_when_asked_for(self):
        self.json_of("enroll", "--id", "1", "--name", "Largest", "--largest", GROUPS / "sample5.jpg")
        self.assertEqual(self.json_of("list")["total"], 1)

    def with_another(self, name, left, other_height):
        """A photo of Biden, 700 pixels high and so far from the left, with Obama beside him."""
        biden, obama = (
            shrink(read_jpeg(FRIENDS / f"{name}.jpg"), height)
            for name, height in (("biden", 700), ("obama", other_height))
        )
        path = self.folder / name
        path.write_bytes(on_grey(1600, 700, [(biden, left, 0), (obama, 1150, 100)]))
        return path

    def test_a_small_face_in_the_background_does_not_stop_an_enrolment(self):
        photo = self.with_another("background.png", 550, 160)
        self.assertEqual(len(self.json_of("detect", photo)["faces"]), 2)
        words = self.refused("enroll", "--strict-single", "--id", "1", "--name", "Joe", photo, code=3, word="2 faces")
        self.assertIn("--largest", words)
        done = self.run_program("enroll", "--id", "1", "--name", "Joe", photo).stdout.decode()
        self.assertIn("note: photo 1 shows 1 smaller face, left out", done)
        self.assertTrue(self.json_of("search", FRIENDS / "biden.jpg")["faces"][0]["candidates"][0]["match"])
        answer = self.json_of("enroll", "--add", "--id", "1", photo, FRIENDS / "biden.jpg")
        self.assertEqual([face["other_faces"] for face in answer["faces"]], [1, 0])

    def test_a_photo_of_two_people_is_refused_where_none_is_clearly_the_subject(self):
        for name, left, height in (("beside.png", 550, 500), ("aside.png", 0, 200)):
            photo = self.with_another(name, left, height)
            self.assertEqual(len(self.json_of("detect", photo)["faces"]), 2)
            self.refused("enroll", "--id", "2", "--name", "Joe", photo, code=3, word="2 faces")

    def test_one_bad_photo_of_several_enrols_none(self):
        bad = self.folder / "bad.jpg"
        bad.write_bytes(OBAMA.read_bytes()[:2000])
        self.refused("enroll", "--id", "1", "--name", "A", OBAMA, bad, code=3, word="photo 2")
        self.assertEqual(self.json_of("list")["total"], 0)

    def test_consent_and_attributes_are_kept(self):
        self.enroll("44", "Barack Obama", OBAMA, flags=("--consent", "agreed on paper", "--attributes"))
        person = self.json_of("show", "44")
        self.assertEqual(person["consent"], "agreed on paper")
        self.assertEqual(person["gender"]["dominant"], "man")


class HostileTexts(ProgramCase):
    def refuse_text(self, identity, name):
        self.refused("enroll", "--id", identity, "--name", name, OBAMA, code=3, word="")
        self.assertEqual(self.json_of("list")["total"], 0)

    def test_an_id_of_10000_characters_is_refused(self):
        self.refuse_text("x" * 10000, "Name")

    def test_an_empty_id_is_refused(self):
        self.refuse_text("", "Name")

    def test_control_characters_in_a_name_are_refused(self):
        self.refuse_text("1", "two\nlines")

    def test_invalid_utf8_in_a_name_is_refused(self):
        self.refuse_text("1", b"\xff\xfe")

    def test_names_of_all_scripts_are_kept(self):
        self.enroll("José/7 %", "Мария 李雷 😀", OBAMA)
        self.assertEqual(self.json_of("show", "José/7 %")["name"], "Мария 李雷 😀")


class ListShowRenameDelete(ProgramCase):
    def setUp(self):
        super().setUp()
        self.enroll("44", "Barack Obama", OBAMA)
        self.enroll("46", "Joe Biden", BIDEN)

    def test_list_filters_by_part_of_id_or_name(self):
        self.assertEqual([p["id"] for p in self.json_of("list", "biden")["people"]], ["46"])
        self.assertEqual([p["id"] for p in self.json_of("list", "44")["people"]], ["44"])

    def test_list_pages(self):
        page = self.json_of("list", "--offset", "1", "--limit", "1")
        self.assertEqual(([p["id"] for p in page["people"]], page["total"]), (["46"], 2))

    def test_rename_changes_the_name_only(self):
        self.json_of("rename", "46", "Joseph Biden")
        self.assertEqual(self.json_of("show", "46")["name"], "Joseph Biden")
        self.assertEqual(self.json_of("show", "46")["faces"], 1)

    def test_a_deleted_person_is_not_found_any_more(self):
        gone = self.json_of("delete", "44")
        self.assertEqual((gone["deleted"], gone["faces"], len(gone["receipts"])), (1, 1, 1))
        self.assertEqual([p["id"] for p in self.json_of("list")["people"]], ["46"])
        answer = self.json_of("search", FRIENDS / "obama2.jpg", code=1)
        self.assertNotIn("44", [c["id"] for c in answer["faces"][0]["candidates"]])

    def test_an_unknown_id_exits_with_1_and_says_so(self):
        for command in (["show", "99"], ["delete", "99"], ["rename", "99", "X"]):
            with self.subTest(command=command):
                self.refused(*command, code=1, word="no")


class Usage(ProgramCase):
    def test_wrong_usage_exits_with_2_and_prints_the_usage(self):
        for words in (
            ["enroll", OBAMA],
            ["search"],
            ["verify", OBAMA],
            ["list", "--limit", "0"],
            ["list", "--frob"],
            ["search", "-k", "x", OBAMA],
            ["search", "--port", "99999999", OBAMA],
        ):
            with self.subTest(words=words):
                self.refused(*words, code=2, word="usage")

    def test_an_unknown_command_exits_with_2(self):
        self.refused("frobnicate", code=2, word="no command", data=False)

    def test_help_of_the_program_and_of_every_command(self):
        overview = self.run_program("--help", data=False)
        self.assertEqual(overview.returncode, 0)
        for command in (
            "enroll",
            "import",
            "search",
            "verify",
            "list",
            "show",
            "delete",
            "detect",
            "represent",
            "analyze",
            "sql",
            "serve",
        ):
            self.assertIn(command.encode(), overview.stdout)
            done = self.run_program(command, "--help", data=False)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"usage: semblance " + command.encode(), done.stdout)
            self.assertEqual(self.run_program("help", command, data=False).stdout, done.stdout)
        self.assertEqual(self.run_program("help", data=False).stdout, overview.stdout)

    def test_help_for_an_unknown_command_exits_with_2(self):
        self.refused("help", "frobnicate", code=2, word="no command 'frobnicate'", data=False)
