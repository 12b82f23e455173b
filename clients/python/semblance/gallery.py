"""People and photos in this process, without a server."""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from semblance import library, models, results
from semblance.convert import Converter
from semblance.error import SemblanceError
from semblance.photos import Encoded, Photo, encode

LIVENESS = ("off", "warn", "passive", "challenge")
CHILDREN = ("unsure", "match")
ORDERS = ("oldest", "newest", "name")
PAGE = 500


def version() -> str:
    """The version of libsemblance."""
    ffi, lib = library.load()
    return str(ffi.string(lib.sb_version()).decode())


def _choice(name: str, value: str, words: Sequence[str]) -> int:
    if value not in words:
        raise SemblanceError(None, "invalid", f"{name}: {value!r} is not one of {', '.join(words)}")
    return words.index(value)


def _ms(moment: datetime.datetime | None) -> int:
    if moment is None:
        return 0
    if moment.tzinfo is None:
        raise SemblanceError(None, "invalid", "expires: give a time zone, such as datetime.timezone.utc")
    return int(moment.timestamp() * 1000)


def _target(*target: float) -> tuple[float, ...]:
    for value in target:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SemblanceError(None, "invalid", f"threshold, fmr and fpir are numbers, not {value!r}")
    return target


class Gallery:
    """An open gallery. Any number of threads may use it at the same time; several processes may open one folder.

        with Gallery("people") as gallery:
            gallery.enroll("44", "Barack Obama", "obama.jpg")
            for face in gallery.search("crowd.jpg").faces:
                print(face.best)

    `folder`: created if missing; default: the gallery of the program `semblance`. `models`: a folder with the models;
    default: the variable SEMBLANCE_MODELS, else they are fetched once. `cache`: of compiled models. `collection`: whose
    people the calls are about. `model`: the embedding model of new collections; `pipeline`: how faces are detected and
    described. `store`: "postgresql://USER@HOST/DATABASE", whose root key is in `folder`. `workers`: photos processed at
    the same time (0: one for each core, and one more); `threads`: that the models use in all. `liveness`: off, warn,
    passive or challenge; `children`: unsure or match. `device`: where the models run: CPU, GPU, GPU.1, NPU or AUTO.

    A photo is a path, the bytes of a file, or an array of uint8: height x width x 3 in RGB (OpenCV has BGR: turn it
    round with frame[:, :, ::-1]), x 4 in RGBA, or height x width in grey. Pictures of Pillow are arrays, too."""

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        models: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        collection: str = "default",
        model: str | None = None,
        pipeline: str | None = None,
        store: str | None = None,
        workers: int = 0,
        threads: int = 0,
        liveness: str = "off",
        children: str = "unsure",
        device: str = "CPU",
    ) -> None:
        self._engine: Any = None
        self._calls, self._ended = 0, threading.Condition()
        self._ffi, self._lib = library.load()
        self._convert = Converter(self._ffi, self._lib)
        self._options, self._kept = self._make(
            "sb_engine_options",
            data_dir=os.fspath(folder) if folder is not None else None,
            models_path=_models_path(models),
            cache_dir=os.fspath(cache) if cache is not None else None,
            workers=workers,
            threads=threads,
            liveness=_choice("liveness", liveness, LIVENESS),
            children=_choice("children", children, CHILDREN),
            model=model,
            pipeline=pipeline,
            store=store,
            device=device,
        )
        self._collection = collection
        out = self._ffi.new("sb_engine **")
        self._call("sb_engine_new", self._options, out)
        self._engine = self._ffi.gc(out[0], self._lib.sb_engine_free)

    # ---- Opening and closing

    def close(self) -> None:
        """Waits for the calls in progress and closes the gallery. Calls after it are refused."""
        with self._ended:
            engine, self._engine = self._engine, None
            self._ended.wait_for(lambda: not self._calls)
        if engine is not None:
            self._ffi.release(engine)

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def info(self) -> results.Info:
        out = self._ffi.new("sb_engine_info *")
        self._run("sb_engine_info_get", out)
        return results.Info(
            self._convert.text(out.model),
            out.dim,
            out.threshold,
            out.unsure,
            out.minimum_quality,
            out.people,
            out.faces,
        )

    # ---- People

    def enroll(
        self,
        identity: str,
        name: str | None,
        *photos: Photo,
        consent: str | None = None,
        purpose: str | None = None,
        expires: datetime.datetime | None = None,
        faces: str = "one",
        quality: str = "good",
        on_duplicate: str = "warn",
        attributes: bool = False,
    ) -> results.Enrolled:
        """Registers a person: durable, and found by every search, when it returns. All photos are enrolled, or none.
        `faces`: "one" refuses a group photo, "largest" takes its largest face. `quality`: "any" accepts a poor face.
        `on_duplicate`: "refuse" raises where the face belongs to somebody else already. `attributes`: estimates age,
        gender and ethnicity, and stores them."""
        flags = self._flags(faces, quality, on_duplicate, attributes)
        terms = {"consent": consent, "purpose": purpose, "expires_ms": _ms(expires)}
        return self._enroll(identity, name, photos, flags, **terms)

    def add_faces(
        self,
        identity: str,
        *photos: Photo,
        faces: str = "one",
        quality: str = "good",
        on_duplicate: str = "warn",
        attributes: bool = False,
    ) -> results.Enrolled:
        """Adds the faces of photos to a registered person."""
        self.person(identity)
        flags = self._flags(faces, quality, on_duplicate, attributes) | int(self._lib.SB_ENROLL_ADD)
        return self._enroll(identity, None, photos, flags)

    def person(self, identity: str) -> results.Person:
        out = self._ffi.new("sb_people **")
        self._run("sb_engine_get", self._text(self._collection), self._text(identity), out)
        with self._owned(out[0], "sb_people_free") as people:
            return self._convert.person(people.items[0])

    def people(self, query: str | None = None, sort: str = "oldest") -> Iterator[results.Person]:
        """Yields the people whose id or name contains `query`, by time of enrolment or by name."""
        order, after, after_name = _choice("sort", sort, ORDERS), 0, ""
        while True:
            request, _kept = self._make(
                "sb_list_request",
                collection=self._collection,
                query=query,
                limit=PAGE,
                order=order,
                after=after,
                after_name=after_name or None,
            )
            out = self._ffi.new("sb_people **")
            self._run("sb_engine_list", request, out)
            with self._owned(out[0], "sb_people_free") as page:
                found, after = [self._convert.person(page.items[i]) for i in range(page.count)], int(page.next)
            yield from found
            if not after or not found:
                return
            after_name = found[-1].name

    def change(self, identity: str, name: str | None = None, new_id: str | None = None) -> results.Person:
        """Changes a person's name or id."""
        who = self._text(self._collection), self._text(identity)
        if name is not None:
            self._run("sb_engine_rename", *who, self._text(name))
        if new_id is not None:
            self._run("sb_engine_change_id", *who, self._text(new_id))
        return self.person(identity if new_id is None else new_id)

    def merge(self, identity: str, other: str) -> int:
        """Moves the faces of `other` to `identity` and erases `other`. Returns how many faces moved."""
        moved = self._ffi.new("size_t *")
        who = self._text(self._collection), self._text(identity), self._text(other)
        self._run("sb_engine_merge", *who, moved)
        return int(moved[0])

    def delete(self, identity: str) -> int:
        """Erases a person from index, database and free pages. Returns how many faces the person had."""
        faces = self._ffi.new("size_t *")
        self._run("sb_engine_delete", self._text(self._collection), self._text(identity), faces)
        return int(faces[0])

    # ---- Photos

    def search(
        self,
        photo: Photo,
        k: int = 5,
        *,
        largest: bool = False,
        small_faces: bool = False,
        threshold: float = 0,
        fmr: float = 0,
        fpir: float = 0,
    ) -> results.Search:
        """Finds up to `k` candidates for every face, or for the largest. `small_faces`: also looks for faces of 20
        pixels. At most one of `threshold`, `fmr` and `fpir` says how sure a match must be; default: an FPIR of 1 %."""
        if k < 1:
            raise SemblanceError(None, "invalid", f"k: {k} candidates cannot be returned; give 1 or more")
        given = encode(photo)
        request, kept = self._make(
            "sb_search_request", collection=self._collection, k=k, largest_only=largest, small_faces=small_faces
        )
        request.target = _target(threshold, fmr, fpir)
        self._put(request.photo, given, kept)
        out = self._ffi.new("sb_search_result **")
        self._run("sb_engine_search", request, out)
        with self._owned(out[0], "sb_search_result_free") as found:
            return self._convert.search(found, given)

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        model: str | None = None,
        whole_photo: bool = False,
        threshold: float = 0,
        fmr: float = 0,
    ) -> results.Comparison:
        """Compares the most similar faces of two photos. `whole_photo`: each photo is a face that was cut out."""
        given = encode(first), encode(second)
        request, kept = self._make(
            "sb_verify_request", collection=self._collection, model=model, whole_photo=whole_photo
        )
        request.target = _target(threshold, fmr, 0)
        for photo, one in zip(request.photos, given):
            self._put(photo, one, kept)
        out = self._ffi.new("sb_comparison *")
        self._run("sb_engine_verify", request, out)
        return self._convert.comparison(out, given, not whole_photo)

    def detect(self, photo: Photo, *, small_faces: bool = False, liveness: bool = False) -> results.Faces:
        """Boxes, landmarks and quality of all faces; with `liveness` also how much each looks like a picture."""
        lib = self._lib
        return self.find(photo, (small_faces and lib.SB_WANT_SMALL_FACES) | (liveness and lib.SB_WANT_LIVENESS))

    def represent(self, photo: Photo, *, model: str | None = None, whole_photo: bool = False) -> results.Faces:
        """The embeddings of all faces."""
        whole = whole_photo and self._lib.SB_WANT_WHOLE_PHOTO
        return self.find(photo, self._lib.SB_WANT_EMBEDDING | whole, model)

    def analyze(self, photo: Photo) -> results.Faces:
        """Age, gender, ethnicity, pose and expression of all faces."""
        return self.find(photo, self._lib.SB_WANT_ATTRIBUTES | self._lib.SB_WANT_POSE)

    def find(self, photo: Photo, want: int, model: str | None = None) -> results.Faces:
        """The faces of a photo with what `want` asks for: a set of SB_WANT_... of <semblance/semblance.h>."""
        given = encode(photo)
        request, kept = self._make("sb_find_request", want=want, model=model)
        self._put(request.photo, given, kept)
        out = self._ffi.new("sb_faces **")
        self._run("sb_engine_find_faces", request, out)
        with self._owned(out[0], "sb_faces_free") as faces:
            return self._convert.faces(faces, given, not want & self._lib.SB_WANT_WHOLE_PHOTO)

    # ---- Collections and models

    def collections(self) -> list[results.Collection]:
        out, count = self._ffi.new("sb_collection **"), self._ffi.new("size_t *")
        self._run("sb_engine_collections", out, count)
        with self._owned(out[0], "sb_collections_free") as items:
            return [
                results.Collection(self._convert.text(c.name), self._convert.text(c.model), c.dim, c.people, c.faces)
                for c in (items[i] for i in range(count[0]))
            ]

    def create_collection(self, name: str, model: str | None = None) -> None:
        """Makes a collection for the embeddings of one model, which cannot be changed later."""
        chosen = self._ffi.NULL if model is None else self._text(model)
        self._run("sb_engine_collection_create", self._text(name), chosen)

    def delete_collection(self, name: str) -> None:
        """Erases a collection with all its people."""
        self._run("sb_engine_collection_delete", self._text(name))

    def models(self, task: str = "") -> list[dict[str, Any]]:
        """The installed models: name, task, licence, dim and experimental; those of one task, if one is given."""
        out, count = self._ffi.new("sb_model_info **"), self._ffi.new("size_t *")
        self._call("sb_models_list", self._options, out, count)
        text = self._convert.text
        with self._owned(out[0], "free", self._ffi.dlopen(None)) as items:
            return [
                {"name": text(m.name), "task": text(m.task), "licence": text(m.licence), "dim": m.dim}
                | {"experimental": m.experimental}
                for m in (items[i] for i in range(count[0]))
                if m.file_size and text(m.task).startswith(task)
            ]

    # ---- Calls

    def _text(self, value: str) -> bytes:
        if not isinstance(value, str):
            raise SemblanceError(None, "invalid", f"an id or name is text, not {type(value).__name__}: {value!r}")
        if "\0" in value:
            raise SemblanceError(None, "invalid", "an id or name cannot contain a zero character")
        return value.encode("utf-8", "surrogatepass")

    def _make(self, struct: str, **fields: Any) -> tuple[Any, list[Any]]:
        """A struct with its size set, and what must live as long as it does."""
        made, kept = self._ffi.new(f"{struct} *"), []
        made.struct_size = self._ffi.sizeof(struct)
        for name, value in fields.items():
            if value is None:
                continue
            given = self._ffi.new("char[]", self._text(value)) if isinstance(value, str) else value
            kept.append(given)
            try:
                setattr(made, name, given)
            except (TypeError, OverflowError) as error:
                raise SemblanceError(None, "invalid", f"{name}: {error}") from error
        return made, kept

    def _put(self, target: Any, photo: Encoded, kept: list[Any]) -> None:
        target.bytes, target.size = self._ffi.from_buffer(photo.data), len(photo.data)
        kept.append(target.bytes)

    def _call(self, name: str, *arguments: Any) -> None:
        error = self._ffi.new("sb_error *")
        library.check(getattr(self._lib, name)(*arguments, error), error)

    def _run(self, name: str, *arguments: Any) -> None:
        """Calls a function of the engine, which close() waits for."""
        with self._ended:
            engine = self._engine
            if engine is None:
                raise SemblanceError(None, "misuse", "the gallery is closed")
            self._calls += 1
        try:
            self._call(name, engine, *arguments)
        finally:
            with self._ended:
                self._calls -= 1
                self._ended.notify_all()

    @contextlib.contextmanager
    def _owned(self, pointer: Any, release: str, lib: Any = None) -> Iterator[Any]:
        try:
            yield pointer
        finally:
            getattr(lib or self._lib, release)(pointer)

    def _flags(self, faces: str, quality: str, on_duplicate: str, attributes: bool) -> int:
        lib = self._lib
        return int(
            (_choice("faces", faces, ("one", "largest")) and lib.SB_ENROLL_LARGEST)
            | (_choice("quality", quality, ("good", "any")) and lib.SB_ENROLL_ANY_QUALITY)
            | (_choice("on_duplicate", on_duplicate, ("warn", "refuse")) and lib.SB_ENROLL_REFUSE_DUPLICATE)
            | (attributes and lib.SB_ENROLL_ATTRIBUTES)
        )

    def _enroll(
        self, identity: str, name: str | None, photos: Sequence[Photo], flags: int, **terms: Any
    ) -> results.Enrolled:
        given = [encode(photo) for photo in photos]
        self._text(identity)
        request, kept = self._make(
            "sb_enroll_request", collection=self._collection, id=identity, name=name, flags=flags, **terms
        )
        array = self._ffi.new("sb_photo[]", max(len(given), 1))
        request.photos, request.photo_count = array, len(given)
        kept.append(array)
        for i, photo in enumerate(given):
            self._put(array[i], photo, kept)
        out = self._ffi.new("sb_enrolled **")
        try:
            self._run("sb_engine_enroll", request, out)
            return self._convert.enrolled(out[0], given)
        finally:
            self._lib.sb_enrolled_free(out[0])  # SB_DUPLICATE sets it, too


def _models_path(given: str | os.PathLike[str] | None) -> str | None:
    return models.find(given)
