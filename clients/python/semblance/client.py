"""A client for the HTTP API of Semblance. It needs only the standard library.

    from semblance import Semblance
    faces = Semblance("http://localhost:8501")
    faces.enroll("44", "Barack Obama", "obama.jpg", consent="agreed on paper")
    for face in faces.search("crowd.jpg")["faces"]:
        print(face["verdict"], face["candidates"][:1])

Photos are paths or bytes. Every method returns the JSON of the answer; docs/api.md and /v1/openapi.yaml of the
server describe it. A request that the server refuses raises SemblanceError. While the server is loading or busy
(429, 503), requests are repeated for up to `patience` seconds. Several threads may use one object."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import ssl
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from semblance.error import SemblanceError

Photo = str | os.PathLike[str] | bytes | bytearray | memoryview
Json = dict[str, Any]
Body = bytes | Callable[[], Iterator[bytes]] | None


def _bytes(photo: Photo) -> bytes:
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo)
    return pathlib.Path(photo).read_bytes()


def _part(boundary: str, name: str, value: bytes, filename: str | None = None) -> bytes:
    """One part of a multipart/form-data body (RFC 7578)."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if filename is not None:
        quoted = filename.replace("\\", "/").replace('"', "%22").replace("\r", "").replace("\n", "")
        head += f'; filename="{quoted}"\r\nContent-Type: application/octet-stream'
    return head.encode() + b"\r\n\r\n" + value + b"\r\n"


