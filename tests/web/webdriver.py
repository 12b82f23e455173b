"""A small client of the W3C WebDriver protocol over chromedriver: enough to press keys, click and read the page.

No call relies on a fixed delay after a click or an answer. Each waits until the element is ready, or until the wanted
condition holds, for up to WAIT seconds (a sanitized server on a busy machine is slow), and fails after that."""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=en-US",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
WAIT = 120
# Errors that pass by waiting: the element does not exist yet, is hidden, moves, is redrawn, or is behind another one.
NOT_YET = {"no such element", "element not interactable", "element click intercepted", "stale element reference"}
# The element is visible and not disabled. A file input counts as visible: it is always hidden behind a button.
READY = """const e = document.querySelector(arguments[0]);
    return e && !e.disabled && (e.type === 'file' || e.getClientRects().length > 0)"""
# SB_PAGE_LAG=400 holds back each answer for up to 400 milliseconds, each for another time: answers overtake each other
# as on a slow network with a busy server. The page must be right then, too.
LAG = int(os.environ.get("SB_PAGE_LAG", "0"))
LATE_ANSWERS = f"""const early = window.fetch;
    window.fetch = async (...all) => {{
      const answer = await early(...all);
      await new Promise((go) => setTimeout(go, Math.random() * {LAG}));
      return answer;
    }};"""
# Counts the requests whose answers the page has not processed yet.
COUNT_REQUESTS = """window.asking = 0; const ask = window.fetch;
    window.fetch = async (...all) => {
      window.asking += 1;
      const over = () => setTimeout(() => { window.asking -= 1; }, 50);
      try {
        const answer = await ask(...all);
        answer.clone().arrayBuffer().then(over, over);
        return answer;
      } catch (error) { over(); throw error; }
    };
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (...all) {
      window.asking += 1;
      this.addEventListener('loadend', () => setTimeout(() => { window.asking -= 1; }, 50));
      return send.apply(this, all);
    };"""


class DriverError(RuntimeError):
    def __init__(self, kind, message):
        super().__init__(f"{kind}: {message.splitlines()[0]}")
        self.kind = kind


def available():
    return shutil.which("chromium") and shutil.which("chromedriver")


