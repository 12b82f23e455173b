"""A client of Semblance's HTTP API, of the standard library alone: copy this file, or put its folder on PYTHONPATH.

    from semblance import Semblance
    faces = Semblance("http://localhost:8501")
    faces.enroll("44", "Barack Obama", "obama.jpg", consent="agreed on paper")
    for face in faces.search("crowd.jpg")["faces"]:
        print(face["verdict"], face["candidates"][:1])

Photos are paths or bytes. What the server refuses is raised as SemblanceError, with the server's code and words. A server that
is loading or full is asked again until `patience` seconds have gone. One object may be used by several threads.
"""
import http.client
import json
import os
import pathlib
import ssl
import time
import urllib.parse
import uuid

__all__ = ["Semblance", "SemblanceError"]


class SemblanceError(Exception):
    """`status` is HTTP's, `code` the server's word ("no_face"), `body` the whole answer."""

    def __init__(self, status, code, message, body):
        super().__init__(message)
        self.status, self.code, self.body = status, code, body


def _bytes(photo):
    return bytes(photo) if isinstance(photo, (bytes, bytearray, memoryview)) else pathlib.Path(photo).read_bytes()


def _part(boundary, name, value, filename=None):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if filename is not None:
        quoted = filename.replace("\\", "/").replace('"', "%22").replace("\r", "").replace("\n", "")
        head += f'; filename="{quoted}"\r\nContent-Type: application/octet-stream'
    return head.encode() + b"\r\n\r\n" + value + b"\r\n"


