"""What operators must be able to trust: nothing stale beside a live picture, nothing chosen silently, no lost input."""

import json
import os
import re
import subprocess
import time

from page import BIDEN, GROUP, OBAMA, OBAMA2, OwnServerCase, PageCase
from program import PROGRAM, SOURCE

DELETE, ESCAPE, ENTER, SHIFT, DOWN, END, CONTROL = "\ue017", "\ue00c", "\ue007", "\ue008", "\ue015", "\ue010", "\ue009"

# Answers of the server that a test replaces: window.fake maps a path to a function of the true answer's JSON.
FAKE = """window.fake = {}; const real = window.fetch; window.fetch = async (path, ...rest) => {
    const answer = await real(path, ...rest); const fake = window.fake[String(path).split('?')[0]];
    return fake ? Response.json(fake(await answer.json().catch(() => null)), { status: answer.status }) : answer; };"""


class Dialogs(PageCase):
    def edit(self, name):
        self.view("list")
        self.browser.wait_text("#rows", name)
        self.browser.click(f"#rows [aria-label='Edit {name}']")
        self.browser.wait_visible("#dlg-edit")

    def test_enter_saves_in_the_edit_dialog(self):
        self.enroll()
        self.edit("Barack Obama")
        self.browser.type("#e-name", " II")
        self.browser.press(ENTER)
        self.browser.wait_text("#rows", "Barack Obama II")
        self.assertEqual(self.people()[0]["name"], "Barack Obama II")

    def test_a_change_that_fails_changes_nothing_and_keeps_what_was_typed(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.edit("Barack Obama")
        self.browser.run("document.querySelector('#e-name').value = 'Other'")
        self.browser.run("document.querySelector('#e-id').value = '46'")
        self.browser.click("#edit-yes")
        self.browser.wait_text("#dlg-edit .note.is-bad", "This ID is already registered")
        self.assertEqual(self.browser.run("return document.querySelector('#e-name').value"), "Other")
        self.assertEqual({p["name"] for p in self.people()}, {"Barack Obama", "Joe Biden"})

    def test_a_failure_is_not_marked_as_a_success(self):
        self.view("list")
        self.browser.run("""const done = import('/js/dom.js').then((d) => d.toast('No', { kind: 'bad' }));""")
        self.browser.wait_text("#toast", "No")
        self.assertEqual(self.browser.run("return document.querySelector('#toast use').href.baseVal"), "#i-alert")


class ListOfPeople(PageCase):
    def fill(self, count):
        for number in range(count):
            body = {"id": f"p{number:02}", "name": f"Person {number:02}"}
            self.server.post_photos("/v1/people", {**body, "image": BIDEN.read_bytes()}, 201)

    def test_a_name_is_found_without_its_accents_and_in_any_case(self):
        for identity, name in (("1", "José García"), ("2", "Jürgen Müller"), ("3", "Łódź Straße"), ("4", "Νίκος")):
            self.enroll(identity, name, BIDEN)
        self.view("list")
        for query, name in (
            ("garcia", "José García"),
            ("GARCÍA", "José García"),
            ("muller", "Jürgen Müller"),
            ("strasse", "Łódź Straße"),
            ("ΝΙΚΟΣ", "Νίκος"),
        ):
            self.browser.run(
                "const q = document.querySelector('#q'); q.value = arguments[0]; q.dispatchEvent(new Event('input'))",
                query,
            )
            self.browser.wait_text("#range", "1 to 1 of 1")
            self.browser.wait_text("#rows", name)
            self.browser.wait_text("#list-total", "1 of 4 people")

    def test_a_list_that_opens_with_a_search_tells_how_many_people_there_are_and_follows_changes(self):
        self.fill(3)
        self.browser.open(self.address + "#list?q=02")
        self.browser.wait_text("#list-total", "1 of 3 people")
        self.enroll("p03", "Person 03", BIDEN)
        self.browser.run("document.dispatchEvent(new Event('people-changed'))")
        self.browser.wait_text("#list-total", "1 of 4 people")

    def test_nobody_stays_selected_whom_the_list_does_not_show(self):
        self.fill(3)
        self.view("list")
        self.browser.click("[aria-label='Select Person 01']")
        self.browser.wait_text("#pick-n", "1 selected")
        self.browser.type("#q", "02")
        self.browser.wait_text("#range", "of 1")
        self.browser.wait_visible("#pickbar", False)

    def test_the_list_is_one_stop_of_the_tab_key_and_its_rows_are_reached_by_arrows(self):
        browser = self.browser
        self.fill(4)
        self.view("list")
        browser.wait_text("#range", "of 4")
        browser.wait_equal(1, "return document.querySelectorAll('#rows [tabindex=\"0\"]').length")
        browser.run("document.querySelector('#rows .tr[tabindex=\"0\"]').focus()")
        browser.press(DOWN + " ")
        browser.wait_text("#pick-n", "1 selected")
        browser.wait_equal("3", "return document.activeElement.getAttribute('aria-rowindex')")
        browser.keys("#rows .tr[tabindex='0']", SHIFT + DOWN + DOWN)
        browser.wait_text("#pick-n", "3 selected")
        browser.keys("#rows .tr[tabindex='0']", ESCAPE)
        browser.wait_visible("#pickbar", False)
        browser.keys("#rows .tr[tabindex='0']", CONTROL + "a")
        browser.wait_text("#pick-n", "4 selected")
        browser.click("#pick-all")
        browser.wait_visible("#pickbar", False)

    def test_a_deletion_can_be_undone_then_is_final_with_a_receipt_that_is_kept(self):
        browser = self.browser
        self.fill(2)
        self.view("list")
        browser.wait_text("#range", "of 2")
        browser.run("document.querySelector('#rows .tr[tabindex=\"0\"]').focus()")
        browser.press(DELETE)
        browser.click("#delete-yes")
        browser.wait_text("#toast", "will be deleted")
        browser.wait_visible("#rows .is-held")
        browser.click(".toast-act")  # undo
        browser.wait_text("#toast", "Nobody was deleted")
        browser.wait_equal(0, "return document.querySelectorAll('#rows .is-held').length")
        self.assertEqual(len(self.people()), 2)
        browser.run("document.querySelector('#rows .tr[tabindex=\"0\"]').focus()")
        browser.press(DELETE)
        browser.click("#delete-yes")
        browser.wait_text("#toast", "will be deleted")
        browser.click("#toast-shut")
        browser.wait_text("#range", "of 1")
        self.assertEqual(len(self.people()), 1)
        browser.wait("return document.activeElement.matches('#rows .tr')")
        self.view("settings")
        browser.wait_text("#receipts-rows", "Download receipt")
        kept = browser.run("return localStorage.receipts")
        self.assertNotIn("p01", kept)  # a receipt names nobody

    def test_names_with_emoji_have_whole_initials_and_long_ones_stay_in_their_card(self):
        self.enroll("1", "👩‍🚀 Ana", BIDEN)
        self.enroll("2", "B" * 200, OBAMA)
        self.view("list")
        self.browser.wait_text("#rows .mono-face", "B")
        self.browser.wait_equal(
            ["B", "👩‍🚀A"], "return [...document.querySelectorAll('#rows .mono-face')].map((n) => n.textContent)"
        )
        self.browser.click("#pick-all")
        self.browser.click("#pick-merge")
        self.browser.wait_visible("#dlg-merge")
        self.assertTrue(
            self.browser.run("const d = document.querySelector('#dlg-merge'); return d.scrollWidth <= d.clientWidth")
        )
        self.browser.press(ESCAPE)

    def test_the_address_keeps_what_the_list_shows(self):
        self.fill(3)
        self.browser.open(self.address + "#list?q=02&sort=name")
        self.browser.open("about:blank")
        self.browser.open(self.address + "#list?q=02&sort=name")
        self.browser.wait_text("#range", "1 to 1 of 1")
        self.browser.wait_equal("name", "return document.querySelector('#sort').value")

    def test_the_list_is_as_tall_as_the_window_in_4k_and_has_room_at_200_percent(self):
        self.fill(2)
        self.view("list")
        self.browser.wait_text("#range", "of 2")
        self.browser.emulate(3840, 2160)
        self.browser.wait("return document.querySelector('#rows').clientHeight > 1600")
        self.browser.emulate(640, 400)
        self.browser.wait("return document.querySelector('#rows').getBoundingClientRect().top < 260")

    def test_print_shows_the_list_without_what_can_only_be_clicked(self):
        self.fill(2)
        self.view("list")
        self.browser.wait_text("#range", "of 2")
        media = {"cmd": "Emulation.setEmulatedMedia", "params": {"media": "print"}}
        self.browser.call("POST", "/goog/cdp/execute", media)
        for selector, shown in ((".side", False), (".toolbar", False), ("#rows .who-text", True)):
            self.browser.wait_visible(selector, shown)
        media["params"]["media"] = ""
        self.browser.call("POST", "/goog/cdp/execute", media)

    def test_a_server_that_is_away_is_not_an_empty_list(self):
        self.fill(1)
        self.browser.run("window.fetch = () => Promise.reject(new TypeError('away'))")
        self.view("list")
        self.browser.wait_text("#list-empty", "The server does not answer")
        self.browser.wait_equal("", "return document.querySelector('#list-total').textContent")

    def test_a_proxys_502_is_told_in_words(self):
        self.browser.run("window.fetch = async () => new Response('<h1>Bad gateway</h1>', { status: 502 })")
        self.view("list")
        self.browser.wait_text("#list-empty", "The server does not answer")

    def test_an_export_begins_with_the_mark_that_spreadsheets_need(self):
        self.fill(1)
        self.view("list")
        self.browser.wait_text("#range", "of 1")
        self.browser.run(
            "const make = URL.createObjectURL; URL.createObjectURL = (b) => { window.saved = b; return make(b); };"
        )
        self.browser.click("#list-export")
        self.browser.wait("return window.saved")
        text = self.browser.run_async(
            "const done = arguments[0];window.saved.arrayBuffer().then((b) => done([...new Uint8Array(b)].slice(0, 3)))"
        )
        self.assertEqual(text, [0xEF, 0xBB, 0xBF])


class Faces(PageCase):
    def test_two_records_that_match_equally_well_are_both_named(self):
        self.enroll("1", "T. Blair")
        self.enroll("2", "Tony Blair")
        self.view("search")
        self.browser.type("#search-file", OBAMA)
        self.browser.wait_text("#verdict", "T. Blair", "Tony Blair")
        self.browser.wait_text("#search-answer", "may be of the same person")

    def test_the_answer_opens_on_the_face_that_is_known(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", GROUP)
        self.browser.wait_text("#search-summary", "1 not sure, 4 unknown")
        self.browser.run(
            """const one = (v, name) => ({ box: { x: 10, y: 10, w: 90, h: 90 }, verdict: v, candidates: [
              { id: name, name, score: 0.9, verdict: v, false_match_rate: 1e-6 }] });
            const answer = { width: 400, height: 400, gallery_size: 1, elapsed_ms: 1, threshold: 0.4, unsure: 0.3,
              faces: [one('none', 'A'), one('none', 'B'), one('match', 'C')] };
            const open = XMLHttpRequest.prototype.open;
            XMLHttpRequest.prototype.open = function (m, p, ...rest) {
              this.path = p; return open.call(this, m, p, ...rest); };
            const get = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'response').get;
            Object.defineProperty(XMLHttpRequest.prototype, 'response', { get() {
              return this.path?.startsWith('/v1/search') ? answer : get.call(this); } });"""
        )
        self.browser.click("#search-go")
        self.browser.wait_text("#verdict", "Match: C")
        self.browser.wait_text("#search-summary", "1 known, 2 unknown")

    def test_fifty_faces_have_numbers_crops_and_names_for_everybody_on_a_phone(self):
        self.enroll()
        self.browser.emulate(360, 740, 1, True)
        self.view("search")
        self.browser.type("#search-file", GROUP)
        self.browser.wait_text("#search-summary", "1 not sure, 4 unknown")
        self.browser.run(
            """const faces = Array.from({ length: 50 }, (_, i) => ({
              box: { x: (i % 10) * 40, y: Math.floor(i / 10) * 40, w: 20, h: 26 }, verdict: 'none', candidates: [] }));
            const get = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'response').get;
            Object.defineProperty(XMLHttpRequest.prototype, 'response', { get() { get.call(this); return {
              width: 400, height: 300, gallery_size: 1, elapsed_ms: 1, threshold: 0.4, unsure: 0.3, faces }; } });"""
        )
        self.browser.click("#search-go")
        self.browser.wait_equal(50, "return document.querySelectorAll('.face-tab canvas').length")
        self.browser.wait_text("#search-summary", "50 unknown")
        self.assertEqual(self.browser.run("return document.documentElement.scrollWidth"), 360)
        small, unnamed = self.browser.run(
            """const all = (s) => [...document.querySelectorAll(s)];
            return [all('.face-tab').filter((t) => t.clientWidth < 40).length,
              all('.facebox').filter((b) => !b.ariaLabel).length]"""
        )
        self.assertEqual((small, unnamed), (0, 0))
        self.browser.keys(".face-tab[aria-selected=true]", END)
        self.browser.wait_equal(
            49, "return [...document.querySelectorAll('.face-tab')].findIndex((t) => t.ariaSelected === 'true')"
        )
        self.picture("many-faces-360")

    def test_family_asks_which_of_several_faces_is_meant(self):
        self.view("family")
        self.browser.type("#father-file", GROUP)
        self.browser.wait_text("#father-stage .hint", "choose one")
        self.browser.wait_visible("#father-tag", False)
        self.browser.click("#father-stage .facebox:nth-child(3)")
        self.browser.wait_text("#father-stage .hint", "Face 3 is used")
        self.browser.wait_visible("#father-tag")

    def test_a_rate_is_told_in_words_for_a_match_and_not_at_all_for_none(self):
        self.enroll()
        self.view("search")
        self.browser.type("#search-file", OBAMA2)
        self.browser.wait_text(".odds", "A stranger would match this well", "comparisons")
        self.browser.type("#search-file", BIDEN)
        self.browser.wait_text("#verdict", "No match")
        self.browser.wait_equal(0, "return document.querySelectorAll('.odds').length")

    def test_no_answer_stays_beside_a_live_picture(self):
        self.enroll()
        self.view("search")
        self.browser.wait_visible("#search-tips")
        self.browser.type("#search-file", OBAMA2)
        self.browser.wait_text("#verdict", "Match")
        self.browser.click("#search-take")
        self.browser.wait("return document.querySelector('#search-stage video').readyState >= 2")
        self.browser.wait_equal("", "return document.querySelector('#search-answer').textContent")


class Registration(PageCase):
    def test_age_and_gender_are_kept_unless_unticked_and_the_consent_names_them(self):
        self.browser.type("#register-file", OBAMA)
        self.browser.wait_text(".shot-say", "Good")
        self.browser.wait_text("#consent-text", "estimates of age and gender are kept")
        self.browser.click("#f-age")
        self.browser.wait_text("#consent-text", "estimates of gender are kept")
        self.browser.wait_text("#stored", "estimates of gender")
        self.fill_form("Barack Obama", "44")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-done", "Barack Obama")
        (person,) = self.people()
        self.assertIsNone(person["age"])
        self.assertEqual(person["gender"]["dominant"], "man")
        self.assertIsNone(person["ethnicity"])
        self.assertIn("gender", person["consent"])
        self.browser.wait_equal(False, "return document.querySelector('#f-age').checked")  # remembered
        self.view("list")
        self.browser.wait_text("#rows .c-est", "man")

    def test_the_choice_of_estimates_is_remembered_for_each_collection(self):
        def ticked(*wanted):
            self.browser.wait_equal(
                list(wanted),
                "return ['age', 'gender', 'ethnicity'].filter((one) => document.querySelector(`#f-${one}`).checked)",
            )

        ticked("age", "gender")
        self.browser.click("#f-age")
        self.browser.wait_equal("gender", "return localStorage.getItem('estimates.default')")
        self.browser.open("about:blank")
        self.browser.open(self.address)
        ticked("gender")
        self.browser.run(FAKE)
        self.browser.run(
            "window.fake['/v1/health'] = (now) => ({ ...now, collection: 'other' });"
            "document.dispatchEvent(new Event('people-changed'))"
        )
        ticked("age", "gender")
        self.browser.click("#f-ethnicity")
        self.browser.wait_equal("age,gender,ethnicity", "return localStorage.getItem('estimates.other')")
        self.browser.wait_text("#consent-text", "age, gender, and ethnicity")
        self.assertEqual(self.browser.run("return localStorage.getItem('estimates.default')"), "gender")

    def test_a_photo_that_cannot_be_used_is_marked_and_can_be_left_out(self):
        self.browser.type("#register-file", f"{OBAMA}\n{GROUP}")
        self.browser.wait_equal(2, "return document.querySelectorAll('.shot.is-good, .shot.is-bad').length")
        self.fill_form("Barack Obama", "44")
        self.browser.click("#finalize")
        self.browser.wait_text("#register-error", "1 photo can’t be used", "Photo 2")
        self.browser.click("#without-bad")
        self.browser.wait_text("#register-done", "Barack Obama")
        self.browser.wait_visible("#toast", False)  # the card says it once

    def test_the_seventh_photo_is_told_of(self):
        self.browser.type("#register-file", "\n".join([str(OBAMA)] * 8))
        self.browser.wait_text("#shots-skipped", "2 photos were left out")

    def test_notes_about_missing_fields_go_when_the_fields_are_filled(self):
        self.browser.click("#finalize")
        self.browser.wait_text("#f-name-need", "Enter a name")
        self.browser.type("#f-name", "A")
        self.browser.wait_visible("#f-name-need", False)
        self.browser.wait_equal(None, "return document.querySelector('#f-name').getAttribute('aria-invalid')")

    def test_a_face_outside_the_oval_is_not_called_good(self):
        self.browser.run(
            FAKE + "window.fake['/v1/detect'] = (a) => { for (const f of a.faces) f.box.y -= 120; return a; }"
        )
        self.browser.click("#register-take")
        self.browser.wait_text("#register-stage .hint", "Move your face into the oval")
        self.assertFalse(self.browser.run("return document.querySelector('#register-guide').matches('.is-good')"))
        self.assertTrue(self.browser.run("return document.querySelector('#register-stage video.is-mirrored') !== null"))

    def test_photos_are_pasted_and_dropped_beside_the_stage(self):
        self.browser.run_async(
            """const done = arguments[0]; const c = document.createElement('canvas'); c.width = c.height = 300;
            c.toBlob((blob) => {
              const data = new DataTransfer(); data.items.add(new File([blob], 'x.png', { type: 'image/png' }));
              dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true })); done(); });"""
        )
        self.browser.wait_equal(1, "return document.querySelectorAll('.shot').length")
        self.browser.drop("#register-form", OBAMA)
        self.browser.wait_equal(2, "return document.querySelectorAll('.shot').length")

    def test_a_photo_that_the_browser_cannot_read_is_shown_by_the_server(self):
        photo = self.folder / "photo.tif"
        photo.write_bytes(self.tiff())
        self.browser.type("#register-file", photo)
        self.browser.wait("const i = document.querySelector('#register-stage img'); return !i.hidden && i.naturalWidth")

    def tiff(self):
        """2 by 2 grey pixels as an uncompressed TIFF, which browsers do not read."""
        tags = [(256, 64), (257, 64), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 64), (279, 4096)]
        entries = b"".join(t.to_bytes(2, "little") + b"\4\0\1\0\0\0" + v.to_bytes(4, "little") for t, v in tags)
        offset = (8 + 4096).to_bytes(4, "little")
        return b"II*\0" + offset + b"\x80" * 4096 + len(tags).to_bytes(2, "little") + entries + b"\0\0\0\0"

    def test_a_large_photo_is_made_smaller_before_it_is_sent(self):
        size = self.browser.run_async(
            """const done = arguments[0]; const c = document.createElement('canvas'); c.width = 4000; c.height = 3000;
            const x = c.getContext('2d'); const noise = x.createImageData(4000, 3000);
            for (let i = 0; i < noise.data.length; i += 1) noise.data[i] = (i * 2654435761) >> 13;
            x.putImageData(noise, 0, 0);
            c.toBlob(async (blob) => { const { shrink } = await import('/js/photos.js');
              done([blob.size, (await shrink(blob)).size]); }, 'image/jpeg', 0.95);"""
        )
        self.assertGreater(size[0], 5_000_000)
        self.assertLess(size[1], size[0] / 4)


class Imports(PageCase):
    def test_a_missing_photo_and_a_double_are_told_in_words(self):
        self.enroll("99", "Barack Obama")
        table = self.folder / "people.csv"
        table.write_text("id;name;path\n1;José García;obama2.jpg\n2;Nobody;missing.jpg\n", encoding="utf-8")
        self.view("import")
        self.browser.wait_text("[data-view=import]", "A photo outside a folder is registered as a person named after")
        self.browser.click("#import-consent")
        self.browser.type("#import-file", f"{table}\n{OBAMA2}")
        self.browser.wait_text("#preview-rows", "José García", "Same face as Barack Obama")
        self.browser.wait_text("#refused-rows", "missing.jpg", "Photo missing")
        self.browser.open("about:blank")
        self.browser.open(self.address + "#import")  # the preview is still there
        self.browser.wait_text("#preview-alike", "1")
        self.browser.click("#preview-go")
        self.browser.wait_text("#job-state", "Import finished")
        self.browser.wait_text("#refused-rows", "missing.jpg", "Photo missing")
        self.browser.wait_text("#job-twins", "1 photo looks like a person who is registered under another ID")
        self.assertEqual({p["name"] for p in self.people()}, {"Barack Obama", "José García"})


class Figures(PageCase):
    def test_a_card_shows_a_history_only_where_there_is_one_and_save_only_a_change(self):
        self.enroll()
        self.view("settings")
        self.browser.wait_text("#s-model", "mobilefacenet")
        self.browser.wait_equal(2, "return document.querySelectorAll('.vitals svg').length")
        self.browser.click(".toc [data-at=audit]")
        self.browser.wait_equal("#settings?at=audit", "return location.hash")

    def test_a_duplicate_is_shown_on_the_servers_own_scale(self):
        self.enroll()
        body = {"id": "45", "name": "Other", "on_duplicate": "refuse", "image": OBAMA2.read_bytes()}
        answer = self.server.post_photos("/v1/people", body, 409)
        self.assertLess(answer["unsure"], answer["threshold"])
        self.browser.run("location.hash = 'register'")
        self.browser.type("#register-file", OBAMA2)
        self.browser.wait_text(".shot-say", "Good")
        self.fill_form("Other", "45")
        self.browser.click("#finalize")
        self.browser.wait_visible("#register-duplicate")
        x = self.browser.run("return document.querySelector('#register-duplicate .fill-unsure').getAttribute('x')")
        self.assertAlmostEqual(float(x.rstrip("%")) / 100, answer["unsure"], places=3)


class Wording(PageCase):
    def choose_language(self, language):
        self.browser.run(
            "const s = document.querySelector('#lang'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            language,
        )

    def test_errors_follow_the_language_and_keep_english_behind_details(self):
        wrong = self.folder / "photo.jpg"
        wrong.write_text("no photo at all")
        self.browser.type("#register-file", wrong)
        self.browser.wait_text("#register-error .strong", "This file is not a photo")
        self.choose_language("pt")
        self.browser.wait_text("#register-error .strong", "Este arquivo não é uma foto")
        self.browser.wait_text("#register-error summary", "Detalhes")
        self.assertEqual(self.browser.run("return document.querySelector('#register-error details p').lang"), "en")
        self.choose_language("en")

    def test_every_code_of_the_server_has_words_in_every_language(self):
        codes = re.findall(r'^  X\(\w+, "(\w+)"', (SOURCE / "include/semblance/semblance.h").read_text(), re.MULTILINE)
        self.assertIn("bad_image", codes)
        codes.remove("ok")
        codes += ["unauthorized", "too_many_tries", "offline", "unknown", "loading"]
        missing = self.browser.run_async(
            "const done = arguments[1]; import('/js/i18n.js').then((i) => done(arguments[0].filter("
            "(c) => !i.has(`error.${c}`))))",
            codes,
        )
        self.assertEqual(missing, [])

    def test_numbers_are_written_as_the_language_writes_them(self):
        self.enroll()
        self.choose_language("es")
        self.view("search")
        self.browser.type("#search-file", OBAMA2)
        self.browser.wait_text("#verdict", "Coincidencia")
        self.assertRegex(self.browser.text(".scale-num"), r"^0,\d\d$")
        self.choose_language("en")


class Notices(PageCase):
    def test_a_banner_covers_no_control_and_can_be_closed(self):
        self.view("search")
        self.browser.run("document.querySelector('#banner-error').hidden = false")
        covered = self.browser.run(
            """return [...document.querySelectorAll('[data-mode], .nav-item')].filter((b) => {
              const r = b.getBoundingClientRect(); const top = document.elementFromPoint(r.x + r.width / 2, r.y + 10);
              return r.width && !b.contains(top); }).map((b) => b.textContent)"""
        )
        self.assertEqual(covered, [])
        self.browser.click("#banner-error .shut")
        self.browser.wait_visible("#banner-error", False)

    def test_the_shortcuts_are_listed_by_a_question_mark_and_can_be_turned_off(self):
        self.browser.press("?")
        self.browser.wait_text("#dlg-shortcuts", "Keyboard shortcuts")
        self.browser.click("#shortcuts-on")
        self.browser.press(ESCAPE)
        self.browser.wait_visible("#dlg-shortcuts", False)
        self.browser.press("3")
        self.browser.wait_visible("[data-view=register]")
        self.browser.press("?")
        self.browser.wait_visible("#dlg-shortcuts", False)

    def test_without_a_camera_the_live_view_offers_no_upload_that_it_does_not_have(self):
        self.browser.emulate(360, 740, 1, True)
        self.browser.run("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        self.view("search")
        self.browser.click("[data-mode=live]")
        text = self.browser.wait_text("#search-stage .stage-msg", "The camera needs a secure address")
        self.assertNotIn("uploaded", text)
        self.assertTrue(
            self.browser.run(
                "const m = document.querySelector('#search-stage'); return m.scrollHeight <= m.clientHeight + 1"
            )
        )

    def test_the_first_visit_loads_at_most_thirty_files(self):
        self.browser.open("about:blank")
        self.browser.open(self.address)
        self.browser.wait_text(".side .srv", "Ready")
        self.browser.settle()
        self.assertLessEqual(self.browser.run("return performance.getEntriesByType('resource').length + 1"), 30)


class Link(OwnServerCase):
    """The server stops, starts again, and asks for a password: one server, because starting one takes long."""

    def start_live(self):
        self.view("search")
        self.browser.click("[data-mode=live]")
        self.browser.wait_text("#live-names", "Barack Obama")
        self.browser.wait_text("#search-stage .facebox", "Barack Obama")

    def wait_gone(self):
        self.browser.wait_equal(0, "return document.querySelectorAll('#search-stage .facebox').length")
        self.browser.wait("return !document.querySelector('#live-names').textContent.includes('Barack Obama')")

    def test_live_shows_no_name_without_a_server_comes_back_and_asks_for_the_login(self):
        browser = self.browser
        browser.each_page(
            "window.links = []; const Real = window.WebSocket; window.WebSocket = function (...a) {"
            " const s = new Real(...a); window.links.push(s); return s; }; window.WebSocket.OPEN = Real.OPEN;"
        )
        browser.open("about:blank")
        browser.open(self.address)
        browser.wait_text(".side .srv", "Ready")
        self.enroll(photo=OBAMA2)
        started = time.monotonic()
        self.start_live()
        # The link drops: the boxes go at once, then the page connects again by itself.
        browser.run(
            "window.away = window.fetch; window.fetch = () => Promise.reject(new TypeError('away'));"
            "for (const link of window.links) link.close()"
        )
        self.wait_gone()
        browser.wait_text("#live-names", "Connection lost")
        browser.run("window.fetch = window.away")
        browser.wait_text("#search-stage .facebox", "Barack Obama")
        self.audit_is_calm(time.monotonic() - started)
        # A password is set meanwhile: the channel is closed, and the login is asked for.
        subprocess.run(
            [PROGRAM, "access", "password", "--data", str(self.folder / "data")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SEMBLANCE_ADMIN_PASSWORD": "correct horse battery"},
        )
        browser.wait_visible("#dlg-login")
        self.wait_gone()
        browser.type("#dlg-login [name=password]", "correct horse battery")
        browser.click("#dlg-login .actions .btn")
        browser.wait_text("#search-stage .facebox", "Barack Obama")
        browser.click("[data-mode=photo]")
        browser.wait_visible(".side [data-log-out]")
        browser.click(".side [data-log-out]")
        browser.wait_visible("#dlg-login")  # asked for at once, before anything is shown
        browser.wait_equal("", "return document.querySelector('#people-count').textContent")

    def audit_is_calm(self, seconds):
        """Hundreds of frames of one person in view are one entry a minute, and count as searches."""
        stats = json.loads(self.server.request("GET", "/v1/stats")[2])
        entries = json.loads(self.server.request("GET", "/v1/audit?limit=100")[2])["entries"]
        live = [entry for entry in entries if entry["verb"] == "live"]
        self.assertGreater(sum(minute["searches"] for minute in stats["minutes"]), 2)
        # Two channels, each with a person and nobody, in each minute that was touched.
        self.assertLessEqual(len(live), 4 * (seconds // 60 + 2))
