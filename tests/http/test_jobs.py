"""Import jobs: folders, archives and CSV files; progress, pause, refused photos; a job runs on without a client."""

import http.client
import io
import json
import os
import time
import zipfile

from program import GROUPS
from server import PATIENCE, Server, form_of_files
from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, SharedServerCase


def archive(files, method=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as z:
        for path, content in files:
            z.writestr(path, content)
    return data.getvalue()


FOLDER = [
    ("staff/Barack_Obama/1.jpg", OBAMA),
    ("staff/Barack_Obama/2.jpg", OBAMA2),
    ("staff/Joe_Biden/1.jpg", BIDEN),
    ("staff/Joe_Biden/grey.png", GREY),
    ("staff/Joe_Biden/.hidden", b"x"),
    ("staff/Team/all.jpg", GROUP),
]
# An import that runs for many seconds on any machine, so that a test can pause it in time, and that is small to send.
LONG = [(f"p{i}/1.png", GREY) for i in range(3000)]


class JobCase(SharedServerCase):
    def start(self, files, status=202, **fields):
        return self.start_at("/v1/jobs/import", files, status, **fields)

    def start_at(self, path, files, status=202, **fields):
        body, kind = form_of_files(files, **fields)
        return self.get(path, status, "POST", body, {"Content-Type": kind})

    def wait(self, job, *states):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            now = self.get(f"/v1/jobs/{job['id']}")
            if now["state"] in (states or ("done", "failed", "cancelled")):
                return now
            time.sleep(0.05)
        self.fail(f"the job is still {now}")

    def people(self):
        return {p["id"]: (p["name"], p["faces"]) for p in self.get("/v1/people")["people"]}


class Jobs(JobCase):
    def test_a_folder_of_people_is_enrolled_and_refusals_are_listed(self):
        job = self.wait(self.start(FOLDER, consent="agreed"))
        self.assertEqual((job["state"], job["total"], job["enrolled"], job["refused"]), ("done", 5, 3, 2), job)
        verbs = [entry["verb"] for entry in self.get("/v1/audit")["entries"]]
        verbs = verbs[: verbs.index("collection")]  # since the default collection was made
        self.assertIn("enroll", verbs)
        self.assertNotIn("list", verbs)  # nobody has looked at the people
        self.assertEqual(self.people(), {"Barack_Obama": ("Barack Obama", 2), "Joe_Biden": ("Joe Biden", 1)})
        self.assertEqual(self.get("/v1/people/Joe_Biden")["consent"], "agreed")
        status, headers, text = self.server.request("GET", f"/v1/jobs/{job['id']}/refused")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        rows = text.decode().splitlines()
        self.assertEqual(rows[0], "path,code,message")
        self.assertEqual(
            sorted(row.split(",")[:2] for row in rows[1:]),
            [['"staff/Joe_Biden/grey.png"', '"no_face"'], ['"staff/Team/all.jpg"', '"several_faces"']],
        )
        again = self.wait(self.start(FOLDER))
        self.assertEqual((again["enrolled"], again["skipped"]), (0, 3))
        self.assertEqual([j["id"] for j in self.get("/v1/jobs")["jobs"]][:2], [again["id"], job["id"]])

    def test_a_preview_tells_who_would_be_registered_and_waits(self):
        self.enroll("Joe_Biden", "Joe Biden", BIDEN)
        self.enroll("44", "The President", OBAMA3)
        files = [*FOLDER, ("staff/Barack_Obama/3.jpg", OBAMA)]
        job = self.wait(self.start(files, consent="agreed", preview="true"), "preview")
        self.assertEqual((job["enrolled"], job["refused"], job["has_result"]), (0, 1, True))
        self.assertEqual(job["last_refused"][0]["code"], "no_face")
        told = self.get(f"/v1/jobs/{job['id']}/result")
        counts = {key: told[key] for key in ("people", "photos", "doubles", "registered", "look_alike")}
        self.assertEqual(counts, {"people": 3, "photos": 6, "doubles": 1, "registered": 1, "look_alike": 1})
        listed = {one["id"]: one for one in told["list"]}
        obama = listed["Barack_Obama"]
        self.assertEqual((obama["photos"], obama["doubles"], obama["registered"]), (3, 1, False))
        self.assertEqual((obama["looks_like"]["id"], obama["looks_like"]["match"]), ("44", True))
        self.assertEqual((listed["Joe_Biden"]["registered"], listed["Joe_Biden"]["looks_like"]), (True, None))
        self.assertEqual(set(self.people()), {"Joe_Biden", "44"})  # nothing is registered yet
        other = self.wait(self.start([("B/1.jpg", BIDEN)]))  # another job does not wait for it
        self.assertEqual(other["state"], "done")
        self.get(f"/v1/jobs/{job['id']}/resume", 200, "POST")
        done = self.wait(job)
        self.assertEqual((done["state"], done["enrolled"] + done["skipped"], done["refused"]), ("done", 4, 2), done)
        self.assertEqual(self.people()["Barack_Obama"][0], "Barack Obama")

    def test_a_preview_is_cancelled_and_enrols_nobody(self):
        job = self.wait(self.start(FOLDER, preview="true"), "preview")
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}", 200, "DELETE")["state"], "cancelled")
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/resume", 200, "POST")["state"], "cancelled")
        self.assertEqual(self.people(), {})
        self.assertEqual(self.start(FOLDER, 400, preview="perhaps")["error"]["code"], "invalid")

    def test_an_import_goes_on_after_a_photo_that_fails_liveness(self):
        with Server(self.folder / "live", "--store", "", "--liveness", "passive") as server:
            server.post_photos("/v1/detect", {"image": OBAMA})  # waits for the models
            screen = (GROUPS / "sample2.jpg").read_bytes()
            body, kind = form_of_files([("A/1.jpg", screen), ("B/1.jpg", OBAMA)], faces="largest", quality="any")
            job = json.loads(server.request("POST", "/v1/jobs/import", body, {"Content-Type": kind})[2])
            give_up = time.monotonic() + PATIENCE
            while job["state"] not in ("done", "failed") and time.monotonic() < give_up:
                time.sleep(0.05)
                job = json.loads(server.request("GET", f"/v1/jobs/{job['id']}")[2])
        self.assertEqual((job["state"], job["enrolled"], job["refused"]), ("done", 1, 1), job)
        self.assertEqual((job["last_refused"][0]["code"], job["last_refused"][0]["path"]), ("not_live", "A/1.jpg"))

    def test_people_move_to_another_model_with_their_records(self):
        headers = {"Content-Type": "application/json"}
        self.wait(self.start(FOLDER, consent="agreed"))
        self.get("/v1/people/Joe_Biden", 200, "PATCH", '{"name":"Joseph Biden"}', headers)
        self.get("/v1/collections", 201, "POST", '{"name":"dlib","model":"dlib-resnet-128"}', headers)
        files = [*FOLDER[:3], ("staff/Stranger/1.jpg", OBAMA3)]
        job = self.wait(self.start_at("/v1/jobs/reembed", files, into="dlib"))
        self.assertEqual(
            (job["kind"], job["state"], job["into"], job["enrolled"], job["refused"]),
            ("reembed", "done", "dlib", 3, 1),
            job,
        )
        self.assertEqual(job["last_refused"][0]["path"], "staff/Stranger/1.jpg")
        moved = {p["id"]: p for p in self.get("/v1/people?collection=dlib")["people"]}
        self.assertEqual(
            {i: (p["name"], p["faces"], p["consent"]) for i, p in moved.items()},
            {"Barack_Obama": ("Barack Obama", 2, "agreed"), "Joe_Biden": ("Joseph Biden", 1, "agreed")},
        )
        found = self.post("/v1/search?collection=dlib", image=OBAMA3)["faces"][0]["candidates"][0]
        self.assertEqual((found["id"], found["match"]), ("Barack_Obama", True))
        self.get(f"/v1/jobs/{job['id']}/result", 404)
        for fields in ({}, {"into": "default"}):
            self.start_at("/v1/jobs/reembed", files, 400, **fields)
        self.start_at("/v1/jobs/reembed", files, 404, into="nowhere")

    def test_faces_of_photos_are_grouped_by_folder_and_named(self):
        self.post("/v1/people", 201, id="44", name="Barack Obama", image=OBAMA3)
        job = self.wait(
            self.start_at(
                "/v1/jobs/cluster",
                [
                    ("b/2.jpg", OBAMA2),
                    ("a/z.jpg", OBAMA),
                    ("b/3.jpg", BIDEN),
                    ("b/4.png", GREY),
                    ("a/c/1.jpg", OBAMA),
                    ("a/1.jpg", OBAMA),
                ],
            )
        )
        self.assertEqual(
            (job["kind"], job["state"], job["done"], job["refused"], job["has_result"]),
            ("cluster", "done", 6, 1, True),
            job,
        )
        result = self.get(f"/v1/jobs/{job['id']}/result")
        groups = [(g["person"] and g["person"]["name"], [f["photo"] for f in g["faces"]]) for g in result["groups"]]
        self.assertEqual(
            groups, [("Barack Obama", ["a/1.jpg", "a/z.jpg", "a/c/1.jpg", "b/2.jpg"]), (None, ["b/3.jpg"])]
        )
        self.assertEqual((result["photos"], result["faces"], result["groups"][0]["folders"]), (6, 5, ["a", "a/c", "b"]))
        self.assertEqual(self.people(), {"44": ("Barack Obama", 1)})
        empty = self.wait(self.start_at("/v1/jobs/cluster", [("b/4.png", GREY)]))
        self.assertEqual(empty["state"], "failed")

    def test_one_person_under_two_ids_is_found(self):
        for identity, photo in (("44", OBAMA), ("45", OBAMA2), ("46", BIDEN)):
            self.post("/v1/people", 201, id=identity, name=f"Name {identity}", image=photo)
        job = self.wait(self.get("/v1/jobs/dedup", 202, "POST"))
        self.assertEqual((job["kind"], job["state"]), ("dedup", "done"), job)
        result = self.get(f"/v1/jobs/{job['id']}/result")
        self.assertEqual([sorted(p["id"] for p in pair["people"]) for pair in result["pairs"]], [["44", "45"]])
        self.assertEqual((result["people"], result["faces"]), (3, 3))
        self.get("/v1/jobs/dedup?collection=nowhere", 404, "POST")

    def test_stored_and_deflated_archives_are_read(self):
        for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
            files = [(f"{path}", data) for path, data in FOLDER[number : number + 1]] + [
                ("__MACOSX/x/._1.jpg", b"x"),
                ("empty/", b""),
            ]
            job = self.wait(self.start([("staff.zip", archive(files, method))]))
            self.assertEqual((job["state"], job["total"], job["enrolled"]), ("done", 1, 1), job)

    def test_rows_of_a_csv_file_give_ids_and_names(self):
        rows = 'id,name,path\r\n44,"Obama, Barack",a/x.jpg\r\n46,Joe Biden,y.jpg\r\n47,Nobody,missing.jpg\r\n'
        files = [
            ("set/people.csv", rows.encode()),
            ("set/a/x.jpg", OBAMA),
            ("set/y.jpg", BIDEN),
            ("set/unnamed.jpg", OBAMA3),
        ]
        for sent in (files, [("set.zip", archive(files))]):
            job = self.wait(self.start(sent))
            self.assertEqual((job["total"], job["enrolled"] + job["skipped"], job["refused"]), (3, 2, 1), job)
            self.assertEqual(job["last_refused"][0]["path"], "missing.jpg")
        self.assertEqual(self.people(), {"44": ("Obama, Barack", 1), "46": ("Joe Biden", 1)})

    def test_anything_but_an_import_is_refused_with_the_reason(self):
        self.start([], 400)
        for files, word in (
            ([("a.csv", b"id,name\n1,2\n")], "no column 'path'"),
            ([("a.zip", archive(FOLDER[:1])[:-10])], "cut short"),
            ([("notes.csv", b'1,"open')], "quote"),
            ([(".hidden", b"x")], "no photo"),
        ):
            job = self.wait(self.start(files))
            self.assertEqual(job["state"], "failed", job)
            self.assertIn(word, job["message"])

    def test_hostile_archives_end_as_refusals(self):
        good = bytearray(archive([("p/1.jpg", b"\0" * 50_000_000), ("p/2.jpg", OBAMA)]))
        bomb = self.wait(self.start([("bomb.zip", bytes(good))]))
        self.assertEqual((bomb["enrolled"], bomb["last_refused"][0]["code"]), (1, "too_large"))
        at = good.rfind(b"PK\1\2")
        for offset, value in ((24, 0x7FFFFFFF), (20, 0x7FFFFFFF), (42, 0x7FFFFFF0)):
            broken = bytearray(good)
            broken[at + offset : at + offset + 4] = value.to_bytes(4, "little")
            job = self.wait(self.start([("broken.zip", bytes(broken))]))
            self.assertEqual((job["state"], job["enrolled"] + job["skipped"], job["refused"]), ("done", 0, 2), job)

    def test_members_that_overlap_or_have_a_wrong_checksum_are_refused(self):
        # What the entries claim together fits into the archive, as it has bytes to spare.
        files = [("p/0.jpg", OBAMA), ("p/1.jpg", b"x"), ("p/2.jpg", b"x"), ("p/spare.bin", os.urandom(3 * len(OBAMA)))]
        good = archive(files)
        first = good.find(b"PK\1\2")
        size = good.find(b"PK\1\2", first + 1) - first
        overlapping = bytearray(good)
        for at in (first + size, first + 2 * size):  # all three entries claim the first member's bytes
            for field in (slice(10, 28), slice(42, 46)):
                overlapping[at + field.start : at + field.stop] = good[first + field.start : first + field.stop]
        job = self.wait(self.start([("overlap.zip", bytes(overlapping))]))
        self.assertEqual((job["enrolled"], job["refused"], job["passed_over"]), (1, 2, 1), job)
        self.assertEqual([r["code"] for r in job["last_refused"]].count("bad_image"), 2, job)
        wrong = bytearray(archive([("q/0.jpg", OBAMA), ("q/1.jpg", BIDEN)]))
        wrong[wrong.find(b"PK\1\2") + 16] ^= 1
        job = self.wait(self.start([("crc.zip", bytes(wrong))]))
        self.assertEqual((job["enrolled"], job["refused"], job["last_refused"][0]["code"]), (1, 1, "bad_image"), job)

    def test_a_job_is_paused_resumed_and_cancelled(self):
        job = self.start(LONG)
        self.wait(job, "running")
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/pause", 200, "POST")["state"], "paused")
        counts = [-1]
        while len(counts) < 3 or len(set(counts[-3:])) > 1:  # the job stops after the photos that it has begun
            time.sleep(0.5)
            counts.append(self.get(f"/v1/jobs/{job['id']}")["done"])
            self.assertLess(len(counts), 2 * PATIENCE)
        self.assertLess(counts[-1], len(LONG))
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/resume", 200, "POST")["state"], "running")
        self.get(f"/v1/jobs/{job['id']}", 200, "DELETE")
        ended = self.wait(job)
        self.assertEqual(ended["state"], "cancelled")
        self.assertLess(ended["done"], len(LONG))
        self.get("/v1/jobs/0000000000000000", 404)

    def test_events_follow_a_job_to_its_end(self):
        before = self.start(LONG)
        job = self.start([*FOLDER, *((f"more/p{i}/1.jpg", GROUP + bytes([i])) for i in range(20))])
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("GET", f"/v1/jobs/{job['id']}/events")
        answer = connection.getresponse()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        self.assertEqual(answer.readline(), b"event: progress\n")  # the state at the time of the request
        self.get(f"/v1/jobs/{before['id']}", 200, "DELETE")
        events = [block.split("\n") for block in answer.read().decode().split("\n\n") if block.startswith("event")]
        connection.close()
        last = json.loads(events[-1][1].removeprefix("data: "))
        self.assertEqual((events[-1][0], last["state"], last["enrolled"]), ("event: end", "done", 3))


class End(JobCase):
    """The server of this class ends in its only test."""

    def test_a_server_that_stops_ends_jobs_and_events(self):
        job = self.start(LONG)
        self.get(f"/v1/jobs/{job['id']}/pause", 200, "POST")
        self.wait(job, "paused")  # before, it may still wait for another job
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("GET", f"/v1/jobs/{job['id']}/events")
        answer = connection.getresponse()
        self.server.process.terminate()
        self.assertIn(b"paused", answer.read())
        connection.close()
        self.assertEqual(self.server.process.wait(120), 0)
