"""An HTTP server that publishes one file, for the tests of downloads."""

import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        publisher = self.server.publisher
        if publisher.path not in (None, self.path):
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        publisher.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and publisher.ranges else 0
        if start and start >= len(publisher.content):
            self.send_error(416)
            return
        body = publisher.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if publisher.breaks:
            publisher.breaks -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Publisher:
    """Serves `content` at `path` (None: at any) for the time of a test; the first `breaks` answers end in the middle.
    `asked` has the Range header of each request; without `ranges` such headers are not obeyed."""

    def __init__(self, test, content, path=None):
        self.content, self.path = content, path
        self.breaks, self.ranges, self.asked = 0, True, []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.publisher = self
        self.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
