"""Imports as jobs: folders, archives and CSV files; progress, pause, what was refused; it goes on alone."""
import http.client
import io
import json
import time
import zipfile

from test_native import BIDEN, GREY, GROUP, OBAMA, OBAMA2, OBAMA3, ServerCase

from server import form_of_files


def archive(files, method=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as z:
        for path, content in files:
            z.writestr(path, content)
    return data.getvalue()


FOLDER = [("staff/Barack_Obama/1.jpg", OBAMA), ("staff/Barack_Obama/2.jpg", OBAMA2), ("staff/Joe_Biden/1.jpg", BIDEN),
          ("staff/Joe_Biden/grey.png", GREY), ("staff/Joe_Biden/.hidden", b"x"), ("staff/Team/all.jpg", GROUP)]


class Jobs(ServerCase):
    def setUp(self):
        super().setUp()
        self.post("/v1/detect", image=OBAMA)  # waits for the models

    def start(self, files, status=202, **fields):
        body, kind = form_of_files(files, **fields)
        return self.get("/v1/jobs/import", status, "POST", body, {"Content-Type": kind})

    def wait(self, job, *states):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            now = self.get(f"/v1/jobs/{job['id']}")
            if now["state"] in (states or ("done", "failed", "cancelled")):
                return now
            time.sleep(0.05)
        self.fail(f"the job is still {now}")

    def people(self):
        return {p["id"]: (p["name"], p["faces"]) for p in self.get("/v1/people")["people"]}

    def test_a_folder_of_people_is_enrolled_and_refusals_are_listed(self):
        job = self.wait(self.start(FOLDER, consent="agreed"))
        self.assertEqual((job["state"], job["total"], job["enrolled"], job["refused"]), ("done", 5, 3, 2), job)
        self.assertEqual(self.people(), {"Barack_Obama": ("Barack Obama", 2), "Joe_Biden": ("Joe Biden", 1)})
        self.assertEqual(self.get("/v1/people/Joe_Biden")["consent"], "agreed")
        status, headers, text = self.server.request("GET", f"/v1/jobs/{job['id']}/refused")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/csv; charset=utf-8"))
        rows = text.decode().splitlines()
        self.assertEqual(rows[0], "path,code,message")
        self.assertEqual([row.split(",")[:2] for row in rows[1:]], [['"staff/Joe_Biden/grey.png"', '"no_face"'], ['"staff/Team/all.jpg"', '"several_faces"']])
        again = self.wait(self.start(FOLDER))
        self.assertEqual((again["enrolled"], again["skipped"]), (0, 3))
        self.assertEqual([j["id"] for j in self.get("/v1/jobs")["jobs"]], [again["id"], job["id"]])

    def test_archives_stored_and_deflated_are_opened(self):
        for number, method in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
            files = [(f"{path}", data) for path, data in FOLDER[number:number + 1]] + [("__MACOSX/x/._1.jpg", b"x"), ("empty/", b"")]
            job = self.wait(self.start([("staff.zip", archive(files, method))]))
            self.assertEqual((job["state"], job["total"], job["enrolled"]), ("done", 1, 1), job)

    def test_rows_of_a_csv_file_say_who_is_who(self):
        rows = 'id,name,path\r\n44,"Obama, Barack",a/x.jpg\r\n46,Joe Biden,y.jpg\r\n47,Nobody,missing.jpg\r\n'
        files = [("set/people.csv", rows.encode()), ("set/a/x.jpg", OBAMA), ("set/y.jpg", BIDEN), ("set/unnamed.jpg", OBAMA3)]
        for sent in (files, [("set.zip", archive(files))]):
            job = self.wait(self.start(sent))
            self.assertEqual((job["total"], job["enrolled"] + job["skipped"], job["refused"]), (3, 2, 1), job)
            self.assertEqual(job["last_refused"][0]["path"], "missing.jpg")
        self.assertEqual(self.people(), {"44": ("Obama, Barack", 1), "46": ("Joe Biden", 1)})

    def test_what_is_no_import_is_refused_in_words(self):
        self.start([], 400)
        for files, word in (([("a.csv", b"id,name\n1,2\n")], "fields"), ([("a.zip", archive(FOLDER[:1])[:-10])], "cut short"),
                            ([("notes.csv", b'1,"open')], "quote"), ([(".hidden", b"x")], "no photo")):
            job = self.wait(self.start(files))
            self.assertEqual(job["state"], "failed", job)
            self.assertIn(word, job["message"])

    def test_hostile_archives_end_as_refusals(self):
        good = bytearray(archive([("p/1.jpg", b"\0" * 50_000_000), ("p/2.jpg", OBAMA)]))
        bomb = self.wait(self.start([("bomb.zip", bytes(good))]))
        self.assertEqual((bomb["enrolled"], bomb["last_refused"][0]["code"]), (1, "too_large"))
        at = good.rfind(b"PK\1\2")
        for offset, value in ((24, 0x7fffffff), (20, 0x7fffffff), (42, 0x7ffffff0)):
            broken = bytearray(good)
            broken[at + offset:at + offset + 4] = value.to_bytes(4, "little")
            job = self.wait(self.start([("broken.zip", bytes(broken))]))
            self.assertEqual((job["state"], job["enrolled"] + job["skipped"], job["refused"]), ("done", 0, 2), job)

    def test_a_job_is_paused_resumed_and_cancelled(self):
        files = [(f"p{i}/1.jpg", GROUP + bytes([i])) for i in range(60)]
        job = self.start(files)
        self.wait(job, "running")
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/pause", 200, "POST")["state"], "paused")
        counts = [-1]
        while len(counts) < 3 or len(set(counts[-3:])) > 1:  # the photos that are in work are finished; then it stands still
            time.sleep(0.5)
            counts.append(self.get(f"/v1/jobs/{job['id']}")["done"])
            self.assertLess(len(counts), 30)
        self.assertLess(counts[-1], 60)
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/resume", 200, "POST")["state"], "running")
        self.get(f"/v1/jobs/{job['id']}", 200, "DELETE")
        ended = self.wait(job)
        self.assertEqual(ended["state"], "cancelled")
        self.assertLess(ended["done"], 60)
        self.get("/v1/jobs/0000000000000000", 404)

    def test_events_follow_a_job_to_its_end(self):
        job = self.start(FOLDER)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request("GET", f"/v1/jobs/{job['id']}/events")
        answer = connection.getresponse()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        events = [block.split("\n") for block in answer.read().decode().split("\n\n") if block.startswith("event")]
        connection.close()
        last = json.loads(events[-1][1].removeprefix("data: "))
        self.assertEqual((events[-1][0], last["state"], last["enrolled"]), ("event: end", "done", 3))
        self.assertGreater(len(events), 1)

    def test_a_server_that_stops_ends_jobs_and_events(self):
        job = self.start([(f"p{i}/1.jpg", GROUP + bytes([i])) for i in range(60)])
        self.get(f"/v1/jobs/{job['id']}/pause", 200, "POST")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request("GET", f"/v1/jobs/{job['id']}/events")
        answer = connection.getresponse()
        self.server.process.terminate()
        self.assertIn(b"paused", answer.read())
        connection.close()
        self.assertEqual(self.server.process.wait(30), 0)
