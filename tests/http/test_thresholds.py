"""A threshold that an administrator sets while the server runs holds at once, permanently and for all users."""

import json
import math
import threading

from program import FRIENDS
from server import Server
from test_native import OBAMA, OBAMA2, ServerCase, SharedServerCase

JSON = {"Content-Type": "application/json"}


def one_in(rate):
    return round(1 / rate)


class ThresholdCase(ServerCase):
    def set(self, status=200, headers=(), **target):
        return self.get("/v1/thresholds", status, "PUT", json.dumps(target), {**JSON, **dict(headers)})

    def found(self, **target):
        answer = self.post("/v1/search", image=OBAMA2, **target)
        return answer["threshold"], answer["faces"][0]["verdict"]


class Thresholds(ThresholdCase, SharedServerCase):
    def setUp(self):
        super().setUp()
        self.get("/v1/thresholds", 200, "DELETE")

    def test_a_saved_threshold_holds_for_the_next_search_and_comparison_and_can_be_reset(self):
        self.enroll()
        before = self.get("/v1/thresholds")
        self.assertEqual(
            (before["source"], before["target"], before["saved"], before["configured"]), ("default", {}, {}, {})
        )
        self.assertEqual(self.found(), (round(before["meaning"]["threshold"], 4), "match"))
        for target, score in (({"threshold": 0.97}, 0.97), ({"fmr": 1e-6}, None), ({"fpir": 0.001}, None)):
            with self.subTest(target=target):
                now = self.set(**target)
                self.assertEqual((now["source"], now["target"], now["saved"]), ("saved", target, target))
                threshold, verdict = self.found()
                self.assertEqual(threshold, round(now["meaning"]["threshold"], 4))
                self.assertEqual(verdict == "match", threshold < 0.9)
                self.assertEqual(score or threshold, threshold)
                compared = self.post("/v1/verify", image1=OBAMA, image2=OBAMA2)
                self.assertEqual(compared["threshold"], round(now["meaning"]["verify_threshold"], 4))
                self.assertEqual(self.get("/v1/stats")["threshold"], now["meaning"]["threshold"])
        self.assertEqual(self.found(threshold="0.98"), (0.98, "none"), "a request's own comes first")
        self.assertEqual(self.get("/v1/thresholds", 200, "DELETE"), before)
        self.assertEqual(self.found()[0], round(before["meaning"]["threshold"], 4))

    def test_the_error_rates_of_a_threshold_are_shown_before_it_is_saved(self):
        self.enroll()
        asked = self.get("/v1/thresholds?fmr=1e-5")
        self.assertEqual((asked["source"], asked["target"], asked["saved"]), ("asked", {"fmr": 1e-5}, {}))
        meaning = asked["meaning"]
        self.assertAlmostEqual(meaning["false_match_rate"], 1e-5, delta=1e-7)
        self.assertAlmostEqual(
            meaning["false_positive_identification_rate"], -math.expm1(meaning["faces"] * math.log1p(-1e-5)), delta=1e-7
        )
        self.assertEqual((meaning["people"], meaning["faces"]), (1, 1))
        self.assertGreater(meaning["threshold"], self.get("/v1/thresholds?fmr=1e-4")["meaning"]["threshold"])
        self.assertAlmostEqual(
            self.get("/v1/thresholds?fpir=0.02")["meaning"]["false_positive_identification_rate"], 0.02, delta=1e-4
        )
        self.assertEqual(self.get("/v1/thresholds?threshold=0.5")["meaning"]["threshold"], 0.5)
        self.assertEqual(self.get("/v1/thresholds")["source"], "default", "a question changes nothing")
        self.get("/v1/thresholds?fmr=0.6", 400)
        self.get("/v1/thresholds?collection=nowhere", 404)

    def test_anything_but_an_operating_point_is_refused_and_nothing_changes(self):
        self.set(fmr=1e-5)
        for target, words in (
            ({}, "one of threshold"),
            ({"threshold": 0}, "one of threshold"),
            ({"threshold": 1.5}, "from 0 to 1"),
            ({"threshold": -0.1}, "from 0 to 1"),
            ({"fmr": 0.7}, "from 0 to 0.5"),
            ({"fmr": 1e-12}, "1e-09 or more"),
            ({"fpir": 1e-300}, "1e-09 or more"),
            ({"fmr": "often"}, "not a number"),
            ({"fmr": "nan"}, "not a number"),
            ({"fmr": 1e-4, "fpir": 0.01}, "only one"),
        ):
            with self.subTest(target=target):
                error = self.set(400, **target)["error"]
                self.assertEqual(error["code"], "invalid")
                self.assertIn(words, error["message"])
        self.assertEqual(self.get("/v1/thresholds")["target"], {"fmr": 1e-5})

    def test_searches_during_changes_use_the_old_or_the_new_threshold(self):
        self.enroll()
        either = set()
        for score in (0.9, 0.2):
            self.set(threshold=score)
            either.add(self.found())
        self.assertEqual(len(either), 2)
        stop = threading.Event()
        seen = []

        def search():
            while not (stop.is_set() and seen):
                seen.append(self.found())

        searchers = [threading.Thread(target=search) for _ in range(2)]
        for one in searchers:
            one.start()
        for _ in range(6):
            for score in (0.9, 0.2):
                self.set(threshold=score)
        stop.set()
        for one in searchers:
            one.join()
        self.assertTrue(seen)
        self.assertLessEqual(set(seen), either)


