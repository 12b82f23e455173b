"""From the library's structs to the classes of results.py."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from semblance import results
from semblance.photos import Encoded

VERDICTS = ("none", "unsure", "match")
REASONS = ("", "score", "quality", "liveness", "child")
QUALITY = ("size", "sharpness", "pose", "exposure", "visibility", "noise", "blocks", "tones", "eyes", "features")
ONE_TO_ONE = Encoded(b"")


class Converter:
    def __init__(self, ffi: Any, lib: Any) -> None:
        self.ffi, self.lib = ffi, lib
        self.ethnicities = [self.text(lib.sb_ethnicity_name(i)) for i in range(lib.SB_ETHNICITIES)]
        self.expressions = [self.text(lib.sb_expression_name(i)) for i in range(lib.SB_EXPRESSIONS)]

    def text(self, pointer: Any) -> str:
        return "" if pointer == self.ffi.NULL else self.ffi.string(pointer).decode("utf-8", "replace")

    def attributes(self, a: Any) -> results.Attributes:
        ethnicity = {name: a.ethnicity[i] for i, name in enumerate(self.ethnicities) if a.ethnicity[i] >= 0}
        return results.Attributes(
            a.age if a.age >= 0 else None, {"man": a.man, "woman": a.woman} if a.man >= 0 else None, ethnicity or None
        )

    def face(self, f: Any, photo: Encoded = ONE_TO_ONE, dim: int = 0, measured: bool = True) -> results.Face:
        """`measured`: false where a whole photo was taken as the face."""
        by = photo.shrunk
        quality = {"overall": f.quality.overall} | {name: getattr(f.quality, name) for name in QUALITY}
        embedding = None
        if dim and f.embedding != self.ffi.NULL:
            embedding = np.frombuffer(self.ffi.buffer(f.embedding, 4 * dim), np.float32).copy()
        return results.Face(
            box=results.Box(f.box.x * by, f.box.y * by, f.box.w * by, f.box.h * by),
            score=f.score,
            landmarks=np.array([(f.landmarks[i].x * by, f.landmarks[i].y * by) for i in range(5)], np.float32),
            quality={k: v for k, v in quality.items() if v >= 0} if measured else {},
            embedding=embedding,
            attributes=self.attributes(f.attributes) if f.has_attributes else None,
            pose={"yaw": f.pose.yaw, "pitch": f.pose.pitch, "roll": f.pose.roll} if f.has_pose else None,
            expression=dict(zip(self.expressions, list(f.expression.probability))) if f.has_expression else None,
            live=f.live if f.has_live else None,
            is_live=f.is_live if f.has_live else None,
        )

    def faces(self, f: Any, photo: Encoded, measured: bool) -> results.Faces:
        width, height = photo.size or (f.width, f.height)
        items = [self.face(f.items[i], photo, f.dim, measured) for i in range(f.count)]
        return results.Faces(width, height, self.text(f.model), items)

    def candidate(self, c: Any) -> results.Candidate:
        return results.Candidate(
            id=self.text(c.id),
            name=self.text(c.name),
            similarity=c.similarity,
            score=c.score,
            false_match_rate=c.false_match_rate,
            false_match_upper=c.false_match_upper,
            verdict=VERDICTS[c.verdict],
        )

    def search(self, r: Any, photo: Encoded) -> results.Search:
        width, height = photo.size or (r.width, r.height)
        faces = [
            results.SearchFace(
                self.face(f.face, photo),
                VERDICTS[f.verdict],
                REASONS[f.reason],
                [self.candidate(f.candidates[k]) for k in range(f.count)],
            )
            for f in (r.faces[i] for i in range(r.count))
        ]
        return results.Search(width, height, faces, r.gallery_size, r.threshold, r.unsure, r.fpir)

    def comparison(self, c: Any, photos: tuple[Encoded, Encoded], measured: bool) -> results.Comparison:
        first, second = (self.face(c.faces[i], photos[i], measured=measured) for i in range(2))
        return results.Comparison(
            verdict=VERDICTS[c.verdict],
            reason=REASONS[c.reason],
            similarity=c.similarity,
            score=c.score,
            threshold=c.threshold,
            unsure=c.unsure,
            false_match_rate=c.false_match_rate,
            false_match_upper=c.false_match_upper,
            faces=(first, second),
        )

    def person(self, p: Any) -> results.Person:
        return results.Person(
            id=self.text(p.id),
            name=self.text(p.name),
            consent=self.text(p.consent),
            purpose=self.text(p.purpose),
            created=moment(p.created_ms),
            expires=moment(p.expires_ms) if p.expires_ms else None,
            faces=p.faces,
            attributes=self.attributes(p.attributes) if p.has_attributes else None,
        )

    def enrolled(self, e: Any, photos: list[Encoded]) -> results.Enrolled:
        return results.Enrolled(
            person=self.person(e.person),
            faces_added=e.faces_added,
            faces=[self.face(e.faces[i], photos[i]) for i in range(e.photo_count)],
            duplicates=[self.candidate(e.duplicates[i]) for i in range(e.duplicate_count)],
        )


def moment(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
