"""import: folders, ZIP archives and CSV files; refusals are listed; a second run skips what is registered."""

import shutil
import zipfile

from program import FRIENDS, GROUPS, ProgramCase


class Import(ProgramCase):
    def setUp(self):
        super().setUp()
        self.people = self.folder / "people"
        for person, photos in {"Barack_Obama": ("obama", "obama2", "obama3"), "Joe_Biden": ("biden",)}.items():
            (self.people / person).mkdir(parents=True)
            for photo in photos:
                shutil.copy(FRIENDS / f"{photo}.jpg", self.people / person)

    def test_a_folder_a_person(self):
        report = self.json_of("import", self.people)
        self.assertEqual((report["enrolled"], report["skipped"], report["refused"]), (4, 0, []))
        self.assertEqual(
            sorted((p["id"], p["name"], p["faces"]) for p in self.json_of("list")["people"]),
            [("Barack_Obama", "Barack Obama", 3), ("Joe_Biden", "Joe Biden", 1)],
        )

    def test_a_second_run_skips_what_is_there(self):
        self.json_of("import", self.people)
        report = self.json_of("import", self.people)
        self.assertEqual((report["enrolled"], report["skipped"]), (0, 4))

    def test_goes_on_after_bad_photos_and_lists_them_with_reasons(self):
        (self.people / "Joe_Biden" / "a.jpg").write_bytes(b"not a photo at all")
        shutil.copy(GROUPS / "sample1.jpg", self.people / "Joe_Biden" / "b.jpg")
        report = self.json_of("import", self.people, code=3)
        self.assertEqual(report["enrolled"], 4)
        self.assertEqual(
            {r["path"].rsplit("/", 1)[1]: r["code"] for r in report["refused"]},
            {"a.jpg": "unsupported_image", "b.jpg": "several_faces"},
        )
        self.assertTrue(all(r["message"] for r in report["refused"]))

    def test_plain_lines_where_there_is_no_terminal(self):
        done = self.run_program("import", self.people)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"4 registered, 0 already registered, 0 refused", done.stdout)
        self.assertIn(b"4 of 4 photos", done.stderr)
        self.assertNotIn(b"\r", done.stderr)

    def test_a_csv_of_id_name_path_with_quotes_and_relative_paths(self):
        table = self.people / "people.csv"
        table.write_text(
            'id,name,path\r\n44,"Obama, Barack ""44""",Barack_Obama/obama.jpg\r\n\r\n'
            f"46,Joe Biden,{FRIENDS / 'biden.jpg'}\n"
        )
        self.assertEqual(self.json_of("import", table)["enrolled"], 2)
        self.assertEqual(self.json_of("show", "44")["name"], 'Obama, Barack "44"')

    def test_an_archive_and_what_lies_beside_photos(self):
        (self.people / "Joe_Biden" / "Thumbs.db").write_bytes(b"x")
        shutil.make_archive(self.folder / "people", "zip", self.people)
        (self.people / "Joe_Biden" / "notes.csv").write_text("a,b")  # in an archive its rows would decide
        for source in (self.people, self.folder / "people.zip"):
            with self.subTest(source=source.name):
                report = self.json_of("import", source)
                self.assertEqual(
                    (report["photos"], report["enrolled"] + report["skipped"], report["refused"]), (4, 4, [])
                )
        self.assertEqual(
            sorted((p["id"], p["name"], p["faces"]) for p in self.json_of("list")["people"]),
            [("Barack_Obama", "Barack Obama", 3), ("Joe_Biden", "Joe Biden", 1)],
        )

    def test_an_archive_with_rows_names_what_is_missing(self):
        with zipfile.ZipFile(self.folder / "people.zip", "w") as z:
            z.write(FRIENDS / "biden.jpg", "set/y.jpg")
            z.writestr("set/people.csv", "ID,Name,Path\n46,Joe Biden,y.jpg\n47,Nobody,../../etc/passwd\n")
        report = self.json_of("import", self.folder / "people.zip", code=3)
        self.assertEqual((report["enrolled"], [r["path"] for r in report["refused"]]), (1, ["../../etc/passwd"]))

    def test_a_second_name_for_an_id_is_refused_with_its_row_only(self):
        table = self.folder / "people.csv"
        rows = ("Name;ID;Datei", "Obama;44;obama.jpg", "Biden;44;biden.jpg", "Biden;46;biden.jpg")
        table.write_text("\n".join(rows).replace(";o", f";{FRIENDS}/o").replace(";b", f";{FRIENDS}/b"))
        report = self.json_of("import", table, code=3)
        self.assertEqual((report["enrolled"], [r["code"] for r in report["refused"]]), (2, ["invalid"]))
        self.assertIn("another name", report["refused"][0]["message"])
        people = self.json_of("list")["people"]
        self.assertEqual(
            sorted((p["id"], p["name"], p["faces"]) for p in people), [("44", "Obama", 1), ("46", "Biden", 1)]
        )

    def test_what_is_no_photo_and_folders_in_folders_are_passed_over_by_name(self):
        biden = self.people / "Joe_Biden"
        for name, content in (("notes.txt", b"at work"), ("clip.mov", b"\0\0\0\x14ftypqt  "), ("empty.txt", b"")):
            (biden / name).write_bytes(content)
        (self.people / "read me").write_text("x")
        for hidden in ("@eaDir", "2023"):
            (biden / hidden).mkdir()
            shutil.copy(FRIENDS / "biden.jpg", biden / hidden)
        report = self.json_of("import", self.people)
        self.assertEqual((report["photos"], report["enrolled"], report["refused"]), (4, 4, []))
        self.assertEqual(
            sorted(path.rsplit("/", 1)[1] for path in report["passed_over"]),
            ["2023", "clip.mov", "empty.txt", "notes.txt", "read me"],
        )
        words = self.run_program("import", self.people)
        self.assertEqual(words.returncode, 0)
        self.assertIn(b"2023: a folder inside a person's folder", words.stdout)

    def test_a_csv_with_a_wrong_row_is_refused_before_anything_is_enrolled(self):
        table = self.folder / "people.csv"
        table.write_text(f"44,Barack Obama,{FRIENDS / 'obama.jpg'}\n46,Joe Biden\n")
        self.refused("import", table, code=3, word="row 2")
        self.assertEqual(self.json_of("list")["total"], 0)

    def test_a_missing_or_empty_source_is_refused(self):
        (self.folder / "empty").mkdir()
        (self.folder / "empty.csv").write_text("")
        (self.folder / "binary").write_bytes(bytes(range(256)))
        for source, word in (("none", "no file"), ("empty", "no folder"), ("empty.csv", "empty"), ("binary", "utf-8")):
            with self.subTest(source=source):
                self.refused("import", self.folder / source, code=3, word=word)
