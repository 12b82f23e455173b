"""The page's view of cameras and the timeline of events, and what cameras saw on a person's page."""

import json
import pathlib
import unittest

from camera_http import Camera, multipart_stream, refuse
from events_source import EventSource
from page import OBAMA, PageCase
from program import PHOTOS, PROGRAM

PASSWORD = "geheim@42"
DAY_MS = 86_400_000
AXE = PHOTOS / "axe-core/axe.min.js"
BEGIN = 1_800_000_000_000  # 2027-01-15, 08:00 UTC


class CamerasCase(PageCase):
    def setUp(self):
        super().setUp()
        for camera in json.loads(self.server.request("GET", "/v1/cameras")[2])["cameras"]:
            self.server.request("DELETE", f"/v1/cameras/{camera['name']}")

    def source(self):
        source = EventSource(self.server.data)
        self.addCleanup(source.__exit__)
        return source

    def camera(self):
        """A camera over HTTP: /live shows somebody, /login refuses the password."""
        picture = OBAMA.read_bytes()
        camera = Camera({"/live": multipart_stream(lambda number: picture, 5), "/login": refuse})
        self.addCleanup(camera.close)
        return f"http://127.0.0.1:{camera.port}"

    def add(self, name="door", address="http://127.0.0.1:1/x", **fields):
        body = json.dumps({"name": name, "address": address, "purpose": "a test", **fields})
        status, _, text = self.server.request("POST", "/v1/cameras", body, {"Content-Type": "application/json"})
        self.assertEqual(status, 201, text)

    def stored(self):
        return json.loads(self.server.request("GET", "/v1/cameras")[2])["cameras"]

    def open_view(self, state=""):
        self.browser.open("about:blank")
        self.browser.open(f"{self.address}#cameras{state}")
        self.browser.wait_text("#h-cameras", "Cameras")

    def count(self, selector):
        return f"return document.querySelectorAll('{selector}').length"


