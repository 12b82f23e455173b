"""What a Gallery returns. Coordinates are pixels of the upright photo, with the origin at the top left. A value of None
is not known: no model estimates it, or it was not asked for."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Attributes:
    """Estimates from a face. `gender` and `ethnicity`: probabilities, sum 1."""

    age: float | None
    gender: dict[str, float] | None
    ethnicity: dict[str, float] | None


@dataclass(frozen=True)
class Face:
    """A face of a photo. `score`: the detector's confidence, 0..1. `landmarks`: the subject's right eye, left eye, nose
    tip, right and left corner of the mouth. `quality`: its parts by name, 0..1, and "overall", the smallest; empty
    where it was not measured. `embedding`: unit length. `pose`: yaw, pitch and roll in degrees. `live`: passive
    liveness, 0 a picture and 1 a person; `is_live`: what its models decide."""

    box: Box
    score: float
    landmarks: NDArray[np.float32]
    quality: dict[str, float]
    embedding: NDArray[np.float32] | None = None
    attributes: Attributes | None = None
    pose: dict[str, float] | None = None
    expression: dict[str, float] | None = None
    live: float | None = None
    is_live: bool | None = None


@dataclass(frozen=True)
class Faces:
    """The faces of one photo, the largest first. `model`: that of the embeddings, or ""."""

    width: int
    height: int
    model: str
    faces: list[Face]


@dataclass(frozen=True)
class Candidate:
    """A person who was found. `similarity`: cosine of the two templates. `score`: the similarity normalised by the
    crowd around both faces. `false_match_rate`: the probability that two different people reach it,
    `false_match_upper`: the upper end of its 95 % confidence interval. `verdict`: "match", "unsure" or "none"."""

    id: str
    name: str
    similarity: float
    score: float
    false_match_rate: float
    false_match_upper: float
    verdict: str

    @property
    def match(self) -> bool:
        return self.verdict == "match"


@dataclass(frozen=True)
class SearchFace:
    """`verdict`: of the best candidate; `reason`: why it is "unsure", else ""."""

    face: Face
    verdict: str
    reason: str
    candidates: list[Candidate]

    @property
    def best(self) -> Candidate | None:
        """The person that the face matches; None: nobody."""
        return self.candidates[0] if self.verdict == "match" and self.candidates else None


@dataclass(frozen=True)
class Search:
    """`threshold` and `unsure`: the scores from which a candidate is a match, and "unsure". `fpir`: the share of
    searches of strangers that match somebody, at that threshold and this gallery's size."""

    width: int
    height: int
    faces: list[SearchFace]
    gallery_size: int
    threshold: float
    unsure: float
    fpir: float


@dataclass(frozen=True)
class Comparison:
    """Two faces. The fields are those of Candidate and Search; `faces`: the compared face of each photo."""

    verdict: str
    reason: str
    similarity: float
    score: float
    threshold: float
    unsure: float
    false_match_rate: float
    false_match_upper: float
    faces: tuple[Face, Face]

    @property
    def match(self) -> bool:
        return self.verdict == "match"


@dataclass(frozen=True)
class Person:
    """`faces`: how many are stored. `expires`: when the person is erased; None: never."""

    id: str
    name: str
    consent: str
    purpose: str
    created: datetime.datetime
    expires: datetime.datetime | None
    faces: int
    attributes: Attributes | None


@dataclass(frozen=True)
class Enrolled:
    """`person`: as it is now. `faces`: of each photo, the one that was enrolled. `duplicates`: other people who match
    one of them."""

    person: Person
    faces_added: int
    faces: list[Face]
    duplicates: list[Candidate]


@dataclass(frozen=True)
class Collection:
    name: str
    model: str
    dim: int
    people: int
    faces: int


@dataclass(frozen=True)
class Info:
    """A gallery: its embedding model and their length, the default threshold, the scores from which a face is "unsure",
    the quality that enrolment needs, and how many people and faces all collections have."""

    model: str
    dim: int
    threshold: float
    unsure: float
    minimum_quality: float
    people: int
    faces: int