class Semblance:
    def __init__(self, address="http://localhost:8501", key=None, collection=None, timeout=60, patience=30, context=None):
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r} is no http or https address")
        self._host, self._port, self._secure = parts.hostname, parts.port, parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._context = context or (ssl.create_default_context() if self._secure else None)
        self._key, self._collection, self._timeout, self._patience = key, collection, timeout, patience

    # ---- People

    def enroll(self, identity, name, *photos, **options):
        """Enrols a person. Options: consent, faces ("largest"), quality ("any"), on_duplicate ("refuse"), attributes (True)."""
        return self._photos("/v1/people", {"image": photos}, {"id": identity, "name": name, **options}, once=True)

    def add_faces(self, identity, *photos, **options):
        return self._photos(self._person(identity) + "/faces", {"image": photos}, options, once=True)

    def person(self, identity):
        return self._ask("GET", self._person(identity))

    def people(self, query=None, sort="oldest", page=1000):
        """All people that fit, one by one, page by page."""
        cursor = None
        while True:
            answer = self._ask("GET", "/v1/people", {"query": query, "sort": sort, "limit": page, "cursor": cursor})
            yield from answer["people"]
            cursor = answer.get("next_cursor")
            if cursor is None:
                return

    def change(self, identity, name=None, new_id=None):
        fields = {key: value for key, value in (("name", name), ("id", new_id)) if value is not None}
        return self._ask("PATCH", self._person(identity), body=json.dumps(fields).encode(), kind="application/json")

    def merge(self, identity, other):
        """Moves the faces of `other` to `identity`; the record of `other` is erased."""
        body = json.dumps({"from": other}).encode()
        return self._ask("POST", self._person(identity) + "/merge", body=body, kind="application/json")

    def delete(self, identity):
        """Erases a person; the answer is a receipt."""
        return self._ask("DELETE", self._person(identity))

    # ---- Photos

    def search(self, photo, k=5, largest=False, **target):
        """Who is it? `target` is threshold, fmr or fpir; none: the server's."""
        return self._photos("/v1/search", {"image": [photo]}, {}, {"k": k, "faces": "largest" if largest else "all", **target})

    def verify(self, first, second, **target):
        return self._photos("/v1/verify", {"image1": [first], "image2": [second]}, {}, target)

    def detect(self, photo):
        return self._photos("/v1/detect", {"image": [photo]}, {})

    def represent(self, photo):
        return self._photos("/v1/represent", {"image": [photo]}, {})

    def analyze(self, photo):
        return self._photos("/v1/analyze", {"image": [photo]}, {})

    # ---- Imports

    def import_folder(self, folder, **options):
        """Sends every file below `folder` (a folder for each person, or a CSV beside photos) as a job; gives the job."""
        root = pathlib.Path(folder)
        files = [(str(path.relative_to(root)), path) for path in sorted(root.rglob("*")) if path.is_file()]
        return self._send_files(files, options)

    def import_file(self, path, **options):
        """The same for a ZIP archive."""
        return self._send_files([(pathlib.Path(path).name, pathlib.Path(path))], options)

    def job(self, job):
        return self._ask("GET", f"/v1/jobs/{urllib.parse.quote(job, safe='')}")

    def wait(self, job, every=0.5):
        """Waits for a job's end; gives it."""
        while True:
            now = self.job(job)
            if now["state"] in ("done", "failed", "cancelled"):
                return now
            time.sleep(every)

    # ---- Server

    def health(self):
        return self._ask("GET", "/v1/health")

    def ready(self):
        try:
            return self._once("GET", "/readyz", {}, None, None, {})[0] == 200
        except OSError:
            return False

    def thresholds(self, **target):
        """How sure a match must be on this server, and what that means; with a target (threshold, fmr or fpir): what that would mean."""
        return self._ask("GET", "/v1/thresholds", target)

    def set_thresholds(self, **target):
        """An admin's choice, for all who use the gallery, at once; without a target it is taken back."""
        if not target:
            return self._ask("DELETE", "/v1/thresholds")
        return self._ask("PUT", "/v1/thresholds", body=json.dumps(target).encode(), kind="application/json")

    # ---- The way of a request

    @staticmethod
    def _person(identity):
        return "/v1/people/" + urllib.parse.quote(identity, safe="")

    def _photos(self, path, photos, fields, query=None, once=False):
        boundary = uuid.uuid4().hex
        body = b"".join(_part(boundary, name, ("true" if value is True else str(value)).encode()) for name, value in fields.items() if value not in (None, False))
        body += b"".join(_part(boundary, name, _bytes(photo), "photo") for name, some in photos.items() for photo in some)
        headers = {"Idempotency-Key": boundary} if once else {}
        return self._ask("POST", path, query, body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}", headers)

    def _send_files(self, files, options):
        """Streams the files, so that an import of gigabytes needs no memory here."""
        boundary = uuid.uuid4().hex
        heads = [(_part(boundary, "file", b"", name)[:-2], path) for name, path in files]
        before = b"".join(_part(boundary, name, str(value).encode()) for name, value in options.items())
        end = f"--{boundary}--\r\n".encode()
        size = len(before) + len(end) + sum(len(head) + os.stat(path).st_size + 2 for head, path in heads)

        def chunks():
            yield before
            for head, path in heads:
                yield head
                with open(path, "rb") as file:
                    while chunk := file.read(1 << 20):
                        yield chunk
                yield b"\r\n"
            yield end
        return self._ask("POST", "/v1/jobs/import", None, chunks, f"multipart/form-data; boundary={boundary}", {"Content-Length": str(size)})

    def _ask(self, method, path, query=None, body=None, kind=None, headers=None):
        give_up = time.monotonic() + self._patience
        while True:
            status, answer, wait = self._once(method, path, query or {}, body, kind, headers or {})
            if status in (429, 503) and time.monotonic() + wait < give_up:
                time.sleep(wait)
                continue
            if status < 300:
                return answer
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise SemblanceError(status, error.get("code", "unknown"), error.get("message", str(status)), answer)

    def _once(self, method, path, query, body, kind, headers):
        """(status, JSON, seconds after which to ask again) of one request."""
        query = {name: value for name, value in {"collection": self._collection, **query}.items() if value is not None}
        target = self._prefix + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Accept": "application/json", **headers}
        if kind:
            headers["Content-Type"] = kind
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if self._secure:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request(method, target, body() if callable(body) else body, headers)
            answer = connection.getresponse()
            text = answer.read()
            try:
                return answer.status, json.loads(text), float(answer.getheader("Retry-After") or 1)
            except ValueError:
                return answer.status, {}, 1.0
        finally:
            connection.close()
