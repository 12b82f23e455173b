"""The settings view of the page in headless Chromium: figures, thresholds, keys, the audit log, the accuracy report."""

import json
import os
import shutil
import subprocess

from page import OBAMA2, OwnServerCase, PageCase
from program import FRIENDS, PROGRAM


class Settings(PageCase):
    def test_the_state_of_the_server_is_shown_in_numbers(self):
        self.enroll()
        self.view("settings")
        self.browser.wait_text("#s-model", "mobilefacenet")
        self.browser.wait_equal("1", "return document.querySelector('#v-gallery .n').textContent")
        self.browser.wait_text("#v-gallery .unit", "template of 1 person")
        self.browser.wait_text("#s-targets", "1 in 10,000")
        self.assertRegex(self.browser.text("#s-match"), r"^0\.\d{3}$")
        self.browser.wait(
            "return document.querySelector('#chart-requests').ariaLabel.toLowerCase().includes('requests')"
        )
        self.browser.wait("return document.querySelectorAll('#chart-requests .plot-bar').length > 0")
        self.browser.wait_text("#collections-rows", "mobilefacenet-512")
        self.browser.wait_text("#models-rows", "finds faces")
        self.browser.wait_text("#models-rows", "used by default")
        self.assertEqual(self.clean_log(), [])

    def test_the_search_method_and_the_recall_of_an_index_are_shown(self):
        """The first text is for the server's own answer, the others for answers that the test changes in the page."""
        self.view("settings")
        self.browser.wait_text("#s-search", "In this server’s memory")
        self.browser.run("""const ask = window.fetch;
            window.search = { by: 'memory' };
            window.fetch = async (path, ...rest) => {
              const answer = await ask(path, ...rest);
              return path === '/v1/stats' ? Response.json({ ...await answer.json(), search: window.search }) : answer;
            };""")
        for search, words in (
            ({"by": "database"}, "By the database, exactly"),
            ({"by": "database", "hnsw": 400, "hnsw_collections": 2, "hnsw_recall": None}, "HNSW 400: not measured"),
            (
                {"by": "database", "hnsw": 400, "hnsw_collections": 2, "hnsw_recall": 0.8125},
                "HNSW 400: finds 81.3% of the ten nearest",
            ),
            ({"by": "database", "hnsw": 400, "hnsw_collections": 0, "hnsw_recall": None}, "By the database, exactly"),
        ):
            self.browser.run("window.search = arguments[0]", search)
            self.view("list")
            self.view("settings")
            self.browser.wait_text("#s-search", words)

    def test_singular_and_plural_are_right_in_every_language(self):
        words = """const done = arguments[0]; import('/js/i18n.js').then(async (i) => {
            const templates = (faces) => i.counted('v.templates', faces);
            const gallery = (people, faces) => i.counted('v.of', people, { templates: templates(faces) });
            const before = document.documentElement.lang.slice(0, 2);
            const said = [];
            for (const language of i.languages()) {
              await i.choose(language);
              said.push([gallery(1, 1), gallery(1, 3), gallery(2, 3), i.counted('searched', 1, { ms: 5 })]);
            }
            await i.choose(before);
            done(said); })"""
        self.assertEqual(
            self.browser.run_async(words),
            [
                [
                    "template of 1 person",
                    "templates of 1 person",
                    "templates of 2 people",
                    "Searched 1 person in 5 ms.",
                ],
                [
                    "assinatura de 1 pessoa",
                    "assinaturas de 1 pessoa",
                    "assinaturas de 2 pessoas",
                    "1 pessoa pesquisada em 5 ms.",
                ],
                [
                    "plantilla de 1 persona",
                    "plantillas de 1 persona",
                    "plantillas de 2 personas",
                    "Se buscó entre 1 persona en 5 ms.",
                ],
                [
                    "gabarit de 1 personne",
                    "gabarits de 1 personne",
                    "gabarits de 2 personnes",
                    "1 personne comparée en 5 ms.",
                ],
                [
                    "Vorlage von 1 Person",
                    "Vorlagen von 1 Person",
                    "Vorlagen von 2 Personen",
                    "1 Person in 5 ms durchsucht.",
                ],
            ],
        )

    def choose(self, selector, value):
        self.browser.wait(
            "const s = document.querySelector(arguments[0]);"
            "return !s.disabled && [...s.options].some((o) => o.value === arguments[1])",
            selector,
            value,
        )
        self.browser.run(
            "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
            "s.dispatchEvent(new Event('change', { bubbles: true }))",
            selector,
            value,
        )

    def test_a_threshold_is_set_by_error_rate_or_score_and_reset(self):
        browser = self.browser
        self.enroll()
        self.view("settings")
        browser.wait("return !document.querySelector('#sure-save').disabled")  # every request has its answer
        browser.wait_text("#sure-now", "model’s default")
        own = browser.text("#s-match")
        self.choose("#sure-by", "fmr")
        self.choose("#sure-rate", "0.000001")
        browser.wait_text("#sure-pairs", "1 in 1 million")
        browser.wait_text("#sure-strangers", "1 in 1 million")  # one template: a search is one comparison
        meant = browser.text("#sure-from")
        # Nothing is saved yet.
        self.assertEqual(json.loads(self.server.request("GET", "/v1/thresholds")[2])["source"], "default")
        browser.click("#sure-save")
        browser.wait_text("#sure-now", "saved here", "Two people mistaken for one: 1 in 1 million.")
        browser.wait_equal(meant, "return document.querySelector('#s-match').textContent")
        browser.wait_text("#audit-rows tr", "Threshold set by false matches")
        self.choose("#sure-by", "threshold")
        browser.run(
            "const i = document.querySelector('#sure-score'); i.value = '0.987'; i.dispatchEvent(new Event('input'))"
        )
        browser.wait_equal("0.987", "return document.querySelector('#sure-from').textContent")
        browser.click("#sure-save")
        browser.wait_text("#sure-now", "Similarity: 0.987")
        self.view("search")
        browser.type("#search-file", OBAMA2)
        browser.wait_text("#verdict", "No match")
        self.view("settings")
        browser.wait_visible("#sure-reset")
        browser.click("#sure-reset")
        browser.wait_text("#sure-now", "model’s default")
        browser.wait_equal(own, "return document.querySelector('#s-match').textContent")
        browser.wait_visible("#sure-reset", False)
        self.assertEqual(self.clean_log(), [])

    def test_an_invalid_threshold_cannot_be_saved(self):
        browser = self.browser
        self.view("settings")
        browser.wait("return !document.querySelector('#sure-save').disabled")
        self.choose("#sure-by", "threshold")
        for wrong in ("0", "", "1.5"):
            browser.run(
                "const i = document.querySelector('#sure-score'); i.value = arguments[0];"
                "i.dispatchEvent(new Event('input'))",
                wrong,
            )
            browser.wait_equal(
                [True, "–"],
                "return [document.querySelector('#sure-save').disabled,"
                " document.querySelector('#sure-from').textContent]",
            )
        browser.wait_text("#sure-error", "threshold")