class OwnServer(ThresholdCase):
    """Tests that make keys, without which the server then answers nobody, or that stop the server."""

    def test_a_saved_threshold_survives_restarts_overrides_settings_and_holds_on_the_command_line(self):
        self.enroll()
        self.set(threshold=0.97)
        self.server.__exit__()
        shown = self.json_of("search", FRIENDS / "obama2.jpg", "--json", code=1)
        self.assertEqual((shown["threshold"], shown["faces"][0]["verdict"]), (0.97, "none"))
        self.assertEqual(
            self.json_of("verify", FRIENDS / "obama.jpg", FRIENDS / "obama2.jpg", "--json", code=1)["threshold"], 0.97
        )
        environment = {"SEMBLANCE_THRESHOLD": "0.96"}
        self.assertEqual(
            json.loads(self.run_program("search", FRIENDS / "obama2.jpg", "--json", environment=environment).stdout)[
                "threshold"
            ],
            0.97,
        )
        self.assertEqual(
            self.json_of("search", FRIENDS / "obama2.jpg", "--json", "--threshold", "0.4")["threshold"],
            0.4,
            "a flag comes first",
        )
        with Server(self.data, "--threshold", "0.95") as self.server:
            now = self.get("/v1/thresholds")
            self.assertEqual(
                (now["source"], now["saved"], now["configured"]), ("saved", {"threshold": 0.97}, {"threshold": 0.95})
            )
            self.assertEqual(self.found(), (0.97, "none"))
            back = self.get("/v1/thresholds", 200, "DELETE")
            self.assertEqual((back["source"], back["target"], back["saved"]), ("configured", {"threshold": 0.95}, {}))
            self.assertEqual(self.found()[0], 0.95)
        self.assertEqual(self.json_of("search", FRIENDS / "obama2.jpg", "--json")["faces"][0]["verdict"], "match")

    def test_the_audit_log_shows_who_set_which_threshold(self):
        boss = self.get("/v1/keys", 201, "POST", '{"label":"boss","roles":"admin"}', JSON)
        mine = {"Authorization": f"Bearer {boss['key']}"}
        self.set(headers=mine, fmr=1e-5)
        self.set(headers=mine, fpir=0.002)
        self.set(headers=mine, threshold=0.512)
        self.get("/v1/thresholds", 200, "DELETE", headers=mine)
        entries = [
            (e["verb"], e["count"], e["actor"])
            for e in self.get("/v1/audit", headers=mine)["entries"]
            if e["verb"].startswith("threshold")
        ]
        self.assertEqual(
            [entry[:2] for entry in entries],
            [
                ("threshold-reset", 0),
                ("threshold-score", 5120),
                ("threshold-fpir", one_in(0.002)),
                ("threshold-fmr", one_in(1e-5)),
            ],
        )
        self.assertTrue(all(boss["prefix"] in actor for _, _, actor in entries), entries)
        self.get("/v1/audit/head", headers=mine)

    def test_searchers_read_the_threshold_and_only_an_admin_of_all_collections_sets_it(self):
        boss = self.get("/v1/keys", 201, "POST", '{"label":"boss","roles":"admin"}', JSON)["key"]
        mine = {"Authorization": f"Bearer {boss}"}
        self.get("/v1/collections", 201, "POST", '{"name":"here"}', {**JSON, **mine})
        keys = {
            roles + where: self.get(
                "/v1/keys",
                201,
                "POST",
                json.dumps({"label": "k", "roles": roles, "collection": where}),
                {**JSON, **mine},
            )["key"]
            for roles, where in (("read", ""), ("enroll", ""), ("read,admin", "here"))
        }
        for name, sees in (("read", 200), ("enroll", 403), ("read,adminhere", 200)):
            with self.subTest(key=name):
                theirs = {"Authorization": f"Bearer {keys[name]}"}
                self.get("/v1/thresholds", sees, headers=theirs)
                self.set(403, headers=theirs, fmr=1e-5)
                self.get("/v1/thresholds", 403, "DELETE", headers=theirs)
        self.assertEqual(self.get("/v1/thresholds", headers=mine)["saved"], {})
        self.set(headers=mine, fmr=1e-5)
