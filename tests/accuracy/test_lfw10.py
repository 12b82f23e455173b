"""Accuracy of the default pipeline on 10 people x 10 photos of Labeled Faces in the Wild, through the server."""

import itertools
import shutil
import tempfile
import unittest

from program import LFW
from server import Server


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b))


def central_face(answer):
    """The face nearest to the middle: in this data set it is the person whom the photo is named after."""

    def off_centre(face):
        box = face["box"]
        return abs(box["x"] + box["w"] / 2 - answer["width"] / 2) + abs(box["y"] + box["h"] / 2 - answer["height"] / 2)

    return min(answer["faces"], key=off_centre)


@unittest.skipUnless(LFW.is_dir(), "there are no photos in ../shared/data/lfw10")
class Lfw10(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="semblance-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.photos = sorted(LFW.glob("*/*.jpg"))
        with Server(folder) as server:
            answers = {photo: server.post_photo("/v1/represent", photo.read_bytes()) for photo in cls.photos}
            cls.threshold = server.post_photos(
                "/v1/verify", {"image1": cls.photos[0].read_bytes(), "image2": cls.photos[1].read_bytes()}
            )["threshold"]
        cls.missed = [photo.name for photo, answer in answers.items() if not answer["faces"]]
        cls.templates = {p: central_face(a)["embedding"] for p, a in answers.items() if a["faces"]}
        cls.mated, cls.non_mated = [], []
        for (p, a), (q, b) in itertools.combinations(cls.templates.items(), 2):
            (cls.mated if p.parent == q.parent else cls.non_mated).append(cosine(a, b))

    def test_the_data_set_is_complete(self):
        self.assertEqual((len(self.photos), len(self.mated), len(self.non_mated)), (100, 450, 4500))

    def test_the_face_of_every_photo_is_found(self):
        self.assertEqual(self.missed, [])

    def test_rank_1_is_the_same_person_for_every_photo(self):
        wrong = []
        for probe, vector in self.templates.items():
            best = max((p for p in self.templates if p is not probe), key=lambda p: cosine(vector, self.templates[p]))
            if best.parent != probe.parent:
                wrong.append((probe.name, best.name))
        self.assertEqual(wrong, [])

    def test_no_false_match_among_different_people_at_the_default_threshold(self):
        self.assertEqual([round(s, 3) for s in self.non_mated if s >= self.threshold], [])

    def test_at_least_99_of_100_pairs_of_the_same_person_match(self):
        matched = sum(s >= self.threshold for s in self.mated) / len(self.mated)
        print(
            f"# mated pairs matched: {matched:.4f} at {self.threshold}; lowest {min(self.mated):.3f}; "
            f"highest non-mated {max(self.non_mated):.3f}",
            flush=True,
        )
        self.assertGreaterEqual(matched, 0.99)
