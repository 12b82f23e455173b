"""A server of the program under test, on a free port of loopback."""

import http.client
import json
import os
import subprocess
import time
import uuid

from program import PROGRAM

PATIENCE = 300  # seconds until a wait fails: many times what a slow machine needs


def multipart(fields):
    """(body, content type) of form fields: str values are text, bytes are files; a list repeats the field."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            file = isinstance(value, bytes)
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
            body += b'; filename="photo"\r\nContent-Type: application/octet-stream' if file else b""
            body += b"\r\n\r\n" + (value if file else value.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def form_of_files(files, **fields):
    """(body, content type): each file is (path, bytes)."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    )
    for path, data in files:
        body += (
            (
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
            + data
            + b"\r\n"
        )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class NotStarted(Exception):
    pass


class Server:
    """Starts on entering and stops gracefully on leaving.

    Leaving fails if the server does: the sanitizers report at its end."""

    def __init__(self, folder, *arguments, output=None):
        """`output`: a file for its log; None: where the test's own goes."""
        self.output = output
        self.data = folder
        self.command = [PROGRAM, "serve", "--port", "0", "--data", str(folder), "--log-level", "warning", *arguments]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.output, env=os.environ)
        line = self.process.stdout.readline()
        if not line:
            self.process.stdout.close()
            raise NotStarted(f"the server ended with {self.process.wait()} before it served")
        self.port = int(line.rsplit(b":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        ended = self.process.wait(120)
        self.process.stdout.close()
        if ended:
            raise AssertionError(f"the server ended with {ended}")

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def post_photos(self, path, fields, status=200):
        """The JSON answer to a form; waits while the models load."""
        body, kind = multipart(fields)
        give_up = time.monotonic() + PATIENCE
        while True:
            got, _, text = self.request("POST", path, body, {"Content-Type": kind})
            answer = json.loads(text)
            if got != 503 or status == 503 or time.monotonic() > give_up:
                break
            time.sleep(0.02)
        if got != status:
            raise AssertionError(f"{path} answered {got}: {answer}")
        return answer

    def post_photo(self, path, photo, status=200):
        return self.post_photos(path, {"image": photo}, status)
