"""The page in headless Chromium, with a photo as the camera's picture."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from collage import on_grey
from page import BIDEN, GROUP, OBAMA, OBAMA2, PageCase
from program import FRIENDS, PHOTOS, PROGRAM
from server import form_of_files

VIEWS = ("register", "search", "list", "family", "import", "settings")


class Login(PageCase):
    def test_the_admin_logs_in_and_what_changes_something_works_also_after_a_reload(self):
        self.enroll()
        subprocess.run(
            [PROGRAM, "access", "password", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"},
        )
        browser = self.browser
        self.view("list")
        browser.wait_text("#dlg-login h2", "Log in")
        browser.type("#dlg-login [name=password]", "wrong password")
        browser.click("#dlg-login .actions .btn")
        browser.wait_text("#dlg-login [data-login-note]", "wrong")
        browser.type("#dlg-login [name=password]", "correct horse battery")
        browser.click("#dlg-login .actions .btn")
        browser.wait_text("[data-view=list]", "Barack Obama")
        browser.open(self.address)
        browser.wait_text(".side .srv", "Ready")
        self.view("list")
        browser.wait_text("[data-view=list]", "Barack Obama")
        browser.wait_visible("#dlg-login", False)


class Register(PageCase):
    def test_a_person_is_registered_with_the_camera_and_found_with_another_photo(self):
        browser = self.browser
        browser.click("#register-take")
        browser.wait_text("#register-stage .hint", "Hold still")
        browser.click("#register-take")
        browser.wait_text(".shot-say", "Good")
        self.fill_form("Barack Obama", "44")
        browser.click("#finalize")
        browser.wait_text("#register-done", "Barack Obama")
        self.view("search")
        browser.type("#search-file", OBAMA2)
        browser.wait_text("#verdict", "Same person")
        self.assertEqual(browser.text("#answer-name"), "Barack Obama")
        browser.wait_visible(".facebox.is-same")
        self.assertRegex(browser.text(".scale-num"), r"^0\.\d\d$")
        browser.wait_text(".odds", "1 in")
        self.assertEqual(self.clean_log(), [])

    def test_what_is_missing_is_said(self):
        self.browser.click("#finalize")
        self.browser.wait_text("#register-error", "Something is missing", "name", "ID", "photo", "consent")

    def test_a_photo_of_several_people_is_refused_in_words(self):
        self.browser.type("#register-file", GROUP)
        self.browser.wait_text(".shot-say", "One person at a time")
        self.fill_form("Group", "9")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-error", "Several faces")

    def test_the_same_id_twice_is_refused_in_words(self):
        self.enroll()
        self.browser.type("#register-file", BIDEN)
        self.fill_form("Joe Biden", "44")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-error", "registered already")

    def ask_about_a_twin(self):
        self.enroll()
        self.browser.type("#register-file", OBAMA2)
        self.browser.wait_text(".shot-say", "Good")
        self.fill_form("Another", "45")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-duplicate", "Barack Obama")

    def test_a_face_under_another_id_is_shown_side_by_side_and_its_photos_can_go_to_that_person(self):
        self.ask_about_a_twin()
        self.browser.wait_equal(
            ["Another", "Barack Obama"],
            "return [...document.querySelectorAll('.pair-dup figcaption strong')].map((e) => e.textContent)",
        )
        self.browser.click("#duplicate-same")
        self.browser.wait_text("#register-done", "Barack Obama")
        self.assertEqual([(p["id"], p["faces"]) for p in self.people()], [("44", 2)])

    def test_a_face_under_another_id_is_registered_when_it_is_said_to_be_another_person(self):
        self.ask_about_a_twin()
        self.browser.click("#duplicate-anyway")
        self.browser.wait_text("#register-done", "Another")

    def test_a_text_file_is_refused_in_words(self):
        wrong = self.folder / "photo.jpg"
        wrong.write_text("no photo at all")
        self.browser.type("#register-file", wrong)
        self.browser.wait_text("#register-error", "not a photo")

    def test_reset_form_empties_it(self):
        self.browser.type("#register-file", OBAMA)
        self.fill_form("A", "1")
        self.browser.click("#register-form button[type=reset]")
        self.browser.wait_equal(
            ["", 0], "return [document.querySelector('#f-name').value, document.querySelectorAll('.shot').length]"
        )
        self.browser.settle()
        self.browser.wait_equal(0, "return document.querySelectorAll('#register-stage .facebox').length")


class Search(PageCase):
    def test_the_person_at_the_camera_is_found(self):
        self.enroll(photo=OBAMA2)
        self.view("search")
        self.browser.click("#search-take")
        self.browser.wait("return document.querySelector('#search-stage video').readyState >= 2")
        self.browser.click("#search-take")
        self.browser.wait_text("#verdict", "Same person")
        self.assertEqual(self.browser.text("#answer-name"), "Barack Obama")

    def test_a_stranger_is_said_to_be_unknown(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", BIDEN)
        self.browser.wait_text("#verdict", "No match")
        self.browser.wait_text("#search-answer", "Unknown person. Nobody among 1 is close enough.")

    def test_every_face_of_a_group_gets_a_box_and_a_tab_that_arrow_keys_reach(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", GROUP)
        self.browser.wait_text("#verdict", "No match")
        self.browser.wait_equal(
            [5, 5],
            "return [document.querySelectorAll('.facebox').length, document.querySelectorAll('.face-tab').length]",
        )
        self.browser.keys(".face-tab[aria-selected=true]", "\ue014")
        self.browser.wait_equal(
            1, "return [...document.querySelectorAll('.face-tab')].findIndex((t) => t.ariaSelected === 'true')"
        )

    def test_a_photo_without_a_face_is_said_to_have_none(self):
        self.view("search")
        self.browser.run("""const c = document.createElement('canvas'); c.width = 320; c.height = 240;
            c.getContext('2d').fillRect(0, 0, 320, 240);
            c.toBlob((b) => { const d = new DataTransfer(); d.items.add(new File([b], 'x.png'));
              const f = document.querySelector('#search-file'); f.files = d.files; f.dispatchEvent(new Event('change')); });""")
        self.browser.wait_text("#verdict", "No face found")


class Live(PageCase):
    def test_a_face_at_the_camera_is_followed_and_named(self):
        self.enroll(photo=OBAMA2)
        self.view("search")
        self.browser.click("[data-mode=live]")
        self.browser.wait_text("#live-names", "Barack Obama")
        self.browser.wait_text("#search-stage .facebox", "Barack Obama")
        self.browser.click("[data-mode=photo]")
        self.browser.wait_visible("#live", False)
        self.assertEqual(self.clean_log(), [])

    def test_two_photos_are_compared(self):
        self.view("search")
        self.browser.click("[data-mode=compare]")
        self.browser.type("#one-file", OBAMA)
        self.browser.type("#two-file", OBAMA2)
        self.browser.wait_text("#compare-verdict", "Same person")
        self.browser.type("#two-file", BIDEN)
        self.browser.wait_text("#compare-verdict", "Different people")


class List(PageCase):
    def test_people_are_listed_searched_and_deleted_with_a_receipt(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.view("list")
        self.browser.wait_text("#range", "1 to 2 of 2")
        self.browser.type("#q", "bid")
        self.browser.wait_text("#range", "1 to 1 of 1")
        self.browser.wait_text("#rows", "Joe Biden")
        self.browser.click("#rows [aria-label='Delete Joe Biden']")
        self.browser.wait_text("#h-delete", "Delete Joe Biden?")
        self.browser.click("#delete-yes")
        self.browser.wait_text("#list-empty", "No one with that name")
        self.assertEqual([p["id"] for p in self.people()], ["44"])
        self.browser.wait_text(".toast-act", "Download receipt")

    def test_cancel_deletes_nobody(self):
        self.enroll()
        self.view("list")
        self.browser.wait_text("#range", "1 to 1")
        self.browser.click("#rows [aria-label='Delete Barack Obama']")
        self.browser.wait_text("#h-delete", "Delete Barack Obama?")
        self.browser.click("#dlg-delete button[value=cancel]")
        self.browser.wait_visible("#dlg-delete", False)
        self.browser.click("#list-refresh")
        self.browser.settle()
        self.browser.wait_text("#rows", "Barack Obama")
        self.assertEqual(len(self.people()), 1)

    def test_a_name_and_an_id_are_edited(self):
        self.enroll()
        self.view("list")
        self.browser.wait_text("#rows", "Barack Obama")
        self.browser.click("#rows [aria-label='Edit Barack Obama']")
        self.browser.wait_equal(
            "Barack Obama", "return document.querySelector('#dlg-edit').open && document.querySelector('#e-name').value"
        )
        self.browser.run(
            "document.querySelector('#e-name').value = 'B. Obama'; document.querySelector('#e-id').value = '47'"
        )
        self.browser.click("#edit-yes")
        self.browser.wait_text("#rows", "B. Obama")
        self.assertEqual([(p["id"], p["name"]) for p in self.people()], [("47", "B. Obama")])

    def test_two_people_are_merged(self):
        self.enroll()
        self.enroll("45", "B. Obama", OBAMA2)
        self.view("list")
        self.browser.wait_text("#range", "of 2")
        self.browser.click("[aria-label='Select Barack Obama']")
        self.browser.click("[aria-label='Select B. Obama']")
        self.browser.click("#pick-merge")
        self.browser.wait_text("#dlg-merge", "Which record stays?")
        self.browser.click("#merge-yes")
        self.browser.wait_text("#range", "of 1")
        self.assertEqual([(p["id"], p["faces"]) for p in self.people()], [("44", 2)])

    def test_hundreds_of_people_are_scrolled_through_with_a_handful_of_rows(self):
        headers = {"Content-Type": "application/json"}
        for number in range(600):
            self.server.request(
                "POST", "/api/v1/recognition/subjects", json.dumps({"subject": f"Person {number:04}"}), headers
            )
        self.view("list")
        self.browser.wait_text("#range", "of 600")
        self.browser.run(
            "document.querySelector('#sort').value = 'name'; document.querySelector('#sort').dispatchEvent(new Event('change'))"
        )
        self.browser.wait_text("#rows", "Person 0000")
        self.browser.keys("#rows", "\ue010")  # End
        self.browser.wait_text("#rows", "Person 0599")
        self.browser.wait_text("#range", "to 600 of 600")
        self.browser.wait("return document.querySelectorAll('#rows .tr').length < 60")
        self.browser.keys("#rows", "\ue011")  # Home
        self.browser.wait_text("#rows", "Person 0000")
        self.browser.type("#q", "0377")
        self.browser.wait_text("#range", "1 to 1 of 1")

    def test_an_empty_gallery_says_how_to_begin(self):
        self.view("list")
        self.browser.wait_text("#list-empty", "Nobody is registered yet")


class Thumbnails(PageCase):
    flags = ("--thumbnails",)

    def test_where_pictures_are_kept_the_list_shows_them_and_consent_names_them(self):
        self.enroll()
        self.browser.wait_text(
            "[data-view=register]",
            "a small picture of the face is kept.",
            "An encrypted face template and a small picture",
        )
        self.view("list")
        self.browser.wait_equal(
            [96, 96],
            "const i = document.querySelector('#rows img.face'); return i && [i.naturalWidth, i.naturalHeight]",
        )
        self.assertEqual(self.clean_log(), [])


class Import(PageCase):
    def files(self):
        for person, photos in (("Barack_Obama", (OBAMA, OBAMA2)), ("Joe_Biden", (BIDEN,)), ("Team", (GROUP,))):
            (self.folder / "staff" / person).mkdir(parents=True)
            for number, photo in enumerate(photos):
                shutil.copy(photo, self.folder / "staff" / person / f"{number}.jpg")
        return shutil.make_archive(str(self.folder / "staff"), "zip", self.folder / "staff")

    def wait_counts(self, *counts):
        self.browser.wait_equal(
            list(counts),
            "return ['enrolled', 'skipped', 'refused', 'todo'].map((id) => document.querySelector(`#job-${id}`).textContent)",
        )

    def test_an_archive_is_imported_and_the_refused_are_listed(self):
        archive = self.files()
        self.view("import")
        self.browser.type("#import-file", archive)
        self.browser.wait_text("#import-error", "Something is missing")
        self.browser.click("#import-consent")
        self.browser.type("#import-file", archive)
        self.browser.wait_text("#job-state", "Import finished")
        self.wait_counts("3", "0", "1", "0")
        self.browser.wait_text("#refused-rows", "Several faces")
        self.assertIn("/refused", self.browser.run("return document.querySelector('#refused-get').href"))
        self.assertEqual({p["consent"] for p in self.people()}, {"These people agree to be recognized here."})

    def test_a_folder_of_folders_is_dropped_and_its_paths_tell_who_is_who(self):
        self.files()
        self.view("import")
        self.browser.click("#import-consent")
        self.browser.drop("#import-drop", self.folder / "staff")
        self.browser.wait_text("#job-state", "Import finished")
        self.wait_counts("3", "0", "1", "0")
        self.assertEqual({(p["id"], p["faces"]) for p in self.people()}, {("Barack_Obama", 2), ("Joe_Biden", 1)})
        self.browser.wait_text("#refused-rows", "Team/0.jpg")
        self.assertEqual(self.clean_log(), [])

    def test_a_photo_is_dropped_on_a_stage(self):
        self.enroll()
        self.view("search")
        self.browser.drop("#search-stage", OBAMA2)
        self.browser.wait_text("#verdict", "Same person")

    def test_a_job_goes_on_when_the_page_is_closed_and_is_found_again(self):
        photo = on_grey(
            2000, 1500, []
        )  # much to look at and little to send: the job is not over before it is paused, however slow the page
        body, kind = form_of_files([(f"p{n}/1.png", photo + n.to_bytes(2, "big")) for n in range(500)], quality="any")
        job = json.loads(self.server.request("POST", "/v1/jobs/import", body, {"Content-Type": kind})[2])
        self.view("import")
        self.browser.wait_text("#job-state", "Importing")
        self.browser.click("#job-pause")
        self.browser.wait_text("#job-state", "Paused")
        self.browser.open("about:blank")
        self.browser.open(self.address + "#import")
        self.browser.wait_text("#job-state", "Paused")
        self.browser.click("#job-resume")
        self.browser.wait_text("#job-state", "Importing")
        self.browser.click("#job-cancel")
        self.browser.wait_text("#job-state", "cancelled")
        self.assertEqual(json.loads(self.server.request("GET", f"/v1/jobs/{job['id']}")[2])["state"], "cancelled")
        browser_has = (
            "return [document.querySelector('#job-pause').hidden, document.querySelector('#job-resume').hidden]"
        )
        self.browser.wait_equal([True, True], browser_has)


class Settings(PageCase):
    def test_what_the_server_does_is_told_in_numbers(self):
        self.enroll()
        self.view("settings")
        self.browser.wait_text("#s-model", "mobilefacenet")
        self.browser.wait_equal("1", "return document.querySelector('#v-gallery .n').textContent")
        self.browser.wait_text("#v-gallery .unit", "template of 1 person")
        self.browser.wait_text("#s-targets", "1 in 10,000")
        self.assertRegex(self.browser.text("#s-match"), r"^0\.\d{3}$")
        self.browser.wait(
            "return document.querySelector('#chart-requests').ariaLabel.toLowerCase().includes('requests')"
        )
        self.browser.wait("return document.querySelectorAll('#chart-requests .plot-bar').length > 0")
        self.browser.wait_text("#collections-rows", "mobilefacenet-512")
        self.browser.wait_text("#models-rows", "finds faces")
        self.browser.wait_text("#models-rows", "used by default")
        self.assertEqual(self.clean_log(), [])

    def test_how_searches_are_made_is_told_and_what_an_index_misses(self):
        """The server's own words; for the others its answer is changed on its way to the page."""
        self.view("settings")
        self.browser.wait_text("#s-search", "In this server’s memory")
        self.browser.run("""const ask = window.fetch;
            window.search = { by: 'memory' };
            window.fetch = async (path, ...rest) => {
              const answer = await ask(path, ...rest);
              return path === '/v1/stats' ? Response.json({ ...await answer.json(), search: window.search }) : answer;
            };""")
        for search, words in (
            ({"by": "database"}, "By the database, exactly"),
            ({"by": "database", "hnsw": 400, "hnsw_collections": 2, "hnsw_recall": None}, "HNSW 400: not measured"),
            (
                {"by": "database", "hnsw": 400, "hnsw_collections": 2, "hnsw_recall": 0.8125},
                "HNSW 400: finds 81.3% of the ten nearest",
            ),
            ({"by": "database", "hnsw": 400, "hnsw_collections": 0, "hnsw_recall": None}, "By the database, exactly"),
        ):
            self.browser.run("window.search = arguments[0]", search)
            self.view("list")
            self.view("settings")
            self.browser.wait_text("#s-search", words)

    def test_one_and_many_are_told_apart_in_all_three_languages(self):
        words = """const done = arguments[0]; import('/js/i18n.js').then(async (i) => {
            const gallery = (people, faces) => i.counted('v.of', people, { templates: i.counted('v.templates', faces) });
            const before = document.documentElement.lang.slice(0, 2);
            const said = i.languages().map((language) => { i.choose(language); return [gallery(1, 1), gallery(1, 3), gallery(2, 3), i.counted('searched', 1, { ms: 5 })]; });
            i.choose(before);
            done(said); })"""
        self.assertEqual(
            self.browser.run_async(words),
            [
                ["template of 1 person", "templates of 1 person", "templates of 2 people", "1 person in 5 ms"],
                ["modelo de 1 pessoa", "modelos de 1 pessoa", "modelos de 2 pessoas", "1 pessoa em 5 ms"],
                ["plantilla de 1 persona", "plantillas de 1 persona", "plantillas de 2 personas", "1 persona en 5 ms"],
            ],
        )

    def choose(self, selector, value):
        self.browser.wait(
            "const s = document.querySelector(arguments[0]); return !s.disabled && [...s.options].some((o) => o.value === arguments[1])",
            selector,
            value,
        )
        self.browser.run(
            "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change', { bubbles: true }))",
            selector,
            value,
        )

    def test_how_sure_a_match_must_be_is_chosen_by_what_it_means_and_taken_back(self):
        browser = self.browser
        self.enroll()
        self.view("settings")
        browser.wait("return !document.querySelector('#sure-save').disabled")  # all is asked and answered
        browser.wait_text("#sure-now", "model’s own value")
        own = browser.text("#s-match")
        self.choose("#sure-by", "fmr")
        self.choose("#sure-rate", "0.000001")
        browser.wait_text("#sure-pairs", "1 in 1,000,000")
        browser.wait_text("#sure-strangers", "1 in 1,000,000")  # one template: a search is one comparison
        meant = browser.text("#sure-from")
        self.assertEqual(
            json.loads(self.server.request("GET", "/v1/thresholds")[2])["source"], "default"
        )  # nothing yet
        browser.click("#sure-save")
        browser.wait_text("#sure-now", "saved here", "Two strangers taken for one: 1 in 1,000,000.")
        browser.wait_equal(meant, "return document.querySelector('#s-match').textContent")
        browser.wait_text("#audit-rows tr", "Threshold set by false matches")
        self.choose("#sure-by", "threshold")
        browser.run(
            "const i = document.querySelector('#sure-score'); i.value = '0.987'; i.dispatchEvent(new Event('input'))"
        )
        browser.wait_equal("0.987", "return document.querySelector('#sure-from').textContent")
        browser.click("#sure-save")
        browser.wait_text("#sure-now", "Similarity: 0.987")
        self.view("search")
        browser.type("#search-file", OBAMA2)
        browser.wait_text("#verdict", "No match")
        self.view("settings")
        browser.wait_visible("#sure-reset")
        browser.click("#sure-reset")
        browser.wait_text("#sure-now", "model’s own value")
        browser.wait_equal(own, "return document.querySelector('#s-match').textContent")
        browser.wait_visible("#sure-reset", False)
        self.assertEqual(self.clean_log(), [])

    def test_a_choice_that_is_none_cannot_be_saved(self):
        browser = self.browser
        self.view("settings")
        browser.wait("return !document.querySelector('#sure-save').disabled")
        self.choose("#sure-by", "threshold")
        for wrong in ("0", "", "1.5"):
            browser.run(
                "const i = document.querySelector('#sure-score'); i.value = arguments[0]; i.dispatchEvent(new Event('input'))",
                wrong,
            )
            browser.wait_equal(
                [True, "–"],
                "return [document.querySelector('#sure-save').disabled, document.querySelector('#sure-from').textContent]",
            )
        browser.wait_text("#sure-error", "threshold")

    def set_password(self):
        subprocess.run(
            [PROGRAM, "access", "password", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"},
        )

    def log_in(self):
        self.browser.wait_text("#dlg-login h2", "Log in")
        self.browser.type("#dlg-login [name=password]", "correct horse battery")
        self.browser.click("#dlg-login .actions .btn")

    def test_no_key_is_made_here_before_there_is_a_password(self):
        self.view("settings")
        self.browser.wait_text("#keys-first", "semblance access password")
        self.browser.settle()
        self.assertTrue(self.browser.run("return document.querySelector('#key-new').disabled"))

    def test_a_key_is_made_shown_once_and_revoked_and_the_audit_tells_of_it(self):
        browser = self.browser
        self.set_password()
        self.view("settings")
        self.log_in()
        browser.wait("return !document.querySelector('#key-new').disabled")
        browser.settle()
        browser.run("document.querySelector('#key-new').scrollIntoView({ block: 'center' })")
        browser.click("#key-new")
        browser.type("#k-label", "Front door")
        browser.click("#k-enroll")
        browser.run("document.querySelector('#k-expires').value = '30d'")
        browser.click("#key-make")
        browser.wait_text("#key-made h2", "shown once")
        key = browser.run("return document.querySelector('#key-text').value")
        browser.click("#key-shut")
        browser.wait_equal("", "return document.querySelector('#key-text').value")
        browser.wait_text("#keys-rows", "Front door", "search", "register", "all collections", "until")
        headers = {"Authorization": f"Bearer {key}"}
        self.assertEqual(self.server.request("GET", "/v1/people", headers=headers)[0], 200)
        browser.settle()
        browser.run("document.querySelector('#keys-rows button').scrollIntoView({ block: 'center' })")
        browser.click("#keys-rows button")
        browser.wait_text("#h-revoke", "Revoke the key Front door?")
        browser.click("#revoke-yes")
        browser.wait_text("#keys-rows", "revoked")
        self.assertEqual(self.server.request("GET", "/v1/people", headers=headers)[0], 401)
        browser.wait_text("#audit-rows", "Key revoked", "Key made", "Login", "Password set")
        browser.run("document.querySelector('#audit-check').click()")
        browser.wait_text("#audit-whole", "Nothing is missing or changed")

    def test_the_audit_is_read_page_by_page(self):
        headers = {"Content-Type": "application/json"}
        self.enroll()
        for number in range(30):
            self.server.request("PATCH", "/v1/people/44", json.dumps({"name": f"Name {number}"}), headers)
        self.view("settings")
        self.browser.wait_text("#audit-rows", "Renamed")
        self.browser.settle()
        self.browser.wait_equal(20, "return document.querySelectorAll('#audit-rows tr').length")
        for shown in (20, 40, 60, 80):
            if not self.browser.visible("#audit-more"):
                break
            self.browser.run("document.querySelector('#audit-more').click()")
            self.browser.wait("return document.querySelectorAll('#audit-rows tr').length > arguments[0]", shown)
        self.browser.wait_text("#audit-rows", "Registered")
        self.browser.wait_visible("#audit-more", False)

    def test_the_accuracy_report_opens_here(self):
        self.view("settings")
        self.browser.wait_text("#rep-none", "semblance eval FOLDER --publish")
        people = self.folder / "eval"
        for person, photos in (("obama", ("obama.jpg", "obama2.jpg", "obama3.jpg")), ("biden", ("biden.jpg",))):
            (people / person).mkdir(parents=True)
            for name in photos:
                shutil.copy(FRIENDS / name, people / person)
        subprocess.run(
            [PROGRAM, "eval", people, "--publish", "--quiet", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.view("list")
        self.view("settings")
        self.browser.wait_text("#rep-photos", "4 of 2 people")
        self.browser.wait_text("#rep-pairs", "3 of one person, 3 of two")
        self.browser.wait_equal(6, "return document.querySelectorAll('#rep-scores .plot-bar').length")
        self.browser.wait_text("#rep-rows", "default threshold", "100%")


class Family(PageCase):
    def test_the_resemblance_to_both_parents_is_given_in_percent(self):
        self.view("family")
        for who, photo in (("father", OBAMA), ("child", OBAMA2), ("mother", BIDEN)):
            self.browser.type(f"#{who}-file", photo)
            self.browser.wait_text(f"#{who}-tag", "Face found")
        self.browser.click("#family-go")
        self.browser.wait_text("#family-result", "%")
        self.assertGreater(int(self.browser.text("#r-father")), 70)
        self.assertLess(int(self.browser.text("#r-mother")), 20)


class Everywhere(PageCase):
    def test_without_a_secure_address_the_page_says_why_the_camera_is_off(self):
        self.browser.run("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        self.browser.click("#register-take")
        self.browser.wait_text("#register-stage .stage-msg", "The camera needs a secure address")
        self.browser.wait_text("#register-stage .stage-msg", "tls init")

    def test_brazilian_portuguese_and_spanish(self):
        for language, words in (("pt", "Cadastrar pessoa"), ("es", "Registrar persona"), ("en", "Register User")):
            self.browser.run(
                "const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
                language,
            )
            self.browser.wait_text("#h-register", words)

    def test_no_sideways_scrolling_from_the_smallest_phone_to_4k(self):
        self.enroll()
        for width, height in ((360, 740), (700, 900), (3840, 2160)):
            self.browser.emulate(width, height)
            for view in VIEWS:
                self.browser.run("location.hash = arguments[0]", view)
                self.browser.wait("return document.querySelector(`[data-view=${arguments[0]}]:not([hidden])`)", view)
                self.browser.settle()
                self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width, view)

    def tab_to(self, selector, most=60):
        """Presses Tab until the element has the focus; it must be visibly focused then."""
        for _ in range(most):
            self.browser.press("\ue004")
            if self.browser.run("return document.activeElement.matches(arguments[0])", selector):
                self.assertNotEqual(
                    self.browser.run("return getComputedStyle(document.activeElement).outlineStyle"), "none", selector
                )
                return
        self.fail(f"{selector} is not reached with the Tab key")

    def test_a_person_is_registered_found_and_deleted_by_keyboard_alone(self):
        browser = self.browser
        self.tab_to(".skip")
        self.tab_to("#register-take")
        browser.press("\ue007")
        browser.wait_text("#register-stage .hint", "Hold still")
        browser.press("\ue007")
        browser.wait_text(".shot-say", "Good")
        self.tab_to("#f-name")
        browser.press("Barack Obama")
        self.tab_to("#f-id")
        browser.press("44")
        self.tab_to("#f-consent")
        browser.press(" ")
        self.tab_to("#finalize")
        browser.press("\ue007")
        browser.wait_text("#register-done", "Barack Obama")
        browser.run("document.activeElement.blur(); scrollTo(0, 0)")
        self.tab_to("[data-nav=list]")
        browser.press("\ue007")
        browser.wait_text("#rows", "Barack Obama")
        self.tab_to("#rows [aria-label='Delete Barack Obama']")
        browser.press("\ue007")
        browser.wait_text("#h-delete", "Delete Barack Obama?")
        browser.press("\ue00c")  # Escape closes, and deletes nobody
        browser.wait("return !document.querySelector('#dlg-delete').open")
        self.assertEqual(len(self.people()), 1)
        browser.wait("return document.activeElement.matches(\"#rows [aria-label='Delete Barack Obama']\")")
        browser.press("\ue007")
        browser.wait_text("#h-delete", "Delete Barack Obama?")
        self.tab_to("#delete-yes")
        browser.press("\ue007")
        browser.wait_text("#list-empty", "Nobody is registered yet")

    def test_nothing_shifts_in_any_view_while_answers_come(self):
        """The browser's own measure: layout-shift entries that no press or click caused."""
        browser = self.browser
        self.enroll()
        browser.each_page(
            "window.shifts = []; new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push([e.value, location.hash, ...e.sources.map((s) => s.node?.id || s.node?.className || s.node?.nodeName)]); }).observe({ type: 'layout-shift', buffered: true });"
        )
        for width, height, phone in ((1280, 900, False), (390, 844, True)):
            browser.emulate(width, height, 1, phone)
            for view in VIEWS:
                browser.open("about:blank")
                browser.open(f"{self.address}#{view}")
                browser.wait("return [...document.querySelectorAll('.srv')].every((e) => e.textContent === 'Ready')")
                if view == "search":
                    browser.type("#search-file", OBAMA2)
                    browser.wait_text("#verdict", "Same person")
                browser.settle()
                with self.subTest(view=view, width=width):
                    shifts = browser.run("return window.shifts")
                    self.assertLess(sum(shift[0] for shift in shifts), 0.05, shifts)

    def test_with_forced_colours_nothing_that_tells_something_vanishes(self):
        browser = self.browser
        self.enroll()
        browser.call(
            "POST",
            "/goog/cdp/execute",
            {
                "cmd": "Emulation.setEmulatedMedia",
                "params": {"features": [{"name": "forced-colors", "value": "active"}]},
            },
        )
        self.assertTrue(browser.run("return matchMedia('(forced-colors: active)').matches"))
        for selector in (".btn-primary", ".card", ".input", ".tick"):
            self.assertNotEqual(
                browser.run(
                    "const s = getComputedStyle(document.querySelector(arguments[0])); return s.borderTopStyle + s.borderTopWidth",
                    selector,
                ),
                "none0px",
                selector,
            )
        self.assertEqual(
            browser.run("return getComputedStyle(document.querySelector('[aria-current=page]')).outlineStyle"), "solid"
        )
        self.view("search")
        browser.type("#search-file", OBAMA2)
        browser.wait_text("#verdict", "Same person")
        browser.wait("return getComputedStyle(document.querySelector('.facebox')).borderTopStyle !== 'none'")

    def test_tabs_are_reached_by_keyboard_alone(self):
        self.browser.run("document.querySelector('[data-nav=list]').focus()")
        self.browser.keys("[data-nav=list]", "\ue007")
        self.browser.wait_text("#h-list", "Registered List")

    def test_dark_and_light_can_be_chosen(self):
        colours = []
        for theme in ("light", "dark"):
            self.browser.click(f"[data-theme-set={theme}]")
            self.browser.wait_equal(theme, "return document.documentElement.dataset.theme")
            self.browser.settle()
            colours.append(self.browser.run("return getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*colours)

    def test_the_page_and_all_its_files_are_under_150_kilobytes_to_send(self):
        names = self.browser.run(
            "return performance.getEntriesByType('resource').map((r) => r.name).filter((n) => !/^(v1|api)/.test(n.split('/').slice(3).join('/')))"
        )
        self.assertGreater(len(names), 10)
        packed = {"Accept-Encoding": "gzip"}
        total = sum(
            len(self.server.request("GET", "/" + name.split("/", 3)[3], headers=packed)[2])
            for name in {self.address, *names}
        )
        self.assertLess(total, 150_000)

    def test_nothing_moves_for_those_who_do_not_want_it(self):
        self.browser.call(
            "POST",
            "/goog/cdp/execute",
            {
                "cmd": "Emulation.setEmulatedMedia",
                "params": {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]},
            },
        )
        self.assertEqual(
            self.browser.run("return getComputedStyle(document.querySelector('.btn')).transitionDuration"), "0s"
        )

    def test_the_page_asks_no_foreign_origin_and_runs_no_inline_script(self):
        self.assertEqual(
            self.browser.run("return document.querySelectorAll('script:not([src]), [style], [onclick]').length"), 0
        )
        names = self.browser.run("return performance.getEntriesByType('resource').map((r) => r.name)")
        self.assertEqual([name for name in names if not name.startswith(self.address)], [])

    def test_every_word_is_there_in_all_three_languages(self):
        missing = self.browser.run_async("""const done = arguments[0]; import('/js/i18n.js').then((i) => {
            const keys = [...document.querySelectorAll('[data-t], [data-label], [data-p]')].flatMap((n) => [n.dataset.t, n.dataset.label, n.dataset.p]).filter(Boolean);
            done(keys.filter((k) => !i.has(k))); })""")
        self.assertEqual(missing, [])


AXE = PHOTOS / "axe-core/axe.min.js"


@unittest.skipUnless(AXE.exists(), "axe-core is not here (script/setup --tests)")
class Accessible(PageCase):
    """axe-core over every view; the pictures are kept beside the build, for people to look at."""

    def look(self, name):
        shots = pathlib.Path(os.environ.get("SB_SHOTS", self.folder / "shots"))
        shots.mkdir(parents=True, exist_ok=True)
        self.browser.screenshot(shots / f"{name}.png")

    def serious(self):
        found = self.browser.run_async("""const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then((r) => done(
            r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.any.map((a) => a.message).join(';')).slice(0, 4).join(' | '))))""")
        return found

    def fill(self):
        """Something to see in every view."""
        browser = self.browser
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        browser.type("#register-file", OBAMA2)
        browser.wait_text(".shot-say", "Good")
        browser.run("location.hash = 'search'")
        browser.type("#search-file", OBAMA2)
        browser.wait_text("#verdict", "Same person")
        browser.run("location.hash = 'list'")
        browser.wait_text("#range", "of 2")
        browser.click("[aria-label='Select Joe Biden']")

    def test_axe_finds_nothing_serious_in_any_view_light_and_dark_phone_and_desktop(self):
        # The page's policy lets no foreign script in; the browser's own way around it is for tools like this one.
        self.browser.call("POST", "/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": True}})
        self.browser.open(self.address)
        self.browser.wait_text(".side .srv", "Ready")
        self.fill()
        self.browser.run(AXE.read_text() + "; window.axe = axe;")
        for width, height, phone in ((1280, 900, False), (360, 740, True), (3840, 2160, False)):
            self.browser.emulate(width, height, 1, phone)
            for theme in ("light", "dark"):
                self.browser.run("document.querySelector(`[data-theme-set=${arguments[0]}]`).click()", theme)
                for view in VIEWS:
                    self.browser.run("location.hash = arguments[0]", view)
                    self.browser.wait(
                        "return document.querySelector(`[data-view=${arguments[0]}]:not([hidden])`)", view
                    )
                    self.browser.settle()
                    self.look(f"{view}-{width}-{theme}")
                    with self.subTest(view=view, width=width, theme=theme):
                        self.assertEqual(self.serious(), [])
        for dialog in self.browser.run("return [...document.querySelectorAll('dialog')].map((d) => d.id)"):
            self.browser.run("document.getElementById(arguments[0]).showModal()", dialog)
            self.browser.settle()
            with self.subTest(dialog=dialog):
                self.assertEqual(self.serious(), [])
            self.browser.run("document.getElementById(arguments[0]).close()", dialog)

    def test_every_view_is_seen_in_the_other_languages(self):
        self.fill()
        for width, height, phone in ((390, 844, True), (1280, 900, False)):
            self.browser.emulate(width, height, 1, phone)
            for language in ("pt", "es"):
                self.browser.run(
                    "const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
                    language,
                )
                for view in VIEWS:
                    self.browser.run("location.hash = arguments[0]", view)
                    self.browser.wait(
                        "return document.querySelector(`[data-view=${arguments[0]}]:not([hidden])`)", view
                    )
                    self.browser.settle()
                    self.assertLessEqual(
                        self.browser.run("return document.documentElement.scrollWidth"), width, (view, language)
                    )
                    self.look(f"{view}-{width}-{language}")
