"""DeepFace's functions, computed by libsemblance: the same arguments, and results of the same shapes.

What differs: the models are Semblance's, unless model_name names an installed one; photos are files, bytes, pixels or
data URLs, never addresses to download; find() keeps no file of embeddings beside the photos; what would have no effect
is refused."""

from __future__ import annotations

import atexit
import base64
import binascii
import functools
import hashlib
import io
import math
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from semblance import results
from semblance.error import SemblanceError
from semblance.gallery import Gallery
from semblance.photos import Photo

if TYPE_CHECKING:
    import pandas as pd

DETECTORS = (
    *("opencv", "ssd", "dlib", "mtcnn", "fastmtcnn", "retinaface", "yunet", "mediapipe", "centerface", "skip"),
    "semblance",
)
ACTIONS = ("emotion", "age", "gender", "race")
EMOTIONS = {"surprised": "surprise", "afraid": "fear", "disgusted": "disgust"}
PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
REMEMBERED = 100_000  # photos of folders whose embeddings a process keeps


# ---- Distances: functions of the cosine of two embeddings of unit length

DISTANCES: dict[str, Callable[[float], float]] = {
    "cosine": lambda cosine: 1 - cosine,
    "euclidean": lambda cosine: math.sqrt(max(2 - 2 * cosine, 0)),
    "euclidean_l2": lambda cosine: math.sqrt(max(2 - 2 * cosine, 0)),
    "angular": lambda cosine: math.acos(max(-1.0, min(1.0, cosine))) / math.pi,
}


def _confidence(distance: float, threshold: float) -> float:
    """51 to 100 where the pair is verified, and 49 down to 0 where it is not."""
    if distance <= threshold:
        return round(51 + 49 * (1 - distance / threshold if threshold > 0 else 1), 2)
    return round(49 * max(0.0, 1 - (distance - threshold) / max(2 - threshold, 1e-9)), 2)


# ---- Arguments


def _check(
    detector_backend: str, align: bool, expand_percentage: int, normalization: str = "base", crops: bool = False
) -> bool:
    """Refuses what would have no effect. Returns whether each photo is a face that was cut out. `crops`: the function
    returns pictures of faces, so that alignment and a margin have an effect."""
    if detector_backend not in DETECTORS and not re.fullmatch(r"yolov\d+[a-z]?(-face)?", str(detector_backend)):
        raise ValueError(f"detector_backend: {detector_backend!r} is not one of {', '.join(DETECTORS)}")
    if normalization != "base":
        raise ValueError("normalization: each model prepares its input itself; leave it out, or 'base'")
    if not crops and not align:
        raise ValueError("align: faces are always aligned; leave it out, or True")
    if not crops and expand_percentage:
        raise ValueError("expand_percentage: faces are cut out by their landmarks; leave it out, or 0")
    return detector_backend == "skip"


def _metric(name: str) -> Callable[[float], float]:
    if name not in DISTANCES:
        raise ValueError(f"distance_metric: {name!r} is not one of {', '.join(DISTANCES)}")
    return DISTANCES[name]


