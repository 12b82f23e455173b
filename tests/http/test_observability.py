"""What an operator sees: the log in both forms, slow requests with their stages, the metrics, and the dashboard."""

import fcntl
import itertools
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from program import FRIENDS, PROGRAM, SOURCE, ProgramCase
from server import PATIENCE, Server

OBAMA = (FRIENDS / "obama.jpg").read_bytes()


class LoggedServer(Server):
    """A server whose log is kept, one string a line."""

    def __enter__(self):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.file)
        self.port = int(self.process.stdout.readline().rsplit(b":", 1)[1])
        return self

    def __exit__(self, *what):
        super().__exit__(*what)
        self.file.seek(0)
        self.lines = self.file.read().decode().splitlines()
        self.file.close()


class Log(ProgramCase):
    def serve(self, *arguments):
        """Searches on a server with these settings; returns its log and the id of the request."""
        server = LoggedServer(self.data, "--log-level", "info", *arguments)
        with server:
            server.post_photo("/v1/search", OBAMA)  # waits for the models
            status, headers, _ = server.request("POST", "/v1/search?k=1", OBAMA, {"Content-Type": "image/jpeg"})
            self.assertEqual(status, 200)
        return server.lines, headers["X-Request-Id"]

    def test_a_slow_request_has_one_line_with_its_id_and_the_time_of_each_stage(self):
        lines, request = self.serve("--slow-ms", "1")
        slow = [line for line in lines if f"[{request}] slow: " in line]
        self.assertEqual(len(slow), 1, lines)
        said = re.search(r" warning \[\w+\] slow: POST /v1/search 200 ([\d.]+) ms: (.*)$", slow[0])
        stages = {name: float(ms) for name, ms in (part.split() for part in said[2].split(", "))}
        self.assertLessEqual({"decode", "detect", "align", "embed", "store"}, set(stages))
        self.assertAlmostEqual(sum(stages.values()), float(said[1]), delta=1 + 0.05 * float(said[1]))

    def test_the_json_log_has_the_same_in_fields(self):
        lines, request = self.serve("--slow-ms", "1", "--log-format", "json")
        entries = [json.loads(line) for line in lines]
        self.assertTrue(all({"time", "level", "message"} <= set(e) for e in entries))
        slow = [e for e in entries if e.get("request") == request and e.get("slow")]
        self.assertEqual(len(slow), 1, entries)
        self.assertEqual(
            (slow[0]["method"], slow[0]["route"], slow[0]["status"], slow[0]["level"]),
            ("POST", "/v1/search", 200, "warning"),
        )
        self.assertLessEqual({"decode", "detect", "align", "embed", "store"}, set(slow[0]["stages"]))
        usual = [e for e in entries if e.get("request") == request and not e.get("slow")]
        self.assertEqual([e["level"] for e in usual], ["info"])

    def test_without_the_setting_no_request_is_logged_as_slow(self):
        lines, request = self.serve("--slow-ms", "0")
        self.assertTrue(any(request in line for line in lines))
        self.assertFalse(any("slow:" in line for line in lines))

    def test_unknown_log_formats_and_levels_are_refused(self):
        self.refused("list", "--log-format", "xml", code=2, word="text or json")
        self.refused("list", "--log-level", "loud", code=2, word="log-level")

    def test_a_log_that_nobody_reads_does_not_block_and_reports_lost_lines(self):
        server = Server(self.data, "--log-level", "info")
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        server.process = subprocess.Popen(server.command, stdout=subprocess.PIPE, stderr=write)
        os.close(write)
        server.port = int(server.process.stdout.readline().rsplit(b":", 1)[1])
        asked = 200
        try:
            for _ in range(asked):
                self.assertEqual(server.request("GET", "/healthz")[0], 200)
            text, give_up = os.read(read, 65536), time.monotonic() + PATIENCE
            while self.logged_and_lost(text) < asked:  # a request is logged just after its answer is sent
                self.assertLess(time.monotonic(), give_up, text)
                self.assertEqual(server.request("GET", "/v1/health")[0], 200)
                text += os.read(read, 65536)
        finally:
            server.process.terminate()
            with open(read, "rb") as rest:
                text += rest.read()
            self.assertEqual(server.process.wait(120), 0)
            server.process.stdout.close()
        self.assertIn(b" log lines were dropped", text)

    def logged_and_lost(self, text):
        """The number of requests for /healthz in the log, and of lines that it reports as lost."""
        logged = len(re.findall(rb" GET /healthz 200 ", text))
        return logged + sum(int(n) for n in re.findall(rb" warning (\d+) log lines were dropped", text))


class Dashboard(ProgramCase):
    def test_the_dashboard_and_the_metrics_name_each_other(self):
        self.json_of("cameras", "add", "door", "rtsp://127.0.0.1:1/", "--purpose", "a test")
        decoder = (pathlib.Path(PROGRAM).resolve().parent.parent / "video/semblance-video").exists()
        with Server(self.data) as server:
            server.post_photo("/v1/search", OBAMA)
            text, give_up = b"", time.monotonic() + PATIENCE
            wanted = {b'semblance_request_seconds_count{method="POST",route="/v1/search"}'}
            if decoder:
                wanted.add(b'semblance_camera_state{camera="door",state="lost"} 1')
            while any(line not in text for line in wanted):  # both come a moment later
                self.assertLess(time.monotonic(), give_up, text)
                _, _, text = server.request("GET", "/metrics")
        kinds = dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", text.decode()))
        self.assertEqual(set(kinds), set(re.findall(r"(?m)^# HELP (\w+) \S", text.decode())))
        samples = set(re.findall(r"(?m)^(\w+)[{ ]", text.decode()))
        families = [re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"(?m)^(\w+)[{ ]", text.decode())]
        groups = [name for name, _ in itertools.groupby(families)]
        self.assertEqual(len(groups), len(set(groups)), "the samples of a metric do not stand together")
        if not decoder:
            samples |= {name for name in kinds if name.startswith("semblance_camera_")}
        dashboard = json.loads(pathlib.Path(SOURCE / "packaging/grafana/semblance.json").read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        queries += [
            variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"
        ]
        asked = {name for query in queries for name in re.findall(r"\b(?:semblance|process)_\w+", query)}
        self.assertLessEqual(asked, samples, "the dashboard asks for what no server tells")
        families = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in kinds else name for name in asked}
        self.assertEqual(families, set(kinds), "a metric that no panel shows")
        for query in queries:
            self.assertEqual(query.count("("), query.count(")"), query)
