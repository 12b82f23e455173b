"""HTTP as the RFCs have it: what real clients send, byte by byte, and what they may expect of answers."""

import base64
import gzip
import json
import re
import urllib.parse
import zlib

from test_native import OBAMA, SharedServerCase

DISPOSITION = "Content-Disposition: form-data; "


def form(boundary, *parts, end="--"):
    """A form of (headers, content): as bytes, with the lines of the headers as they are."""
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts)
    return body + f"--{boundary}{end}\r\n".encode()


class Forms(SharedServerCase):
    def send(self, kind, body, status=200, path="/v1/detect", **headers):
        return self.get(path, status, "POST", body, {"Content-Type": kind, **headers})

    def test_a_form_is_read_by_the_grammar_of_the_rfcs(self):
        """As .NET, Java, curl, browsers and people who write it themselves send one."""
        photo = (DISPOSITION + 'name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg', OBAMA)
        kinds = (
            ("multipart/form-data; boundary=B", "B"),
            ("multipart/form-data; boundary=XyZ; charset=UTF-8", "XyZ"),
            ("multipart/form-data;charset=UTF-8;boundary=XyZ", "XyZ"),
            ("Multipart/Form-Data ; BOUNDARY = XyZ ; x", "XyZ"),
            ('multipart/form-data; boundary="a b:c"', "a b:c"),
            ("multipart/form-data; boundary=----=_Part_1_2.3", "----=_Part_1_2.3"),
            ("multipart/form-data; boundary=-", "-"),
            ("multipart/form-data; boundary=" + "9" * 70, "9" * 70),
        )
        for kind, boundary in kinds:
            with self.subTest(kind=kind):
                self.assertEqual(len(self.send(kind, form(boundary, photo))["faces"]), 1)
        heads = (
            DISPOSITION + "name=image; filename=a.jpg; filename*=utf-8''a.jpg",
            "content-disposition:form-data;filename=a.jpg;name=image",
            'CONTENT-DISPOSITION :  Form-Data ; NAME = "image" ; FileName="a;b\\"c.jpg"',
            DISPOSITION + "name*=UTF-8'en'%69mage",
            "Content-Disposition: form-data;\r\n\tname=image",
            "X-Other: 1\r\nContent-Transfer-Encoding: binary\r\n" + DISPOSITION + "name=image",
        )
        for head in heads:
            with self.subTest(head=head):
                body = (
                    b"a preamble\r\n--Bx\r\n" + form("B", (head, OBAMA)).replace(b"--B\r\n", b"--B \t\r\n") + b"after"
                )
                self.assertEqual(len(self.send("multipart/form-data; boundary=B", body)["faces"]), 1)

    def test_a_form_that_is_malformed_is_refused_in_words(self):
        kind = "multipart/form-data; boundary=B"
        part = (DISPOSITION + "name=image", b"x")
        for kind_sent, body, word in (
            (kind, form("B", ("Content-Type: image/jpeg", b"x")), "no name"),
            (kind, form("B", ("no colon", b"x")), "colon"),
            (kind, form("B", part, end=""), "middle of its form"),
            (kind, form("B", part)[:-10], "middle of its form"),
            (kind, form("B", (part[0] + "\r\nContent-Transfer-Encoding: base64", b"eA==")), "Transfer-Encoding"),
            (kind, form("B", (part[0] + "\r\nX: " + "y" * 10_000, b"x")), "8192"),
            ("multipart/form-data", form("B", part), "boundary"),
            ("multipart/form-data; boundary=" + "9" * 71, form("9" * 71, part), "boundary"),
        ):
            with self.subTest(word=word):
                self.assertIn(word, self.send(kind_sent, body, 400)["error"]["message"])

    def test_names_in_latin_1_and_utf_8_become_the_same_ids(self):
        files = (
            DISPOSITION + "name=file; filename*=iso-8859-1''Zo%EB/1.jpg",
            DISPOSITION + "name=file; filename=wrong/1.jpg; filename*=UTF-8''Ren%C3%A9/1.jpg",
            DISPOSITION + 'name="file"; filename="Zoé/1.jpg"',
        )
        body = form("B", *((head, OBAMA) for head in files))
        job = self.send("multipart/form-data; boundary=B", body, 202, "/v1/jobs/import", **{"X": "1"})
        while (state := self.get(f"/v1/jobs/{job['id']}"))["state"] in ("queued", "reading", "running"):
            pass
        self.assertEqual((state["state"], state["total"], state["refused"]), ("done", 3, 0))
        people = self.get("/v1/people")["people"]
        self.assertEqual({p["id"] for p in people}, {"Zoë", "René", "Zoé"})

    def test_compressed_bodies_are_read_within_the_limits(self):
        text = json.dumps({"image": base64.b64encode(OBAMA).decode()}).encode()
        for name in ("gzip", "x-gzip", "GZIP"):
            got = self.send("application/json", gzip.compress(text), **{"Content-Encoding": name})
            self.assertEqual(len(got["faces"]), 1)
        halves = gzip.compress(text[:1000]) + gzip.compress(text[1000:])
        self.assertEqual(len(self.send("application/json", halves, **{"Content-Encoding": "gzip"})["faces"]), 1)
        self.assertEqual(len(self.send("image/jpeg", gzip.compress(OBAMA), **{"Content-Encoding": "gzip"})["faces"]), 1)
        for encoding, body, status, word in (
            ("gzip", gzip.compress(b" " * 40_000_000), 413, "larger"),
            ("gzip", gzip.compress(text)[:-20], 400, "middle"),
            ("gzip", text, 400, "not gzip"),
            ("deflate", zlib.compress(text), 400, "deflate"),
            ("br", text, 400, "br"),
            ("gzip, gzip", text, 400, "gzip, gzip"),
        ):
            with self.subTest(encoding=encoding, word=word):
                answer = self.send("application/json", body, status, **{"Content-Encoding": encoding})
                self.assertIn(word, answer["error"]["message"])


