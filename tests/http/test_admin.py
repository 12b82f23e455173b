"""The administrator's routes: keys, models, the audit log, the published accuracy report."""

import json
import shutil

from program import FRIENDS
from test_native import OBAMA, ServerCase
from test_routes import DOCUMENT

JSON = {"Content-Type": "application/json"}


def check_described(test, answer, schema):
    """The OpenAPI document knows every member, and the answer has those that it requires."""
    known = DOCUMENT["components"]["schemas"][schema]
    test.assertLessEqual(set(answer), set(known["properties"]))
    test.assertLessEqual(set(known["required"]), set(answer))


class Keys(ServerCase):
    def test_a_key_is_made_shown_once_used_listed_and_revoked(self):
        self.assertEqual(self.get("/v1/keys"), {"keys": [], "admin_password": False})
        boss = self.get("/v1/keys", 201, "POST", '{"label":"boss","roles":"admin"}', JSON)["key"]
        self.get("/v1/keys", 401)
        mine = {"Authorization": f"Bearer {boss}"}
        made = self.get(
            "/v1/keys", 201, "POST", '{"label":"door","roles":"read,enroll","expires":"30d"}', {**JSON, **mine}
        )
        self.assertEqual(
            (made["roles"], made["label"], made["collection"], made["revoked"]), ("read,enroll", "door", "", None)
        )
        self.assertTrue(made["expires"])
        door = {"Authorization": f"Bearer {made['key']}"}
        self.get("/v1/people", 200, headers=door)
        self.get("/v1/keys", 403, headers=door)
        listed = self.get("/v1/keys", 200, headers=mine)["keys"]
        self.assertEqual([k["label"] for k in listed], ["boss", "door"])
        self.assertNotIn(made["key"], json.dumps(listed))
        self.assertEqual(
            self.get(f"/v1/keys/{made['prefix']}", 200, "DELETE", headers=mine), {"revoked": made["prefix"]}
        )
        self.get("/v1/people", 401, headers=door)
        self.get("/v1/keys/none", 404, "DELETE", headers=mine)
        self.assertEqual(
            [e["verb"] for e in self.get("/v1/audit", headers=mine)["entries"] if e["verb"].startswith("access")],
            ["access-revoke", "access-key", "access-key"],
        )

    def test_a_key_with_a_wrong_field_is_refused_with_the_reason(self):
        for body, word in (
            ({"roles": "read"}, "label"),
            ({"label": "a"}, "roles"),
            ({"label": "a", "roles": "king"}, "roles"),
            ({"label": "a", "roles": "read", "expires": "soon"}, "365d"),
            ({"label": "x" * 65, "roles": "read"}, "label"),
        ):
            self.assertIn(word, self.get("/v1/keys", 400, "POST", json.dumps(body), JSON)["error"]["message"])
        self.get("/v1/keys", 404, "POST", '{"label":"a","roles":"read","collection":"nowhere"}', JSON)
        self.assertEqual(self.get("/v1/keys")["keys"], [])


class Insight(ServerCase):
    def test_models_are_listed_with_their_purpose(self):
        models = {m["name"]: m for m in self.get("/v1/models")["models"]}
        self.assertEqual((models["mobilefacenet-512"]["task"], models["mobilefacenet-512"]["dim"]), ("embed", 512))
        self.assertTrue(
            all(m["licence"] and m["installed"] in (True, False) for m in models.values() if "problem" not in m)
        )

    def test_the_audit_comes_newest_first_in_pages_and_its_chain_is_checked(self):
        self.enroll()
        for number in range(5):
            self.get("/v1/people/44", 200, "PATCH", json.dumps({"name": f"Name {number}"}), JSON)
        everything = self.get("/v1/audit")
        numbers = [e["sequence"] for e in everything["entries"]]
        self.assertEqual((numbers, everything["next_before"]), (list(range(everything["last"], 0, -1)), None))
        self.assertEqual([e["verb"] for e in everything["entries"]][-2:], ["enroll", "collection"])
        seen, before = [], ""
        while before is not None:
            page = self.get(f"/v1/audit?limit=2{before and f'&before={before}'}")
            seen += [e["sequence"] for e in page["entries"]]
            before = page["next_before"]
        self.assertEqual(seen, numbers)
        head = self.get("/v1/audit/head")
        self.assertEqual((head["head"], head["link"]), (numbers[0], everything["entries"][0]["link"]))
        self.assertNotIn("Name", json.dumps(everything))
        self.get("/v1/audit?before=0", 400)
        self.get("/v1/audit?limit=1001", 400)

    def test_a_published_report_is_shown_without_paths_and_the_next_one_replaces_it(self):
        self.post("/v1/detect", image=OBAMA)  # waits for the models
        self.get("/v1/report", 404)
        people = self.folder / "people"
        for person, photos in (("obama", ("obama.jpg", "obama2.jpg")), ("biden", ("biden.jpg",))):
            (people / person).mkdir(parents=True)
            for name in photos:
                shutil.copy(FRIENDS / name, people / person)
        for count in (3, 4):
            done = self.run_program("eval", people, "--publish", "--quiet")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = self.get("/v1/report")
            self.assertEqual((report["photos"], report["model"]), (count, "mobilefacenet-512"))
            self.assertNotIn(".jpg", json.dumps(report))
            check_described(self, report, "EvaluationReport")
            for point in report["targets"] + report["thresholds"] + report["groups"]:
                check_described(self, point, "EvaluatedPoint")
            shutil.copy(FRIENDS / "obama3.jpg", people / "obama")
        self.assertEqual((self.data / "accuracy.json").stat().st_mode & 0o777, 0o600)