class Admin(OwnServerCase):
    def set_password(self):
        subprocess.run(
            [PROGRAM, "access", "password", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"},
        )

    def log_in(self):
        self.browser.wait_text("#dlg-login h2", "Log in")
        self.browser.type("#dlg-login [name=password]", "correct horse battery")
        self.browser.click("#dlg-login .actions .btn")

    def test_no_key_can_be_made_before_a_password_is_set(self):
        self.view("settings")
        self.browser.wait_text("#keys-first", "semblance access password")
        self.browser.settle()
        self.assertTrue(self.browser.run("return document.querySelector('#key-new').disabled"))

    def test_a_key_is_made_shown_once_revoked_and_named_in_the_audit_log(self):
        browser = self.browser
        self.set_password()
        self.view("settings")
        self.log_in()
        browser.wait("return !document.querySelector('#key-new').disabled")
        browser.settle()
        browser.run("document.querySelector('#key-new').scrollIntoView({ block: 'center' })")
        browser.click("#key-new")
        browser.type("#k-label", "Front door")
        browser.click("#k-enroll")
        browser.run("document.querySelector('#k-expires').value = '30d'")
        browser.click("#key-make")
        browser.wait_text("#key-made h2", "Copy this key now")
        key = browser.run("return document.querySelector('#key-text').value")
        browser.click("#key-shut")
        browser.wait_equal("", "return document.querySelector('#key-text').value")
        browser.wait_text("#keys-rows", "Front door", "search", "register", "all collections", "until")
        headers = {"Authorization": f"Bearer {key}"}
        self.assertEqual(self.server.request("GET", "/v1/people", headers=headers)[0], 200)
        browser.settle()
        browser.run("document.querySelector('#keys-rows button').scrollIntoView({ block: 'center' })")
        browser.click("#keys-rows button")
        browser.wait_text("#h-revoke", "Revoke the key Front door?")
        browser.click("#revoke-yes")
        browser.wait_text("#keys-rows", "revoked")
        self.assertEqual(self.server.request("GET", "/v1/people", headers=headers)[0], 401)
        browser.wait_text("#audit-rows", "Key revoked", "Key created", "Login", "Password set")
        browser.run("document.querySelector('#audit-check').click()")
        browser.wait_text("#audit-whole", "Nothing is missing or changed")

    def test_the_audit_is_read_page_by_page(self):
        headers = {"Content-Type": "application/json"}
        self.enroll()
        for number in range(30):
            self.server.request("PATCH", "/v1/people/44", json.dumps({"name": f"Name {number}"}), headers)
        self.view("settings")
        self.browser.wait_text("#audit-rows", "Renamed")
        self.browser.settle()
        self.browser.wait_equal(20, "return document.querySelectorAll('#audit-rows tr').length")
        for shown in (20, 40, 60, 80):
            if not self.browser.visible("#audit-more"):
                break
            self.browser.run("document.querySelector('#audit-more').click()")
            self.browser.wait("return document.querySelectorAll('#audit-rows tr').length > arguments[0]", shown)
        self.browser.wait_text("#audit-rows", "Registered")
        self.browser.wait_visible("#audit-more", False)

    def test_the_published_accuracy_report_is_shown(self):
        self.view("settings")
        self.browser.wait_text("#rep-none", "semblance eval FOLDER --publish")
        people = self.folder / "eval"
        for person, photos in (("obama", ("obama.jpg", "obama2.jpg", "obama3.jpg")), ("biden", ("biden.jpg",))):
            (people / person).mkdir(parents=True)
            for name in photos:
                shutil.copy(FRIENDS / name, people / person)
        subprocess.run(
            [PROGRAM, "eval", people, "--publish", "--quiet", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.view("list")
        self.view("settings")
        self.browser.wait_text("#rep-photos", "4 photos of 2 people")
        self.browser.wait_text("#rep-pairs", "3 same-person, 3 different-people")
        self.browser.wait_equal(6, "return document.querySelectorAll('#rep-scores .plot-bar').length")
        self.browser.wait_text("#rep-rows", "default threshold", "100%")
