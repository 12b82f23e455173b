"""What the tests of the page share: a browser with a camera, and a server with an empty gallery for each test."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

import webdriver
from program import FRIENDS, GROUPS
from server import Server

import camera

OBAMA, OBAMA2, BIDEN, GROUP = (
    FRIENDS / "obama.jpg",
    FRIENDS / "obama2.jpg",
    FRIENDS / "biden.jpg",
    GROUPS / "sample5.jpg",
)

SHOTS = os.environ.get("SB_SHOTS")
shared = {}


def new_folder(clean_up):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="semblance-"))
    clean_up(shutil.rmtree, folder, ignore_errors=True)
    return folder


def shared_browser():
    """One browser for all tests of a file."""
    if "browser" not in shared:
        folder = new_folder(unittest.addModuleCleanup)
        camera.write_video(OBAMA, folder / "camera.y4m")
        unittest.addModuleCleanup(shared.clear)
        shared["browser"] = webdriver.Browser(folder, folder / "camera.y4m")
        unittest.addModuleCleanup(shared["browser"].close)
    return shared["browser"]


def shared_server(*flags):
    """One server for all tests of a file that are content with an empty gallery and these flags."""
    if flags not in shared:
        server = Server(new_folder(unittest.addModuleCleanup) / "data", *flags)
        server.__enter__()
        unittest.addModuleCleanup(server.__exit__)
        shared[flags] = server
    return shared[flags]


@unittest.skipUnless(webdriver.available(), "chromium and chromedriver are not installed")
class PageCase(unittest.TestCase):
    """A test of the page on an empty gallery. The server is shared: jobs and the audit log of other tests are there."""

    flags = ()

    def setUp(self):
        self.folder = new_folder(self.addCleanup)
        self.browser = shared_browser()
        self.server = self.serve()
        self.address = f"http://localhost:{self.server.port}/"
        self.browser.reset(self.address)
        self.browser.open(self.address)
        self.browser.wait_text(".side .srv", "Ready")

    def serve(self):
        server = shared_server(*self.flags)
        for collection in json.loads(server.request("GET", "/v1/collections")[2])["collections"]:
            server.request("DELETE", f"/v1/collections/{collection['name']}")
        return server

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

    def picture(self, name, clip=None):
        """Saves a screenshot for people to look at, if SB_SHOTS names a folder: of the window, or of the whole page."""
        if not SHOTS:
            return
        pathlib.Path(SHOTS).mkdir(parents=True, exist_ok=True)
        self.browser.screenshot(pathlib.Path(SHOTS, f"{name}.png"), clip)

    def clean_log(self):
        """The messages of the console, without the lines that the browser logs for each 4xx answer."""
        return [
            entry["message"]
            for entry in self.browser.log()
            if "the server responded with a status of" not in entry["message"]
        ]


class OwnServerCase(PageCase):
    """A test that needs a server of its own: with a password, a report, or its own jobs and audit log."""

    def serve(self):
        server = Server(self.folder / "data", *self.flags)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server