@unittest.skipUnless(
    (pathlib.Path(PROGRAM).resolve().parent.parent / "video/semblance-video").exists(), "this build has no decoder"
)
class Cameras(CamerasCase):
    def test_a_camera_is_added_tried_changed_and_removed_and_its_password_is_never_shown(self):
        browser, base = self.browser, self.camera()
        self.view("cameras")
        browser.wait_text("#cameras-none", "No camera yet")
        browser.click("#cameras-first")
        browser.click("#cam-yes")
        for field in ("name", "address", "purpose"):
            browser.wait_visible(f"#cam-{field}-need")
        browser.type("#cam-name", "Front Dóor")
        browser.type("#cam-address", f"{base}/login")
        browser.type("#cam-user", "viewer")
        browser.type("#cam-password", PASSWORD)
        browser.click("#cam-test")
        browser.wait_text("#cam-tested", "The camera gives no picture", "refused the user name")
        browser.run("document.querySelector('#cam-address').value = ''")
        browser.type("#cam-address", f"{base}/live")
        browser.click("#cam-test")
        browser.wait_text("#cam-tested", "It works", "mjpeg")
        browser.wait("return document.querySelector('#cam-seen').naturalWidth > 100")
        browser.type("#cam-purpose", "who comes")
        self.picture("camera-dialog")
        browser.click("#cam-yes")
        browser.wait_text("#toast", "front-door was added")
        browser.wait_text(".camera-card", "front-door", "who comes", "Connected")
        browser.wait("return document.querySelector('.camera-card img')?.naturalWidth > 100")
        self.assertEqual([camera["name"] for camera in self.stored()], ["front-door"])
        browser.click(".camera-card [data-act=edit]")
        browser.wait_text("#cam-address-help", base)
        self.assertEqual(
            browser.run("return [...document.querySelectorAll('#cam-user, #cam-password')].map((n) => n.value).join()"),
            ",",
        )
        self.assertNotIn("geheim", browser.run("return document.documentElement.outerHTML"))
        browser.run("document.querySelector('#cam-purpose').value = 'who leaves'")
        browser.click("#cam-yes")
        browser.wait_text(".camera-purpose", "who leaves")
        browser.wait_text(".camera-card", "Connected")
        browser.click(".camera-card [data-act=remove]")
        browser.click("#ask-yes")
        browser.wait_visible("#cameras-none")
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.clean_log(), [])

    def test_why_a_camera_cannot_be_watched_is_said_in_the_language_of_the_page(self):
        self.add(address=f"{self.camera()}/login")
        self.open_view()
        self.browser.wait_text(".camera-problem", "The camera refused the user name or the password.")
        self.browser.wait_text(".camera-phase", "Lost")
        self.browser.run(
            "const s = document.querySelector('#lang'); s.value = 'de'; s.dispatchEvent(new Event('change'))"
        )
        self.browser.wait_text(".camera-problem", "Die Kamera hat Benutzername oder Passwort abgelehnt.")
        self.browser.wait_text("#h-cameras", "Kameras")
        self.browser.wait_text("#e-kind", "Personen")

    def test_an_error_stays_in_its_dialog_and_speaks_of_cameras(self):
        self.add()
        self.open_view()
        self.browser.wait_visible(".camera-card")
        self.browser.click("#cameras-add")
        self.browser.type("#cam-name", "door")
        self.browser.type("#cam-address", "rtsp://127.0.0.1:1/x")
        self.browser.type("#cam-purpose", "a test")
        self.browser.click("#cam-yes")
        self.browser.wait_text("#cam-error", "There is a camera of that name already")
        self.assertEqual(
            self.browser.run("return document.querySelector('#cam-address').value"), "rtsp://127.0.0.1:1/x"
        )
        self.browser.click("#cam-cancel")
        self.browser.wait_equal("cameras-add", "return document.activeElement.id")

    def test_paused_pictures_are_not_asked_for_while_the_states_are(self):
        self.add(address=f"{self.camera()}/live")
        self.open_view()
        self.browser.wait("return document.querySelector('.camera-card img')?.naturalWidth > 100")
        self.browser.click("#cameras-pause")
        self.browser.wait_equal("true", "return document.querySelector('#cameras-pause').ariaPressed")
        self.browser.run(
            "window.asked = []; const ask = window.fetch;"
            "window.fetch = (path, ...all) => { window.asked.push(String(path)); return ask(path, ...all); }"
        )
        self.browser.wait("return window.asked.length > 2")
        asked = self.browser.run("return window.asked")
        self.assertEqual({path for path in asked if "snapshot" in path}, set())
        self.browser.click("#cameras-pause")
        self.browser.wait("return window.asked.some((path) => path.includes('/snapshot'))")

    @unittest.skipUnless(AXE.exists(), "axe-core is not installed (script/setup --tests)")
    def test_the_view_fits_a_phone_in_every_language_and_has_no_finding_of_axe(self):
        self.enroll("ana", "Somebody With A Name That Is Much Longer Than Names Usually Are")
        source = self.source()
        source.add("watchlist", person="ana")
        source.add(since_ms=BEGIN + DAY_MS)
        source.add("camera_lost", camera="a-camera-with-a-name-that-is-as-long-as-a-name-may-be-64-letters")
        self.add("a-camera-with-a-name-that-is-as-long-as-a-name-may-be-64-letters")
        self.add("yard")
        self.browser.call("POST", "/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": True}})
        for width, height, phone in ((360, 780, True), (1280, 900, False), (3840, 2160, False)):
            self.browser.emulate(width, height, 1, phone)
            self.open_view()
            self.browser.wait(self.count("#event-list .event") + " >= 3")  # cameras that are lost are events, too
            self.browser.wait_text("[data-camera=yard] .camera-problem", "cannot be reached")
            for language in ("de", "pt", "es", "fr", "en"):
                self.language(language)
                with self.subTest(width=width, language=language):
                    self.browser.wait("return document.documentElement.scrollWidth <= arguments[0]", width)
            for theme in ("light", "dark"):
                self.browser.run("document.querySelector(`[data-theme-set=${arguments[0]}]`).click()", theme)
                self.browser.settle()
                self.picture(f"camera-cards-{width}-{theme}", (width, 1600))
                with self.subTest(width=width, theme=theme):
                    self.assertEqual(self.findings(), [])
            self.browser.click("#cameras-add")
            self.browser.run("document.querySelector('#cam-more').open = true")
            self.browser.settle()
            self.picture(f"camera-dialog-{width}")
            with self.subTest(width=width, dialog=True):
                self.assertEqual(self.findings(), [])
            self.browser.click("#cam-cancel")

    def language(self, language):
        self.browser.run(
            "const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            language,
        )
        self.browser.wait("return document.documentElement.lang.startsWith(arguments[0])", language)

    def findings(self):
        self.browser.run("if (!window.axe) (0, eval)(arguments[0])", AXE.read_text())
        return self.browser.run_async(
            "const done = arguments[0]; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
            ".then((r) => done(r.violations.map((v) => `${v.id} ${v.nodes[0].html}`)))"
        )


