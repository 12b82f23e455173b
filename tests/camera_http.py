"""A camera over HTTP for tests: a stream of JPEGs, or whatever the test answers for a path."""

import contextlib
import http.server
import threading
import time


class Pictures(http.server.BaseHTTPRequestHandler):
    """A camera over HTTP: a stream of JPEGs, or whatever the test's server gives for a path."""

    def do_GET(self):  # noqa: N802
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        with contextlib.suppress(OSError):
            answer(self)

    def log_message(self, *_):
        pass


class Camera:
    """Serves `answers`, functions by path, on a port of loopback."""

    def __init__(self, answers, address="127.0.0.1", port=0):
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer((address, port), Pictures)
        self.server.daemon_threads = True
        self.server.answers = answers
        self.server.seen = []
        self.server.running = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        """Unplugs it: streams end, and nothing answers any more."""
        self.server.running = False
        self.server.shutdown()
        self.server.server_close()


def multipart_stream(frames, rate=10):
    """Answers with `frames` (a function of the number of the picture) as multipart/x-mixed-replace."""

    def answer(request):
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        number = 0
        while request.server.running:
            picture = frames(number)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            request.wfile.write(head.encode() + picture + b"\r\n")
            number += 1
            time.sleep(1 / rate)

    return answer


def refuse(request):
    """Answers that a password is wanted."""
    request.send_response(401)
    request.send_header("WWW-Authenticate", 'Basic realm="camera"')
    request.end_headers()
