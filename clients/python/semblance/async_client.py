"""The client for asyncio. Each method is that of Semblance, run in a thread of the event loop's pool, so that there is
one definition of every request. A call that is cancelled goes on in its thread until the server answers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from semblance.client import Json, Semblance

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec

    P = ParamSpec("P")
T = TypeVar("T")


def _in_thread(
    method: Callable[Concatenate[Semblance, P], T],
) -> Callable[Concatenate[AsyncSemblance, P], Coroutine[Any, Any, T]]:
    @functools.wraps(method)
    async def call(self: AsyncSemblance, /, *args: P.args, **options: P.kwargs) -> T:
        return await asyncio.to_thread(method, self.client, *args, **options)

    return call


class AsyncSemblance:
    """As Semblance, with methods to await; people() is an asynchronous iterator. `client`: the Semblance that sends the
    requests.

        faces = AsyncSemblance("http://localhost:8501")
        one, two = await asyncio.gather(faces.search("one.jpg"), faces.search("two.jpg"))"""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.client = Semblance(*args, **options)

    enroll = _in_thread(Semblance.enroll)
    add_faces = _in_thread(Semblance.add_faces)
    person = _in_thread(Semblance.person)
    change = _in_thread(Semblance.change)
    faces = _in_thread(Semblance.faces)
    delete_face = _in_thread(Semblance.delete_face)
    review = _in_thread(Semblance.review)
    history = _in_thread(Semblance.history)
    set_different = _in_thread(Semblance.set_different)
    merge = _in_thread(Semblance.merge)
    delete = _in_thread(Semblance.delete)
    search = _in_thread(Semblance.search)
    verify = _in_thread(Semblance.verify)
    detect = _in_thread(Semblance.detect)
    represent = _in_thread(Semblance.represent)
    analyze = _in_thread(Semblance.analyze)
    challenge = _in_thread(Semblance.challenge)
    import_folder = _in_thread(Semblance.import_folder)
    import_file = _in_thread(Semblance.import_file)
    job = _in_thread(Semblance.job)
    wait = _in_thread(Semblance.wait)
    result = _in_thread(Semblance.result)
    resume = _in_thread(Semblance.resume)
    cancel = _in_thread(Semblance.cancel)
    health = _in_thread(Semblance.health)
    ready = _in_thread(Semblance.ready)
    thresholds = _in_thread(Semblance.thresholds)
    set_thresholds = _in_thread(Semblance.set_thresholds)

    async def people(self, query: str | None = None, sort: str = "oldest", page: int = 1000) -> AsyncIterator[Json]:
        """Yields the people whose id or name contains `query`, fetching `page` of them at a time."""
        people: Iterator[Json] = self.client.people(query, sort, page)
        while (person := await asyncio.to_thread(next, people, None)) is not None:
            yield person