class Timeline(CamerasCase):
    flags = ("--cameras=false",)  # no event of a camera that another test removes

    def rows(self):
        return "return [...document.querySelectorAll('#event-list .strong')].map((n) => n.textContent).join()"

    def test_events_are_listed_filtered_and_followed_and_the_address_says_how(self):
        self.enroll("ana", "Ana")
        browser, source = self.browser, self.source()
        source.add(person="ana", since_ms=BEGIN)
        source.add(camera="yard", since_ms=BEGIN + DAY_MS)
        source.add("camera_lost", camera="yard", since_ms=BEGIN + 2 * DAY_MS)
        self.open_view()
        browser.wait_equal("Camera lost,Unknown person,Ana", self.rows())
        self.assertEqual(browser.run(self.count("#event-list .event-day")), 3)
        browser.wait_text("#events-link", "Live")
        source.add(camera="hall", person="ana", since_ms=BEGIN + 3 * DAY_MS)
        browser.wait_equal("Ana,Camera lost,Unknown person,Ana", self.rows())
        browser.run(
            "const s = document.querySelector('#e-kind'); s.value = 'seen'; s.dispatchEvent(new Event('change'))"
        )
        browser.wait_equal("Ana,Unknown person,Ana", self.rows())
        browser.wait_equal("#cameras?kind=seen", "return location.hash")
        browser.click("#e-person")
        browser.wait_text("#find-pick", "Ana")
        browser.click("#find-yes")
        browser.wait_equal("Ana,Ana", self.rows())
        browser.wait_text("#e-person", "Person: Ana")
        browser.wait_text("#events-link", "Live")
        source.add(since_ms=BEGIN + 4 * DAY_MS)
        source.add(person="ana", since_ms=BEGIN + 4 * DAY_MS)
        browser.wait_equal("Ana,Ana,Ana", self.rows())
        browser.run("location.reload()")
        browser.wait_equal("Ana,Ana,Ana", self.rows())
        browser.wait_text("#e-person", "Person: Ana")
        self.open_view("?since=2027-01-16T20:00&until=2027-01-17T20:00")
        browser.wait_equal("Camera lost", self.rows())
        self.open_view("?camera=attic")
        browser.wait_text("#events-none", "No event matches the filters")
        browser.click("#e-clear")
        browser.wait_equal("#cameras", "return location.hash")
        browser.wait_equal(6, self.count("#event-list .event"))
        browser.click("#event-list .who-link")
        browser.wait_text("#h-person", "Ana")
        self.assertEqual(self.clean_log(), [])

    def test_older_events_come_page_by_page_and_a_person_has_the_own_ones(self):
        self.enroll("ana", "Ana")
        source = self.source()
        for number in range(70):
            source.add(person="ana" if number % 2 else "-", since_ms=BEGIN + number * 60_000)
        self.open_view()
        for count in (30, 60, 70):
            self.browser.wait_equal(count, self.count("#event-list .event"))
            if count < 70:
                self.browser.click("#events-more")
        self.browser.wait_visible("#events-more", False)
        self.browser.open("about:blank")
        self.browser.open(f"{self.address}#person?id=ana")
        self.browser.wait_text("#sightings", "Seen by cameras", "door")
        self.browser.wait_equal(10, self.count("#sighting-list .event"))
        self.browser.click("#sightings-more")
        self.browser.wait_equal(20, self.count("#sighting-list .event"))
        self.browser.click("#sightings .card-head a")
        self.browser.wait_text("#e-person", "Person: Ana")
        self.browser.wait_equal(30, self.count("#event-list .event"))

    def test_a_link_that_drops_is_told_and_made_again_without_missing_an_event(self):
        browser, source = self.browser, self.source()
        source.add("camera_lost")
        browser.each_page(
            "if (!window.links) { window.links = []; const Real = window.EventSource;"
            "window.EventSource = class extends Real { constructor(path) {"
            "super(window.cut ? '/v1/nowhere' : path); window.links.push(this); } } }"
        )
        self.open_view()
        browser.wait_text("#events-link", "Live")
        browser.run("window.cut = true; const l = window.links.at(-1); l.close(); l.onerror(new Event('error'))")
        browser.wait_text("#events-link", "Connection lost")
        browser.wait("return window.links.length > 2")
        source.add("camera_back")
        self.assertEqual(browser.run(self.rows()), "Camera lost")
        browser.run("window.cut = false")
        browser.wait_equal("Camera is back,Camera lost", self.rows())
        browser.wait_text("#events-link", "Live")

    def test_a_server_that_watches_none_says_so(self):
        self.view("cameras")
        self.browser.wait_text("#cameras-unwatched", "This server watches no cameras")
        self.browser.wait_visible("#cameras-none")
        self.browser.wait_visible("#timeline", False)


if __name__ == "__main__":
    unittest.main()