class Fields(SharedServerCase):
    def json(self, path, body, status=200, method="POST"):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.get(path, status, method, text, {"Content-Type": "application/json"})

    def test_numbers_are_taken_as_ids_and_the_byte_order_mark_is_passed_over(self):
        photo = base64.b64encode(OBAMA).decode()
        body = json.dumps({"id": 4711, "name": "Ann", "image": photo}).encode()
        self.assertEqual(self.json("/v1/people", b"\xef\xbb\xbf" + body, 201)["person"]["id"], "4711")
        registered = self.server.request(
            "POST",
            "/api/register",
            json.dumps({"ssn": 4712, "name": "Ann", "image": photo}).encode(),
            {"Content-Type": "application/json"},
        )
        self.assertEqual(registered[0], 200, registered[2])
        self.assertEqual({p["id"] for p in self.get("/v1/people")["people"]}, {"4711", "4712"})
        for wrong in (True, 1.5, -1, [], {}, None):
            with self.subTest(id=wrong):
                self.json("/v1/people", {"id": wrong, "name": "Ann", "image": photo}, 400)
        message = self.json("/v1/people", {"id": "5", "name": 5, "image": photo}, 400)["error"]["message"]
        self.assertIn("quotes", message)

    def test_base64_as_clients_mangle_it_is_still_a_photo(self):
        plain = base64.b64encode(OBAMA).decode()
        self.assertIn("+", plain)
        url = "data:image/jpeg;base64," + plain
        for text in (
            "  " + url,
            "\n" + plain + "\n",
            urllib.parse.quote(url, safe=""),
            urllib.parse.quote(plain, safe=""),
            url.replace("+", " "),
            plain.replace("+", " "),
            f"b'{plain}'",
            DATA_URL_LINES.format("\r\n".join(re.findall(".{1,76}", plain))),
        ):
            with self.subTest(text=text[:40]):
                self.assertEqual(len(self.json("/v1/detect", {"image": text})["faces"]), 1)
        for text in ("/etc/passwd", "photo", "%zz" + plain, "a b"):
            with self.subTest(text=text[:40]):
                self.json("/v1/detect", {"image": text}, 400)


DATA_URL_LINES = "data:image/jpeg;base64,{}"


class Answers(SharedServerCase):
    def encoding(self, accepted, path="/v1/openapi.json"):
        headers = {} if accepted is None else {"Accept-Encoding": accepted}
        status, headers, _ = self.server.request("GET", path, headers=headers)
        self.assertEqual(status, 200)
        self.assertIn("Accept-Encoding", headers["Vary"])
        return headers.get("Content-Encoding", "identity")

    def test_accept_encoding_is_read_with_weights_and_any_case(self):
        for accepted in ("gzip", "GZIP", "x-gzip", "gzip;q=0.5", "br, gzip ; q=0.1", "*", "identity;q=0.5, *;q=0.8"):
            with self.subTest(accepted=accepted):
                self.assertEqual(self.encoding(accepted), "gzip")
        for accepted in (None, "", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "notgzip", "gzipped"):
            with self.subTest(accepted=accepted):
                self.assertEqual(self.encoding(accepted), "identity")
        self.assertEqual(self.encoding("gzip;q=0.4, identity;q=0.6"), "identity")

    def test_both_forms_of_an_answer_share_a_weak_etag_and_304_varies(self):
        self.enroll()
        for path in ("/", "/v1/openapi.json", "/v1/people"):
            with self.subTest(path=path):
                tags = set()
                for accepted in ("identity", "gzip"):
                    _, headers, _ = self.server.request("GET", path, headers={"Accept-Encoding": accepted})
                    tags.add(headers["ETag"])
                (tag,) = tags
                self.assertRegex(tag, r'^W/"')
                for known in (tag, tag[2:], f'"x", {tag}', f'W/"y",{tag[2:]} , "z"', "*"):
                    status, headers, body = self.server.request("GET", path, headers={"If-None-Match": known})
                    self.assertEqual((status, body), (304, b""), known)
                    self.assertIn("Accept-Encoding", headers["Vary"])
                    self.assertEqual(headers["ETag"], tag)
                for other in (tag[:-2] + '"', tag[2:-1], '"x"', "W/", ""):
                    self.assertEqual(self.server.request("GET", path, headers={"If-None-Match": other})[0], 200, other)

    def test_metrics_have_one_group_for_each_family(self):
        """As the text format of Prometheus wants it: all samples of a family in one group, behind its TYPE."""
        self.enroll()
        text = self.server.request("GET", "/metrics")[2].decode()
        families, current = [], None
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                current, kind = line.split()[2:]
                families.append(current)
            elif not line.startswith("#"):
                name = re.match(r"\w+", line)[0]
                ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
                self.assertIn(name, [current + end for end in ends])
        self.assertEqual(len(families), len(set(families)))