class Browser:
    """Headless Chromium in a profile folder of its own; `camera` is a video file that plays as the camera's picture."""

    def __init__(self, folder, camera=None, size=(1280, 900)):
        said = pathlib.Path(folder, "chromedriver")
        with said.open("wb") as file:
            self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=file, stderr=subprocess.DEVNULL)
        self.port = self.chosen_port(said)
        flags = [*FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}"]
        if camera:
            flags.append(f"--use-file-for-fake-video-capture={camera}")
        self.session = ""
        chrome = {"args": flags, "binary": shutil.which("chromium")}
        answer = self.call(
            "POST",
            "/session",
            {
                "capabilities": {
                    "alwaysMatch": {
                        "browserName": "chrome",
                        "goog:chromeOptions": chrome,
                        "goog:loggingPrefs": {"browser": "ALL"},
                    }
                }
            },
        )
        self.session = f"/session/{answer['sessionId']}"
        self.call("POST", "/timeouts", {"script": 1000 * 5 * WAIT, "pageLoad": 1000 * 5 * WAIT})
        if LAG:
            self.each_page(LATE_ANSWERS)
        self.each_page(COUNT_REQUESTS)

    def chosen_port(self, said):
        """The port that the driver chose. It prints the number once it listens there."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end and self.driver.poll() is None:
            if found := re.search(r"successfully on port (\d+)", said.read_text()):
                return int(found[1])
            time.sleep(0.05)
        raise RuntimeError(f"chromedriver does not start: {said.read_text()}")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=6 * WAIT)
        connection.request(
            method,
            self.session + path,
            json.dumps(body) if body is not None else None,
            {"Content-Type": "application/json"},
        )
        answer = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise DriverError(answer["error"], answer["message"])
        return answer

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def patiently(self, selector, condition, what):
        """Calls `what` with the element as soon as it is ready, and again if the element was replaced meanwhile."""
        end = time.monotonic() + WAIT
        while True:
            try:
                self.wait(condition, selector)
                return what(f"/element/{self.find(selector)}")
            except DriverError as error:
                if error.kind not in NOT_YET or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def click(self, selector):
        self.patiently(selector, READY, lambda element: self.call("POST", f"{element}/click", {}))

    def type(self, selector, text):
        self.patiently(selector, READY, lambda element: self.call("POST", f"{element}/value", {"text": str(text)}))

    def keys(self, selector, text):
        self.type(selector, text)

    def press(self, text):
        """Presses keys in the element that has the focus."""
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def text(self, selector):
        return self.patiently(
            selector, "return document.querySelector(arguments[0])", lambda element: self.call("GET", f"{element}/text")
        )

    def visible(self, selector):
        return self.run(
            "const e = document.querySelector(arguments[0]); return Boolean(e && e.getClientRects().length)", selector
        )

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, script, arguments, enough):
        """Repeats a script until `enough` accepts its result. Returns (last result, whether it was accepted)."""
        end = time.monotonic() + WAIT
        while True:
            got = self.run(script, *arguments)
            if enough(got) or time.monotonic() > end:
                return got, enough(got)
            time.sleep(0.05)

    def wait(self, script, *arguments):
        """Waits until the script returns something true, and returns it."""
        got, found = self.until(script, arguments, bool)
        if not found:
            raise AssertionError(
                f"{script} {arguments} is not so within {WAIT} s; the page says: {self.text('main')[:600]!r}"
            )
        return got

    def wait_equal(self, wanted, script, *arguments):
        got, found = self.until(script, arguments, lambda now: now == wanted)
        if not found:
            raise AssertionError(f"{script} {arguments} gives {got!r}, not {wanted!r}")

    def wait_text(self, selector, *words):
        """Waits until the element is visible and contains all the words; returns its text."""
        got, found = self.until(
            "const e = document.querySelector(arguments[0]);"
            "return e && e.getClientRects().length ? e.textContent : null",
            [selector],
            lambda text: text is not None and all(word in text for word in words),
        )
        if not found:
            raise AssertionError(f"{selector} says {got!r} and not {words}; the page says: {self.text('main')[:600]!r}")
        return got

    def wait_visible(self, selector, visible=True):
        self.wait_equal(
            visible,
            "const e = document.querySelector(arguments[0]); return Boolean(e && e.getClientRects().length)",
            selector,
        )

    def settle(self):
        """Waits until every answer has arrived and is drawn, and until all animations and transitions have ended."""
        self.wait("return !window.asking")
        self.run_async("""const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => {
            const finite = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
            const ending = document.getAnimations().filter(finite);
            Promise.allSettled(ending.map((one) => one.finished)).then(() => done()); }))""")

    def each_page(self, script):
        """Runs a script in each page that is opened from now on, before the page's own scripts."""
        self.call(
            "POST", "/goog/cdp/execute", {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": script}}
        )

    def emulate(self, width, height, scale=1, mobile=False):
        """Sets the inner size of the window, also below the least size of a real one; returns after the new layout."""
        self.call(
            "POST",
            "/goog/cdp/execute",
            {
                "cmd": "Emulation.setDeviceMetricsOverride",
                "params": {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile},
            },
        )
        self.wait(
            "return matchMedia(`(width: ${arguments[0]}px) and (height: ${arguments[1]}px)`).matches", width, height
        )
        self.run_async("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")

    def drop(self, selector, *paths):
        """Drops files or folders of the disk onto an element, as a file manager does."""
        self.wait(READY, selector)
        x, y = self.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({ block: 'center' });"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]",
            selector,
        )
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call(
                "POST",
                "/goog/cdp/execute",
                {"cmd": "Input.dispatchDragEvent", "params": {"type": kind, "x": x, "y": y, "data": data}},
            )

    def reset(self, origin):
        """Makes the browser like a new one for the next test, without data of an earlier server of this address."""
        self.open("about:blank")
        self.call(
            "POST",
            "/goog/cdp/execute",
            {"cmd": "Storage.clearDataForOrigin", "params": {"origin": origin, "storageTypes": "all"}},
        )
        self.call("POST", "/goog/cdp/execute", {"cmd": "Network.clearBrowserCookies", "params": {}})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": []}})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": False}})
        self.log()

    def run_async(self, script, *arguments):
        """Runs a script that calls its last argument with its result."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def size(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def screenshot(self, path, clip=None):
        """Of the window, or of `clip`, (width, height) of the page from its top."""
        if not clip:
            data = self.call("GET", "/screenshot")
        else:
            area = {"x": 0, "y": 0, "width": clip[0], "height": clip[1], "scale": 1}
            shot = {"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": True, "clip": area}}
            data = self.call("POST", "/goog/cdp/execute", shot)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def log(self):
        return self.call("POST", "/se/log", {"type": "browser"})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
