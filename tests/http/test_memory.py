"""Memory of a server whose three workers have processed photos of many shapes."""

import concurrent.futures
import itertools
import pathlib
import subprocess

from program import FRIENDS, GROUPS, PROGRAM, ProgramCase
from server import Server

ASPECTS = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16), (5, 4), (4, 5), (21, 9), (9, 21))
SHARES = (1, 0.85, 0.7, 0.6, 0.5, 0.4)  # of the largest cut of that aspect ratio
# Bytes that are the server's own. Its libraries are not counted: the system holds them once for all programs and may
# drop them, and how much of them it maps with one page that is used (60 to 100 MB of 110 here) depends on how their
# files came into its cache: since Linux 6.18 a fault maps a whole folio of up to 2 MB.
MOST = 240e6
ADDRESS_SPACE = 512 << 20


def size_of(jpeg):
    """(width, height) from the frame header."""
    at = 2
    while jpeg[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    height, width = (int.from_bytes(jpeg[at + k : at + k + 2], "big") for k in (5, 7))
    return width, height


def cut(path, aspect, share):
    """JPEG bytes of the photo cut to this aspect ratio around its upper middle."""
    width, height = size_of(path.read_bytes())
    unit = min(width / aspect[0], height / aspect[1]) * share
    w, h = int(aspect[0] * unit), int(aspect[1] * unit)
    where = f"{w}x{h}+{(width - w) // 2}+{(height - h) // 4}"
    return subprocess.run(["jpegtran", "-crop", where, str(path)], capture_output=True, check=True).stdout


def photos():
    """66 photos, each of another shape."""
    sources = itertools.cycle(sorted(GROUPS.glob("*.jpg")) + sorted(FRIENDS.glob("obama*.jpg")))
    return [cut(next(sources), aspect, share) for share in SHARES for aspect in ASPECTS]


def uses_sanitizers():
    return b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()


class SmallServer(Server):
    """A server with little address space."""

    def __init__(self, folder, *arguments):
        super().__init__(folder, *arguments)
        self.command = ["sh", "-c", f'ulimit -v {ADDRESS_SPACE >> 10}; exec "$@"', "sh", *self.command]


def own_bytes(server):
    """Resident memory that no file backs."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    sizes = dict(line.split(":", 1) for line in status.splitlines())
    return sum(int(sizes[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem"))


class Memory(ProgramCase):
    compiled = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.photos = photos()

    def setUp(self):
        super().setUp()
        if uses_sanitizers():
            self.skipTest("the sanitizers need memory of their own")

    def search_all(self, server):
        """The statuses of searches with all photos, from six clients."""

        def search(photo):
            return server.request("POST", "/v1/search", photo, {"Content-Type": "image/jpeg"})[0]

        server.post_photo("/v1/search", self.photos[0])  # waits for the models
        with concurrent.futures.ThreadPoolExecutor(6) as clients:
            return list(clients.map(search, self.photos))

    def compile_models(self):
        """Fills the cache of compiled models: compiling one for a shape of input takes more memory than running it."""
        if not Memory.compiled:
            with Server(self.data, "--workers", "3") as server:
                self.search_all(server)
            Memory.compiled = True

    def test_three_workers_need_at_most_240_mb_of_their_own_after_66_photos_of_different_shapes(self):
        self.assertEqual(len({size_of(photo) for photo in self.photos}), 66)
        self.compile_models()
        with Server(self.data, "--workers", "3") as server:
            self.assertEqual(set(self.search_all(server)), {200})
            # Idle for a second, it gives memory back.
            self.wait_for("the memory to be given back", lambda: own_bytes(server) <= MOST, 60)

    def test_in_512_mb_of_address_space_photos_are_answered_or_refused_and_the_server_lives(self):
        self.compile_models()
        with SmallServer(self.data, "--workers", "3") as server:
            statuses = self.search_all(server)
            self.assertLessEqual(set(statuses), {200, 503})
            self.assertGreater(statuses.count(200), 60)
            server.post_photo("/v1/search", self.photos[0])