def _photo(image: Any) -> Photo:
    """From DeepFace's kinds of pictures: a path, a data URL, an open file, or pixels in BGR."""
    if isinstance(image, np.ndarray):
        return image[:, :, 2::-1] if image.ndim == 3 and image.shape[2] >= 3 else image
    if hasattr(image, "read"):
        content: bytes = image.read()
        if not isinstance(content, bytes):
            raise ValueError("an open file must be opened in binary mode ('rb')")
        return content
    if isinstance(image, str) and image.startswith("data:image/"):
        try:
            return base64.b64decode(image.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise ValueError("the data URL of the photo is not base64") from error
    if isinstance(image, str) and re.match(r"(?i)https?://", image):
        raise ValueError("photos are not downloaded: fetch the address yourself and pass the bytes")
    if isinstance(image, (str, bytes, os.PathLike)):
        return image
    raise ValueError(f"a photo is a path, a data URL, an open file or an array (BGR), not {type(image).__name__}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _said(call: Callable[[], Any]) -> Any:
    """DeepFace raises ValueError."""
    try:
        return call()
    except SemblanceError as error:
        raise ValueError(str(error)) from error


# ---- Engines


@functools.cache
def _folder() -> str:
    """A gallery without people, which only this process sees."""
    folder = tempfile.mkdtemp(prefix="semblance-deepface-")
    atexit.register(shutil.rmtree, folder, True)
    return folder


@functools.cache
def _engine(model: str | None = None) -> Gallery:
    gallery = Gallery(_folder() if model is None else os.path.join(_folder(), model), model=model)
    atexit.register(gallery.close)
    return gallery


def _gallery(model_name: str | None) -> Gallery:
    """`model_name`: an installed embedding model, in full or by its beginning ("Dlib"); None: Semblance's own."""
    if model_name is None:
        return _engine()
    known = [model["name"] for model in _engine().models("embed")]
    wanted = _plain(str(model_name))
    found = [name for name in known if _plain(name) == wanted] or [n for n in known if _plain(n).startswith(wanted)]
    if not found or not wanted:
        raise ValueError(
            f"model_name: {model_name!r} is not installed; leave it out for Semblance's own, or give one of "
            f"{', '.join(known)} (docs/models.md describes how to add DeepFace's)"
        )
    return _engine(found[0])


def _check_live(gallery: Gallery, anti_spoofing: bool) -> bool:
    """Models whose answer is only a hint refuse too many people."""
    models = [m for m in gallery.models("attributes") if "live" in m["name"] or "fas" in m["name"]]
    if anti_spoofing and not any(not m["experimental"] for m in models):
        raise ValueError(
            "anti_spoofing: no model that decides it is installed; add MiniFASNet (docs/models.md), or leave it out"
        )
    return anti_spoofing


# ---- Faces


def _faces(
    gallery: Gallery, photo: Photo, want: int, whole: bool, enforce_detection: bool, anti_spoofing: bool = False
) -> tuple[results.Faces, bool]:
    """(the faces of a photo, whether none was found and the whole photo was taken for one)."""
    lib = gallery._lib
    want |= (lib.SB_WANT_WHOLE_PHOTO if whole else 0) | (lib.SB_WANT_LIVENESS if anti_spoofing else 0)
    found: results.Faces = _said(lambda: gallery.find(photo, want))
    if anti_spoofing and any(face.is_live is False for face in found.faces):
        raise ValueError("Spoof detected in the given image.")
    if found.faces:
        return found, False
    if enforce_detection:
        raise ValueError(
            "Face could not be detected. Confirm that the picture shows a face, or set enforce_detection to False."
        )
    return _said(lambda: gallery.find(photo, want | lib.SB_WANT_WHOLE_PHOTO)), True


def _area(face: results.Face) -> dict[str, Any]:
    """Left and right are the person's own. Nothing is known of the eyes where the whole photo was taken as the face."""
    x, y, w, h = (round(v) for v in face.box)
    right, left = (tuple(round(float(v)) for v in face.landmarks[i]) for i in range(2))
    known = bool(face.quality)
    return {"x": x, "y": y, "w": w, "h": h, "left_eye": left if known else None, "right_eye": right if known else None}


def _each(images: Any, one: Callable[[Any], Any]) -> Any:
    """A list of pictures gives a list of results."""
    if isinstance(images, (list, tuple)) or (isinstance(images, np.ndarray) and images.ndim == 4):
        return [one(image) for image in images]
    return one(images)


class DeepFace:
    """As the package deepface: DeepFace.verify("one.jpg", "two.jpg")["verified"]."""

    @staticmethod
    def represent(
        img_path: Any,
        model_name: str | None = None,
        enforce_detection: bool = True,
        detector_backend: str = "opencv",
        align: bool = True,
        expand_percentage: int = 0,
        normalization: str = "base",
        anti_spoofing: bool = False,
        max_faces: int | None = None,
    ) -> list[Any]:
        """The embeddings of all faces; of several photos a list for each."""
        whole = _check(detector_backend, align, expand_percentage, normalization)
        if max_faces is not None and max_faces < 1:
            raise ValueError(f"max_faces: {max_faces} faces cannot be returned; give 1 or more")
        gallery = _gallery(model_name)
        spoofs = _check_live(gallery, anti_spoofing)

        def one(image: Any) -> list[dict[str, Any]]:
            found, fallback = _faces(
                gallery, _photo(image), gallery._lib.SB_WANT_EMBEDDING, whole, enforce_detection, spoofs
            )
            return [
                {
                    "embedding": face.embedding.tolist() if face.embedding is not None else [],
                    "facial_area": _area(face),
                    "face_confidence": 0 if fallback else round(face.score, 2),
                }
                for face in found.faces[:max_faces]
            ]

        made: list[Any] = _each(img_path, one)
        return made

    @staticmethod
    def verify(
        img1_path: Any,
        img2_path: Any,
        model_name: str | None = None,
        detector_backend: str = "opencv",
        distance_metric: str = "cosine",
        enforce_detection: bool = True,
        align: bool = True,
        expand_percentage: int = 0,
        normalization: str = "base",
        silent: bool = False,
        threshold: float | None = None,
        anti_spoofing: bool = False,
    ) -> dict[str, Any]:
        """Compares the most similar faces of two photos."""
        start = time.monotonic()
        whole = _check(detector_backend, align, expand_percentage, normalization)
        metric, gallery = _metric(distance_metric), _gallery(model_name)
        photos = [_photo(image) for image in (img1_path, img2_path)]
        # Refuses what cannot be compared: photos without a face, and with anti_spoofing pictures of pictures.
        spoofs = _check_live(gallery, anti_spoofing)
        fallback = [_faces(gallery, photo, 0, whole, enforce_detection, spoofs)[1] for photo in photos]
        if any(fallback):
            cosine, areas, verified = _compare_whole(gallery, photos, fallback)
        else:
            found = _said(lambda: gallery.verify(*photos, whole_photo=whole))
            cosine, areas, verified = found.score, [_area(face) for face in found.faces], found.match
        limit = metric(gallery.info().threshold) if threshold is None else threshold
        distance = metric(cosine)
        if threshold is not None or any(fallback):
            verified = distance <= limit
        return {
            "verified": verified,
            "distance": distance,
            "threshold": limit,
            "confidence": _confidence(distance, limit) if verified else min(_confidence(distance, limit), 49),
            "model": model_name or gallery.info().model,
            "detector_backend": detector_backend,
            "similarity_metric": distance_metric,
            "facial_areas": {"img1": areas[0], "img2": areas[1]},
            "time": round(time.monotonic() - start, 2),
        }

    @staticmethod
    def analyze(
        img_path: Any,
        actions: str | Iterable[str] = ACTIONS,
        enforce_detection: bool = True,
        detector_backend: str = "opencv",
        align: bool = True,
        expand_percentage: int = 0,
        silent: bool = False,
        anti_spoofing: bool = False,
    ) -> list[Any]:
        """Age, gender, race and emotion of all faces, in percent."""
        whole = _check(detector_backend, align, expand_percentage)
        wanted = [actions] if isinstance(actions, str) else list(actions)
        if not wanted or set(wanted) - set(ACTIONS):
            raise ValueError(f"actions are {', '.join(ACTIONS)}: give one or several, not {wanted!r}")
        gallery = _engine()
        spoofs, lib = _check_live(gallery, anti_spoofing), gallery._lib
        want = lib.SB_WANT_ATTRIBUTES | (lib.SB_WANT_POSE if "emotion" in wanted else 0)

        def one(image: Any) -> list[dict[str, Any]]:
            found, fallback = _faces(gallery, _photo(image), want, whole, enforce_detection, spoofs)
            return [_analysis(face, wanted, fallback) for face in found.faces]

        made: list[Any] = _each(img_path, one)
        return made

    @staticmethod
    def find(
        img_path: Any,
        db_path: str,
        model_name: str | None = None,
        distance_metric: str = "cosine",
        enforce_detection: bool = True,
        detector_backend: str = "opencv",
        align: bool = True,
        expand_percentage: int = 0,
        threshold: float | None = None,
        normalization: str = "base",
        silent: bool = False,
        refresh_database: bool = True,
        anti_spoofing: bool = False,
        batched: bool = False,
    ) -> list[pd.DataFrame] | list[list[dict[str, Any]]]:
        """Finds each face of a photo among the photos below a folder: a pandas frame for each, the nearest first; with
        `batched` a list of dictionaries. A process computes the embeddings of a photo once, and again when the file
        changed; nothing is written. For many people use a Gallery, which is encrypted and searches by an index."""
        whole = _check(detector_backend, align, expand_percentage, normalization)
        metric, gallery = _metric(distance_metric), _gallery(model_name)
        if not os.path.isdir(db_path):
            raise ValueError(f"db_path: there is no folder {db_path!r}")
        probes, _ = _faces(
            gallery,
            _photo(img_path),
            gallery._lib.SB_WANT_EMBEDDING,
            whole,
            enforce_detection,
            _check_live(gallery, anti_spoofing),
        )
        stored = list(_stored(gallery, model_name, db_path, whole, silent))
        limit = metric(gallery.info().threshold) if threshold is None else threshold
        hits = [_hits(face, stored, metric, limit) for face in probes.faces]
        if batched:
            return hits
        import pandas

        return [pandas.DataFrame(rows, columns=COLUMNS) for rows in hits]

    @staticmethod
    def extract_faces(
        img_path: Any,
        detector_backend: str = "opencv",
        enforce_detection: bool = True,
        align: bool = True,
        expand_percentage: int = 0,
        grayscale: bool = False,
        color_face: str = "rgb",
        normalize_face: bool = True,
        anti_spoofing: bool = False,
    ) -> list[dict[str, Any]]:
        """Cuts out the faces of a photo. `face`: height x width x 3, 0..1; bytes without `normalize_face`. Needs Pillow
        for photos that are no arrays."""
        whole = _check(detector_backend, align, expand_percentage, crops=True)
        color = "gray" if grayscale else color_face
        if color not in ("rgb", "bgr", "gray"):
            raise ValueError(f"color_face: {color_face!r} is not one of rgb, bgr, gray")
        if expand_percentage < 0:
            raise ValueError("expand_percentage: give 0 or more")
        gallery = _engine()
        image = _photo(img_path)
        found, fallback = _faces(
            gallery,
            image,
            gallery._lib.SB_WANT_LIVENESS if anti_spoofing else 0,
            whole,
            enforce_detection,
        )
        _check_live(gallery, anti_spoofing)
        pixels = _pixels(image)
        made = []
        for face in found.faces:
            crop = _crop(pixels, face, align and bool(face.quality), expand_percentage)
            crop = (
                crop[:, :, ::-1] if color == "bgr" else crop.mean(axis=2).astype(np.uint8) if color == "gray" else crop
            )
            one = {
                "face": crop / 255.0 if normalize_face else crop,
                "facial_area": _area(face),
                "confidence": 0 if fallback else round(face.score, 2),
            }
            if anti_spoofing:
                one |= {"is_real": face.is_live, "antispoof_score": face.live}
            made.append(one)
        return made

    @staticmethod
    def stream(*_: Any, **__: Any) -> NoReturn:
        """Not offered: it opens a window. The page of `semblance serve` searches a camera live."""
        raise NotImplementedError(
            "DeepFace.stream opens a window and a camera, which this package does not: run `semblance serve` and use "
            "the live search of its page, or call Gallery.search for each frame"
        )


def _embedding(face: results.Face) -> NDArray[np.float32]:
    assert face.embedding is not None
    return face.embedding


def _compare_whole(
    gallery: Gallery, photos: list[Photo], whole: list[bool]
) -> tuple[float, list[dict[str, Any]], bool]:
    """(cosine, areas, not known) of two photos of which at least one is taken as a face: enforce_detection=False."""
    want = gallery._lib.SB_WANT_EMBEDDING
    faces = [_faces(gallery, p, want, w, True)[0].faces[0] for p, w in zip(photos, whole)]
    return float(_embedding(faces[0]) @ _embedding(faces[1])), [_area(face) for face in faces], False


# ---- analyze


def _percent(shares: dict[str, float]) -> dict[str, float]:
    return {name: 100 * share for name, share in shares.items()}


def _analysis(face: results.Face, wanted: list[str], fallback: bool) -> dict[str, Any]:
    """What no installed model estimates is left out."""
    made: dict[str, Any] = {"region": _area(face), "face_confidence": 0 if fallback else round(face.score, 2)}
    a = face.attributes
    if "age" in wanted and a and a.age is not None:
        made["age"] = round(a.age)
    if "gender" in wanted and a and a.gender:
        shares = _percent({"Woman": a.gender["woman"], "Man": a.gender["man"]})
        made |= {"gender": shares, "dominant_gender": max(shares, key=lambda name: shares[name])}
    if "race" in wanted and a and a.ethnicity:
        races = _percent({name.replace("_", " "): share for name, share in a.ethnicity.items()})
        made |= {"race": races, "dominant_race": max(races, key=lambda name: races[name])}
    if "emotion" in wanted and face.expression:
        moods = _percent({EMOTIONS.get(name, name): share for name, share in face.expression.items()})
        made |= {"emotion": moods, "dominant_emotion": max(moods, key=lambda name: moods[name])}
    if len(made) == 2:
        raise ValueError(f"actions: no model for {', '.join(wanted)} is installed (docs/models.md)")
    return made


# ---- find

COLUMNS = [
    "identity",
    "hash",
    *(f"target_{c}" for c in "xywh"),
    *(f"source_{c}" for c in "xywh"),
    "threshold",
    "distance",
    "confidence",
]
Stored = tuple[str, str, "list[results.Face]"]


@functools.lru_cache(REMEMBERED)
def _read(path: str, changed: tuple[int, int], model: str | None, whole: bool) -> tuple[str, tuple[results.Face, ...]]:
    """(digest of a file, its faces). `changed`: when the file changed, and its size."""
    gallery = _gallery(model)
    with open(path, "rb") as file:
        content = file.read()
    want = gallery._lib.SB_WANT_EMBEDDING | (gallery._lib.SB_WANT_WHOLE_PHOTO if whole else 0)
    return hashlib.sha1(content, usedforsecurity=False).hexdigest(), tuple(gallery.find(content, want).faces)


def _stored(gallery: Gallery, model: str | None, folder: str, whole: bool, silent: bool) -> Iterable[Stored]:
    paths = sorted(
        os.path.join(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(PHOTOS)
    )
    if not paths:
        raise ValueError(f"Nothing is found in {folder!r}: it has no photos ({', '.join(PHOTOS)})")
    for path in paths:
        try:
            status = os.stat(path)
            digest, faces = _read(path, (status.st_mtime_ns, status.st_size), model, whole)
        except (SemblanceError, OSError) as error:
            warnings.warn(f"{path} is passed over: {error}", stacklevel=3)
            continue
        if not faces and not silent:
            warnings.warn(f"{path} is passed over: no face was found in it", stacklevel=3)
        yield path, digest, list(faces)


def _hits(
    probe: results.Face, stored: list[Stored], metric: Callable[[float], float], limit: float
) -> list[dict[str, Any]]:
    hits = []
    source = _area(probe)
    for path, digest, faces in stored:
        for face in faces:
            distance = metric(float(_embedding(probe) @ _embedding(face)))
            if distance > limit:
                continue
            target = _area(face)
            hits.append(
                {"identity": path, "hash": digest}
                | {f"target_{c}": target[c] for c in "xywh"}
                | {f"source_{c}": source[c] for c in "xywh"}
                | {"threshold": limit, "distance": distance, "confidence": _confidence(distance, limit)}
            )
    return sorted(hits, key=lambda hit: float(hit["distance"]))


# ---- extract_faces


def _pixels(photo: Photo) -> NDArray[np.uint8]:
    """The upright photo in RGB."""
    if isinstance(photo, np.ndarray):
        return photo if photo.ndim == 3 else np.repeat(photo[:, :, None], 3, axis=2)
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ValueError(
            "extract_faces needs Pillow to read this photo: pip install pillow, or pass an array"
        ) from error
    source: Any = io.BytesIO(photo) if isinstance(photo, (bytes, bytearray)) else photo
    with Image.open(source) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def _crop(pixels: NDArray[np.uint8], face: results.Face, align: bool, expand_percentage: int) -> NDArray[np.uint8]:
    """The face's box; aligned, it is turned about its centre until the eyes are level."""
    by = 1 + expand_percentage / 100
    cx, cy = face.box.x + face.box.w / 2, face.box.y + face.box.h / 2
    width, height = max(round(face.box.w * by), 1), max(round(face.box.h * by), 1)
    angle = 0.0
    if align:
        (x1, y1), (x2, y2) = face.landmarks[0], face.landmarks[1]  # as seen: the left one first
        angle = math.atan2(float(y2 - y1), float(x2 - x1))
    across, down = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    x = np.rint(cx + across * math.cos(angle) - down * math.sin(angle)).astype(int)
    y = np.rint(cy + across * math.sin(angle) + down * math.cos(angle)).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < pixels.shape[1]) & (y < pixels.shape[0])
    made = np.zeros((height, width, 3), np.uint8)
    made[inside] = pixels[y[inside], x[inside]]
    return made
