"""The page in headless Chromium, with a photo as the camera's picture."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import camera
import webdriver
from program import FRIENDS, GROUPS, PROGRAM
from server import Server

OBAMA, OBAMA2, BIDEN, GROUP = FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", FRIENDS / "biden.jpg", GROUPS / "sample5.jpg"


@unittest.skipUnless(webdriver.available(), "chromium and chromedriver are not here")
class PageCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Server(self.folder / "data")
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        camera.write_video(OBAMA, self.folder / "camera.y4m")
        self.browser = webdriver.Browser(self.folder, self.folder / "camera.y4m")
        self.addCleanup(self.browser.close)
        self.address = f"http://localhost:{self.server.port}/"
        self.browser.open(self.address)
        self.browser.wait_text(".side .srv", "Ready")

    def view(self, name):
        self.browser.click(f".side [data-nav={name}]")

    def enroll(self, identity="44", name="Barack Obama", photo=OBAMA):
        self.server.post_photos("/v1/people", {"id": identity, "name": name, "image": photo.read_bytes()}, 201)

    def fill_form(self, name, identity):
        self.browser.type("#f-name", name)
        self.browser.type("#f-id", identity)
        self.browser.click("#f-consent")

    def clean_log(self):
        """Nothing but the answers that a test asked for (the browser logs each 4xx) stands in the console."""
        return [entry["message"] for entry in self.browser.log() if "the server responded with a status of" not in entry["message"]]


class Login(PageCase):
    def test_the_admin_logs_in_and_what_changes_something_works_also_after_a_reload(self):
        self.enroll()
        subprocess.run([PROGRAM, "access", "password", "--data", str(self.folder / "data")], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"})
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
        self.assertFalse(browser.visible("#dlg-login"))


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
        self.assertTrue(browser.visible(".facebox.is-same"))
        self.assertRegex(browser.text(".scale-num"), r"^0\.\d\d$")
        self.assertIn("1 in", browser.text(".odds"))
        self.assertEqual(self.clean_log(), [])

    def test_what_is_missing_is_said(self):
        self.browser.click("#finalize")
        self.browser.wait_text("#register-error", "Something is missing")
        for words in ("name", "ID", "photo", "consent"):
            self.assertIn(words, self.browser.text("#register-error"))

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

    def test_a_face_under_another_id_is_asked_about_before_it_is_registered(self):
        self.enroll()
        self.browser.type("#register-file", OBAMA2)
        self.fill_form("Another", "45")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-duplicate", "Barack Obama")
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
        self.assertEqual(self.browser.run("return [document.querySelector('#f-name').value, document.querySelectorAll('.shot').length]"), ["", 0])


class Search(PageCase):
    def test_the_person_at_the_camera_is_found(self):
        self.enroll(photo=OBAMA2)
        self.view("search")
        self.browser.click("#search-take")
        self.browser.wait("return document.querySelector('#search-stage video').videoWidth > 0")
        self.browser.click("#search-take")
        self.browser.wait_text("#verdict", "Same person")
        self.assertEqual(self.browser.text("#answer-name"), "Barack Obama")

    def test_a_stranger_is_said_to_be_unknown(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", BIDEN)
        self.browser.wait_text("#verdict", "Not enrolled")
        self.browser.wait_text("#search-answer", "Unknown person. Nobody among 1 is close enough.")

    def test_every_face_of_a_group_gets_a_box_and_a_tab_that_arrow_keys_reach(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", GROUP)
        self.browser.wait_text("#verdict", "Not enrolled")
        self.assertEqual(self.browser.run("return [document.querySelectorAll('.facebox').length, document.querySelectorAll('.face-tab').length]"), [5, 5])
        self.browser.keys(".face-tab[aria-selected=true]", "\ue014")
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('.face-tab')].findIndex((t) => t.ariaSelected === 'true')"), 1)

    def test_a_photo_without_a_face_is_said_to_have_none(self):
        self.view("search")
        self.browser.run("""const c = document.createElement('canvas'); c.width = 320; c.height = 240;
            c.getContext('2d').fillRect(0, 0, 320, 240);
            c.toBlob((b) => { const d = new DataTransfer(); d.items.add(new File([b], 'x.png'));
              const f = document.querySelector('#search-file'); f.files = d.files; f.dispatchEvent(new Event('change')); });""")
        self.browser.wait_text("#verdict", "No face found")


class List(PageCase):
    def test_people_are_listed_searched_and_deleted(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.view("list")
        self.browser.wait_text("#range", "1 to 2 of 2")
        self.browser.type("#q", "bid")
        self.browser.wait_text("#range", "1 to 1 of 1")
        self.assertIn("Joe Biden", self.browser.text("#rows"))
        self.browser.click("#rows button")
        self.browser.wait_text("#h-delete", "Delete Joe Biden?")
        self.browser.click("#delete-yes")
        self.browser.wait_text("#list-empty", "Nobody of that name")
        status, _, body = self.server.request("GET", "/v1/people")
        self.assertEqual(status, 200)
        self.assertNotIn(b"Biden", body)

    def test_cancel_deletes_nobody(self):
        self.enroll()
        self.view("list")
        self.browser.wait_text("#range", "1 to 1")
        self.browser.click("#rows button")
        self.browser.click("#dlg-delete button[value=cancel]")
        self.browser.click("#list-refresh")
        self.browser.wait_text("#rows", "Barack Obama")

    def test_an_empty_gallery_says_how_to_begin(self):
        self.view("list")
        self.browser.wait_text("#list-empty", "Nobody is registered yet")


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
    def test_brazilian_portuguese_and_spanish(self):
        for language, words in (("pt", "Cadastrar pessoa"), ("es", "Registrar persona"), ("en", "Register User")):
            self.browser.run("const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))", language)
            self.assertEqual(self.browser.text("#h-register"), words)

    def test_no_sideways_scrolling_at_phone_width(self):
        self.browser.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}})
        for view in ("register", "search", "list", "family"):
            self.browser.run("location.hash = arguments[0]", view)
            self.browser.wait("return document.querySelector(`[data-view=${arguments[0]}]:not([hidden])`)", view)
            wide = self.browser.run("return document.documentElement.scrollWidth")
            self.assertLessEqual(wide, 360, view)

    def test_tabs_are_reached_by_keyboard_alone(self):
        self.browser.run("document.querySelector('[data-nav=list]').focus()")
        self.browser.keys("[data-nav=list]", "\ue007")
        self.browser.wait_text("#h-list", "Registered List")

    def test_dark_and_light_can_be_chosen(self):
        colours = []
        for theme in ("light", "dark"):
            self.browser.click(f"[data-theme-set={theme}]")
            colours.append(self.browser.run("return getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*colours)

    def test_the_page_and_all_its_files_are_under_150_kilobytes(self):
        names = self.browser.run("return performance.getEntriesByType('resource').map((r) => r.name).filter((n) => !/v1|api/.test(n.split('/').slice(3).join('/').slice(0, 3)))")
        total = sum(len(self.server.request("GET", "/" + name.split("/", 3)[3])[2]) for name in {self.address, *names})
        self.assertLess(total, 150_000)
