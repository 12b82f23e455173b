"""What the tests of the page share: a browser with a camera, and a server and a folder for each test."""

import json
import pathlib
import shutil
import tempfile
import unittest

import camera
import webdriver
from program import FRIENDS, GROUPS
from server import Server

OBAMA, OBAMA2, BIDEN, GROUP = (
    FRIENDS / "obama.jpg",
    FRIENDS / "obama2.jpg",
    FRIENDS / "biden.jpg",
    GROUPS / "sample5.jpg",
)

shared = {}


def shared_browser():
    """One browser for all tests. Each test has its own server, and so its own origin."""
    if not shared:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-browser-"))
        unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
        camera.write_video(OBAMA, folder / "camera.y4m")
        shared["browser"] = webdriver.Browser(folder, folder / "camera.y4m")
        unittest.addModuleCleanup(shared.clear)
        unittest.addModuleCleanup(shared["browser"].close)
    return shared["browser"]


@unittest.skipUnless(webdriver.available(), "chromium and chromedriver are not installed")
class PageCase(unittest.TestCase):
    flags = ()  # of the server

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Server(self.folder / "data", *self.flags)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.browser = shared_browser()
        self.address = f"http://localhost:{self.server.port}/"
        self.browser.reset(self.address)
        self.browser.open(self.address)
        self.browser.wait_text(".side .srv", "Ready")

    def view(self, name):
        self.browser.click(f".side [data-nav={name}]")
        self.browser.wait_visible(f"[data-view={name}]")

    def enroll(self, identity="44", name="Barack Obama", photo=OBAMA):
        self.server.post_photos("/v1/people", {"id": identity, "name": name, "image": photo.read_bytes()}, 201)

    def people(self):
        return json.loads(self.server.request("GET", "/v1/people")[2])["people"]

    def fill_form(self, name, identity):
        self.browser.type("#f-name", name)
        self.browser.type("#f-id", identity)
        self.browser.click("#f-consent")

    def clean_log(self):
        """The messages of the console, without the lines that the browser logs for each 4xx answer."""
        return [
            entry["message"]
            for entry in self.browser.log()
            if "the server responded with a status of" not in entry["message"]
        ]
