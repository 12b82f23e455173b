"""Walks through every flow of the page in each language, with the camera and with real keyboard and mouse events.

At every station the page must fit the window of a phone and of a desktop. If SB_SHOTS names a folder, screenshots of
every station are saved there, light and dark, for people to look at. Playwright would drive the same Chromium over the
same protocols; this test needs no package but Debian's chromium-driver."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

from page import BIDEN, GROUP, OBAMA, OBAMA2, SHOTS, OwnServerCase
from program import FRIENDS, PROGRAM

SIZES = (("desktop", 1280, 900, False), ("phone", 390, 844, True))


def sanitized():
    options = pathlib.Path(PROGRAM).parent / "meson-info/intro-buildoptions.json"
    return (
        options.exists()
        and next(o["value"] for o in json.loads(options.read_text()) if o["name"] == "b_sanitize") != "none"
    )


@unittest.skipIf(sanitized(), "pictures are the same under the sanitizers, and the other tests walk the flows there")
class Walk(OwnServerCase):
    def setUp(self):
        super().setUp()
        self.browser.call(
            "POST",
            "/goog/cdp/execute",
            {
                "cmd": "Emulation.setEmulatedMedia",
                "params": {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]},
            },
        )

    def see(self, name):
        """The page must not be wider than the window, in each size. Saves pictures of it in each theme."""
        for size, width, height, phone in SIZES:
            self.browser.emulate(width, height, 1, phone)
            for theme in ("light", "dark") if SHOTS else ("light",):
                self.browser.run("document.querySelector(`[data-theme-set=${arguments[0]}]`).click()", theme)
                self.browser.settle()
                wide, tall = self.browser.run(
                    "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
                )
                self.assertLessEqual(wide, width, (name, self.language, size))
                self.picture(f"walk-{name}-{size}-{theme}-{self.language}", (width, max(tall, height)))
        self.browser.emulate(1280, 900)

    def walk(self, language):
        self.language = language
        self.browser.run(
            "const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            language,
        )
        self.browser.wait_equal(language, "return document.documentElement.lang.slice(0, 2)")
        for flow in (
            self.register,
            self.duplicate,
            self.search,
            self.live,
            self.compare,
            self.people,
            self.family,
            self.importing,
            self.settings,
            self.no_camera,
        ):
            with self.subTest(flow=flow.__name__):
                flow()
        self.assertEqual(self.clean_log(), [])

    def test_every_flow_in_english(self):
        self.walk("en")

    def test_every_flow_in_brazilian_portuguese(self):
        self.walk("pt")

    def test_every_flow_in_spanish(self):
        self.walk("es")

    def test_every_flow_in_french(self):
        self.walk("fr")

    def test_every_flow_in_german(self):
        self.walk("de")

    # ---- Flows

    def register(self):
        browser = self.browser
        browser.click("#finalize")
        browser.wait_visible("#register-error")
        self.see("register-missing")
        browser.click("#register-take")
        browser.wait_visible("#register-stage .hint.is-good")
        self.see("register-camera")
        browser.click("#register-take")
        browser.wait_visible(".shot-say.is-good")
        self.fill_form("Barack Obama", "44")
        self.see("register-filled")
        browser.click("#finalize")
        browser.wait_text("#register-done", "Barack Obama")
        self.see("register-done")

    def duplicate(self):
        browser = self.browser
        browser.type("#register-file", OBAMA2)
        browser.wait_visible(".shot-say.is-good")
        self.fill_form("Somebody Else", "45")
        browser.click("#finalize")
        browser.wait_text("#register-duplicate", "Barack Obama")
        self.see("register-duplicate")
        browser.click("#duplicate-anyway")
        browser.wait_text("#register-done", "Somebody Else")

    def search(self):
        browser = self.browser
        self.view("search")
        for name, photo, faces in (("match", OBAMA2, 1), ("group", GROUP, 5), ("stranger", BIDEN, 1)):
            browser.type("#search-file", photo)
            browser.wait(
                "return document.querySelector('#verdict')"
                " && document.querySelectorAll('#search-stage .facebox').length === arguments[0]",
                faces,
            )
            browser.settle()
            self.see(f"search-{name}")

    def live(self):
        browser = self.browser
        browser.click("[data-mode=live]")
        browser.wait(
            "return document.querySelector('#live-names').textContent"
            " && document.querySelector('#search-stage .facebox.is-same')"
        )
        self.see("search-live")
        browser.click("[data-mode=photo]")
        browser.wait_visible("#live", False)

    def compare(self):
        browser = self.browser
        browser.click("[data-mode=compare]")
        browser.type("#one-file", OBAMA)
        browser.type("#two-file", OBAMA2)
        browser.wait_visible("#compare-verdict")
        self.see("compare")
        browser.click("[data-mode=photo]")

    def people(self):
        browser = self.browser
        self.enroll("46", "Joe Biden", BIDEN)
        self.view("list")
        browser.wait("return document.querySelectorAll('#rows .tr .tick').length === 3")
        self.see("list")
        for person in (1, 2):
            browser.click(f"#rows .tr[aria-rowindex='{person + 1}'] .tick")
        browser.wait_visible("#pickbar")
        self.see("list-picked")
        for station, opener, dialog in (
            ("list-merge", "#pick-merge", "#dlg-merge"),
            ("list-edit", "#rows .tr[aria-rowindex='4'] .c-acts button:first-child", "#dlg-edit"),
            ("list-delete", "#rows .tr[aria-rowindex='4'] .c-acts button:last-child", "#dlg-delete"),
        ):
            browser.click(opener)
            browser.wait_visible(dialog)
            self.see(station)
            if dialog != "#dlg-delete":
                browser.press("\ue00c")
                browser.wait_visible(dialog, False)
        browser.click("#delete-yes")
        browser.wait_visible(".toast-act")
        browser.settle()
        self.see("list-deleted")
        browser.click("#toast-shut")
        browser.click("#rows .who-link")
        browser.wait_visible("#history-rows tr")
        browser.wait_visible(".kept-face")
        self.see("person")

    def family(self):
        browser = self.browser
        self.view("family")
        for who, photo in (("father", OBAMA), ("child", OBAMA2), ("mother", BIDEN)):
            browser.type(f"#{who}-file", photo)
            browser.wait_visible(f"#{who}-tag")
        browser.click("#family-go")
        browser.wait_visible("#family-result")
        self.see("family")

    def importing(self):
        browser = self.browser
        for person, photo in (("Joe_Biden", BIDEN), ("Team", GROUP)):
            (self.folder / "staff" / person).mkdir(parents=True)
            shutil.copy(photo, self.folder / "staff" / person / "1.jpg")
        self.view("import")
        self.see("import")
        browser.click("#import-consent")
        browser.type("#import-file", shutil.make_archive(str(self.folder / "staff"), "zip", self.folder / "staff"))
        browser.wait_visible("#preview-rows tr")
        self.see("import-preview")
        browser.click("#preview-go")
        browser.wait_visible("#refused-rows tr")
        browser.wait_visible("#import-drop")
        self.see("import-done")

    def settings(self):
        browser = self.browser
        people = self.folder / "eval"
        for person, names in (("obama", ("obama.jpg", "obama2.jpg")), ("biden", ("biden.jpg",))):
            (people / person).mkdir(parents=True)
            for name in names:
                shutil.copy(FRIENDS / name, people / person)
        subprocess.run(
            [PROGRAM, "eval", people, "--publish", "--quiet", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            [PROGRAM, "access", "password", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"},
        )
        self.view("settings")
        browser.wait_visible("#dlg-login")
        self.see("login")
        browser.type("#dlg-login [name=password]", "correct horse battery")
        browser.click("#dlg-login .actions .btn")
        browser.wait_visible("#audit-rows tr")
        browser.wait_visible("#rep-rows tr")
        browser.settle()
        self.see("settings")
        browser.run(
            "const s = document.querySelector('#sure-by'); s.value = 'fpir'; s.dispatchEvent(new Event('change'))"
        )
        browser.wait(
            "return document.querySelector('#sure-rate').value === '0.01'"
            " && !document.querySelector('#sure-save').disabled"
        )
        browser.click("#sure-save")
        browser.wait_visible("#sure-reset")
        browser.wait("return document.querySelector('#sure-save').disabled")  # nothing more to save
        browser.settle()
        self.see("settings-sure")
        browser.run("document.querySelector('#key-new').scrollIntoView({ block: 'center' })")
        browser.click("#key-new")
        browser.type("#k-label", "Front door")
        self.see("settings-key")
        browser.click("#key-make")
        browser.wait("return document.querySelector('#key-text').value.startsWith('sbk_')")
        browser.wait_visible("#key-text")
        self.see("settings-key-made")
        browser.click("#key-shut")

    def no_camera(self):
        self.view("register")
        self.browser.run("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        self.browser.click("#register-take")
        self.browser.wait_visible("#register-stage .stage-msg")
        self.see("register-no-camera")
