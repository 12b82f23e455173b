"""Semblance finds and verifies people by their face.

    Gallery          people and photos in this process, with libsemblance
    Semblance        a client of a Semblance server; needs only the standard library
    AsyncSemblance   the same client for asyncio
    DeepFace         the functions of the package deepface, computed by libsemblance

Every refusal raises SemblanceError."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from semblance.async_client import AsyncSemblance
from semblance.client import Semblance
from semblance.error import SemblanceError

if TYPE_CHECKING:
    from semblance.deepface import DeepFace
    from semblance.gallery import Gallery, version
    from semblance.results import (
        Attributes,
        Box,
        Candidate,
        Collection,
        Comparison,
        Enrolled,
        Face,
        Faces,
        Info,
        Person,
        Search,
        SearchFace,
    )

# What needs numpy, cffi and the library is imported when it is first used: the clients of a server need none of them.
_LATER = {"DeepFace": "deepface", "Gallery": "gallery", "version": "gallery"} | dict.fromkeys(
    (
        "Attributes",
        "Box",
        "Candidate",
        "Collection",
        "Comparison",
        "Enrolled",
        "Face",
        "Faces",
        "Info",
        "Person",
        "Search",
        "SearchFace",
    ),
    "results",
)

__all__ = [
    "AsyncSemblance",
    "Attributes",
    "Box",
    "Candidate",
    "Collection",
    "Comparison",
    "DeepFace",
    "Enrolled",
    "Face",
    "Faces",
    "Gallery",
    "Info",
    "Person",
    "Search",
    "SearchFace",
    "Semblance",
    "SemblanceError",
    "version",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'semblance' has no attribute {name!r}")
    return getattr(importlib.import_module(f"semblance.{_LATER[name]}"), name)
