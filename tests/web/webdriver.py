"""A small client of the W3C WebDriver protocol over chromedriver: enough to press, type and look."""
import base64
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=en-US",
         "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def available():
    return shutil.which("chromium") and shutil.which("chromedriver")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """Headless Chromium in a profile folder of its own; `camera` is a video file that plays as the camera's picture."""

    def __init__(self, folder, camera=None, size=(1280, 900)):
        self.port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        flags = [*FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}"]
        if camera:
            flags.append(f"--use-file-for-fake-video-capture={camera}")
        self.session = ""
        self.wait_for_driver()
        chrome = {"args": flags, "binary": shutil.which("chromium")}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{answer['sessionId']}"

    def wait_for_driver(self):
        for _ in range(200):
            try:
                if self.call("GET", "/status")["ready"]:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError("chromedriver does not answer")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, self.session + path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{answer['error']}: {answer['message'].splitlines()[0]}")
        return answer

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": str(text)})

    def keys(self, selector, text):
        self.type(selector, text)

    def press(self, text):
        """Keys for whatever has the focus."""
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def text(self, selector):
        return self.call("GET", f"/element/{self.find(selector)}/text")

    def visible(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return Boolean(e && e.getClientRects().length)", selector)

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments, seconds=20):
        """Waits until the script gives something true; gives it."""
        end = time.monotonic() + seconds
        while True:
            got = self.run(script, *arguments)
            if got or time.monotonic() > end:
                return got
            time.sleep(0.05)

    def wait_text(self, selector, word, seconds=20):
        found = self.wait("const e = document.querySelector(arguments[0]);"
                          "return e && e.getClientRects().length && e.textContent.includes(arguments[1])", selector, word, seconds=seconds)
        if not found:
            raise AssertionError(f"{selector} does not say {word!r}; the page says: {self.text('main')[:600]!r}")

    def emulate(self, width, height, scale=1, mobile=False):
        """The window's inner size, whatever the real window's least size is."""
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}})

    def drop(self, selector, *paths):
        """Drops files or folders of the disk onto an element, as the file manager does."""
        x, y = self.run("const e = document.querySelector(arguments[0]); e.scrollIntoView({ block: 'center' }); const b = e.getBoundingClientRect();"
                        "return [b.x + b.width / 2, b.y + b.height / 2]", selector)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("POST", "/goog/cdp/execute", {"cmd": "Input.dispatchDragEvent", "params": {"type": kind, "x": x, "y": y, "data": data}})

    def reset(self):
        """As a browser that was just started, for the next test."""
        self.open("about:blank")
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": []}})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Page.setBypassCSP", "params": {"enabled": False}})
        self.log()

    def run_async(self, script, *arguments):
        """Runs a script that calls its last argument with what it has found."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def size(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def log(self):
        return self.call("POST", "/se/log", {"type": "browser"})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
