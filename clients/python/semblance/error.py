"""The one exception of this package."""

from __future__ import annotations

from typing import Any


class SemblanceError(Exception):
    """The server or the library refused a call. `code`: its stable code ("no_face"); `status`: the HTTP status, and
    `body`: the whole answer, both None where no server was asked."""

    def __init__(self, status: int | None, code: str, message: str, body: Any = None) -> None:
        super().__init__(message)
        self.status, self.code, self.body = status, code, body