class Semblance:
    """A server at `address`. `key`: an API key; `collection`: the collection of people to work on (default: the
    server's default); `timeout`: seconds for one request; `context`: an ssl.SSLContext, such as one that trusts a
    self-signed certificate."""

    def __init__(
        self,
        address: str = "http://localhost:8501",
        key: str | None = None,
        collection: str | None = None,
        timeout: float = 60,
        patience: float = 30,
        context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r} is not an http or https address")
        self._host, self._port, self._secure = parts.hostname, parts.port, parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._context = context or (ssl.create_default_context() if self._secure else None)
        self._key, self._collection, self._timeout, self._patience = key, collection, timeout, patience

    # ---- People

    def enroll(self, /, identity: str, name: str, *photos: Photo, **options: Any) -> Json:
        """Registers a person. Options: consent, purpose, expires, faces ("largest"), quality ("any"), on_duplicate
        ("refuse"), attributes (True), liveness (the token of a challenge)."""
        return self._send_photos(
            "/v1/people", {"image": photos}, {"id": identity, "name": name, **options}, idempotent=True
        )

    def add_faces(self, /, identity: str, *photos: Photo, **options: Any) -> Json:
        """Adds the faces of photos to a registered person."""
        return self._send_photos(self._person_path(identity) + "/faces", {"image": photos}, options, idempotent=True)

    def person(self, identity: str) -> Json:
        """Returns a person's record."""
        return self._request("GET", self._person_path(identity))

    def people(self, query: str | None = None, sort: str = "oldest", page: int = 1000) -> Iterator[Json]:
        """Yields the people whose id or name contains `query`, fetching `page` of them at a time."""
        cursor = None
        while True:
            answer = self._request("GET", "/v1/people", {"query": query, "sort": sort, "limit": page, "cursor": cursor})
            yield from answer["people"]
            cursor = answer.get("next_cursor")
            if cursor is None:
                return

    def change(self, /, identity: str, name: str | None = None, new_id: str | None = None, **fields: Any) -> Json:
        """Changes a person: all that is given, or nothing. `fields`: consent, purpose, expires ("30d", a date or
        "never"), forget (estimates to erase: "age,gender,ethnicity")."""
        named = {key: value for key, value in (("name", name), ("id", new_id)) if value is not None}
        return self._send_json("PATCH", self._person_path(identity), {**named, **fields})

    def faces(self, identity: str, thumbnails: bool = False) -> list[Json]:
        """The stored faces of a person: number, quality, date and, if wanted and stored, a small picture."""
        query = {"limit": 1000, "thumbnails": "true" if thumbnails else "false"}
        kept: list[Json] = self._request("GET", self._person_path(identity) + "/faces", query)["faces"]
        return kept

    def delete_face(self, identity: str, face: int) -> Json:
        """Erases one face of a person."""
        return self._request("DELETE", f"{self._person_path(identity)}/faces/{int(face)}")

    def review(self, identity: str) -> Json:
        """How well a person's templates agree, and who else looks like the person."""
        return self._request("GET", self._person_path(identity) + "/review")

    def history(self, identity: str, limit: int = 100, before: int | None = None) -> Json:
        """What the audit holds about a person, newest first."""
        query: dict[str, Any] = {"limit": limit, **({"before": before} if before else {})}
        return self._request("GET", self._person_path(identity) + "/history", query)

    def set_different(self, identity: str, other: str, different: bool = True) -> Json:
        """Says that two people who look alike are different people, or takes that back."""
        return self._send_json(
            "POST", self._person_path(identity) + "/different", {"other": other, "different": different}
        )

    def merge(self, identity: str, other: str) -> Json:
        """Moves the faces of `other` to `identity`, and erases the record of `other`."""
        return self._send_json("POST", self._person_path(identity) + "/merge", {"from": other})

    def delete(self, identity: str) -> Json:
        """Erases a person and returns the erasure receipt."""
        return self._request("DELETE", self._person_path(identity))

    # ---- Photos

    def search(self, /, photo: Photo, k: int = 5, largest: bool = False, **target: float) -> Json:
        """Finds up to `k` candidates for every face. `target`: one of threshold, fmr and fpir; default: the
        server's."""
        query = {"k": k, "faces": "largest" if largest else "all", **target}
        return self._send_photos("/v1/search", {"image": [photo]}, {}, query)

    def verify(self, /, first: Photo, second: Photo, liveness: str | None = None, **target: float) -> Json:
        """Compares the largest faces of two photos. `target`: one of threshold and fmr; default: the server's.
        `liveness`: the token of a challenge (challenge)."""
        fields = {"liveness": liveness}
        return self._send_photos("/v1/verify", {"image1": [first], "image2": [second]}, fields, target)

    def detect(self, photo: Photo) -> Json:
        """Returns the boxes, landmarks and quality of all faces."""
        return self._send_photos("/v1/detect", {"image": [photo]}, {})

    def represent(self, photo: Photo) -> Json:
        """Returns the embeddings of all faces."""
        return self._send_photos("/v1/represent", {"image": [photo]}, {})

    def analyze(self, photo: Photo) -> Json:
        """Returns age, gender and further attributes of all faces."""
        return self._send_photos("/v1/analyze", {"image": [photo]}, {})

    # ---- Active liveness

    def challenge(self, frames: Iterable[Photo], show: Callable[[Json], object] | None = None) -> Json:
        """Runs a challenge of active liveness with the frames of a camera: `frames` yields photos, 5 to 10 a second,
        not mirrored; `show(state)` is called with each state, to show state["instruction"]. Returns the last state;
        the token of a passed one (state["token"]) goes to enroll, add_faces or verify as `liveness`."""
        state = self._request("POST", "/v1/liveness/sessions")
        path = f"/v1/liveness/sessions/{state['session']}/frames"
        for frame in frames:
            state = self._send_photos(path, {"image": [frame]}, {})
            if show:
                show(state)
            if state["state"] != "running":
                return state
        return self._request("GET", path.rsplit("/", 1)[0])

    # ---- Imports

    def import_folder(self, /, folder: str | os.PathLike[str], **options: Any) -> Json:
        """Starts an import of every file below `folder`: one folder for each person, or a CSV file next to the
        photos. Returns the job."""
        root = pathlib.Path(folder)
        files = [(str(path.relative_to(root)), path) for path in sorted(root.rglob("*")) if path.is_file()]
        return self._send_files(files, options)

    def import_file(self, /, path: str | os.PathLike[str], **options: Any) -> Json:
        """Starts an import of a ZIP archive. Returns the job."""
        return self._send_files([(pathlib.Path(path).name, pathlib.Path(path))], options)

    def job(self, job: str) -> Json:
        """Returns the state of the job with this id."""
        return self._request("GET", f"/v1/jobs/{urllib.parse.quote(job, safe='')}")

    def wait(self, job: str, every: float = 0.5) -> Json:
        """Waits until the job with this id ends, or has a preview to look at (an import with preview="true": then go on
        with `resume` or `cancel`), asking every `every` seconds. Returns its last state."""
        while True:
            state = self.job(job)
            if state["state"] in ("preview", "done", "failed", "cancelled"):
                return state
            time.sleep(every)

    def result(self, job: str) -> Json:
        """What a job found: groups, duplicates, or the preview of an import."""
        return self._request("GET", f"/v1/jobs/{job}/result")

    def resume(self, job: str) -> Json:
        """Lets a paused job, or an import whose preview was looked at, go on."""
        return self._request("POST", f"/v1/jobs/{job}/resume")

    def cancel(self, job: str) -> Json:
        """Cancels a job. What it has done stays."""
        return self._request("DELETE", f"/v1/jobs/{job}")

    # ---- Server

    def health(self) -> Json:
        return self._request("GET", "/v1/health")

    def ready(self) -> bool:
        """Is the server running, with its models and gallery loaded?"""
        try:
            return self._send_once("GET", "/readyz", {}, None, None, {})[0] == 200
        except OSError:
            return False

    def thresholds(self, /, **target: float) -> Json:
        """Returns the operating point of this server and what it means; with a target (threshold, fmr or fpir), what
        that would mean."""
        return self._request("GET", "/v1/thresholds", target)

    def set_thresholds(self, /, **target: float) -> Json:
        """Sets the operating point for everyone who uses the gallery; without a target, resets it. Needs the role
        admin."""
        if not target:
            return self._request("DELETE", "/v1/thresholds")
        return self._send_json("PUT", "/v1/thresholds", target)

    # ---- Requests

    @staticmethod
    def _person_path(identity: str) -> str:
        return "/v1/people/" + urllib.parse.quote(identity, safe="")

    def _send_json(self, method: str, path: str, fields: Json) -> Json:
        return self._request(method, path, body=json.dumps(fields).encode(), content_type="application/json")

    def _send_photos(
        self,
        path: str,
        photos: dict[str, Iterable[Photo]],
        fields: Json,
        query: Json | None = None,
        idempotent: bool = False,
    ) -> Json:
        """Sends `photos` (lists by name of their field) and `fields`, without those that are None or False.
        `idempotent`: the server does it once, even if the request is repeated."""
        boundary = uuid.uuid4().hex
        parts = [
            _part(boundary, name, ("true" if value is True else str(value)).encode())
            for name, value in fields.items()
            if value not in (None, False)
        ]
        parts += [_part(boundary, name, _bytes(photo), "photo") for name, some in photos.items() for photo in some]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        headers = {"Idempotency-Key": boundary} if idempotent else {}
        return self._request("POST", path, query, body, f"multipart/form-data; boundary={boundary}", headers)

    def _send_files(self, files: list[tuple[str, pathlib.Path]], options: Json) -> Json:
        """Streams files to an import, so that an import of gigabytes needs little memory."""
        boundary = uuid.uuid4().hex
        heads = [(_part(boundary, "file", b"", name)[:-2], path) for name, path in files]
        before = b"".join(_part(boundary, name, str(value).encode()) for name, value in options.items())
        end = f"--{boundary}--\r\n".encode()
        size = len(before) + len(end) + sum(len(head) + os.stat(path).st_size + 2 for head, path in heads)

        def chunks() -> Iterator[bytes]:
            yield before
            for head, path in heads:
                yield head
                with open(path, "rb") as file:
                    while chunk := file.read(1 << 20):
                        yield chunk
                yield b"\r\n"
            yield end

        content_type = f"multipart/form-data; boundary={boundary}"
        return self._request("POST", "/v1/jobs/import", None, chunks, content_type, {"Content-Length": str(size)})

    def _request(
        self,
        method: str,
        path: str,
        query: Json | None = None,
        body: Body = None,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Json:
        """Sends a request, repeats it while the server is busy, and returns the JSON of its answer. `body`: bytes,
        or a function that returns an iterator of chunks."""
        deadline = time.monotonic() + self._patience
        while True:
            status, answer, wait = self._send_once(method, path, query or {}, body, content_type, headers or {})
            if status in (429, 503) and time.monotonic() + wait < deadline:
                time.sleep(wait)
                continue
            if status < 300:
                return answer  # type: ignore[no-any-return]
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            raise SemblanceError(status, error.get("code", "unknown"), error.get("message", str(status)), answer)

    def _send_once(
        self,
        method: str,
        path: str,
        query: Json,
        body: Body,
        content_type: str | None,
        headers: dict[str, str],
    ) -> tuple[int, Any, float]:
        """Sends one request. Returns the HTTP status, the JSON, and the seconds to wait before repeating it."""
        query = {name: value for name, value in {"collection": self._collection, **query}.items() if value is not None}
        target = self._prefix + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Accept": "application/json", **headers}
        if content_type:
            headers["Content-Type"] = content_type
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
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
