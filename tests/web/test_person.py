"""The page of one person, and what can be done with a face of an answer. All five languages have the same words."""

import json
import re

from page import BIDEN, GROUP, OBAMA, OBAMA2, OwnServerCase, PageCase
from program import FRIENDS, PHOTOS

ENTER = "\ue007"
OBAMA3 = FRIENDS / "obama3.jpg"
LANGUAGES = ("en", "pt", "es", "fr", "de")


class PersonCase(PageCase):
    def open_person(self, identity="44", name="Barack Obama"):
        self.browser.open("about:blank")
        self.browser.open(f"{self.address}#person?id={identity}")
        self.browser.wait_text("#h-person", name)
        self.browser.wait_visible("#history-rows")

    def person(self, identity="44"):
        status, _, text = self.server.request("GET", f"/v1/people/{identity}")
        return json.loads(text) if status == 200 else None

    def add_face(self, photo, identity="44"):
        self.server.post_photos(f"/v1/people/{identity}/faces", {"image": photo.read_bytes()}, 201)

    def replace(self, selector, text):
        self.browser.patiently(selector, "return document.querySelector(arguments[0])", lambda element: element)
        self.browser.run("document.querySelector(arguments[0]).select()", selector)
        self.browser.type(selector, text)


class Person(PersonCase):
    def test_a_name_in_the_list_leads_to_the_page_and_a_reload_keeps_it(self):
        self.enroll("a b/ü?", "Barack Obama")
        self.view("list")
        self.browser.click("#rows .who-link")
        self.browser.wait_text("#person-sub", "a b/ü?")
        self.assertIn("person?id=", self.browser.run("return location.hash"))
        self.browser.run("location.reload()")
        self.browser.wait_text("#person-sub", "a b/ü?")
        self.browser.wait_equal("page", "return document.querySelector('.side [data-nav=list]').ariaCurrent")
        self.browser.click("#main .back")
        self.browser.wait_text("#rows", "Barack Obama")

    def test_name_and_id_are_changed_in_place_by_one_request_or_not_at_all(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.open_person()
        self.replace("#p-name", "B. Obama")
        self.replace("#p-id", "46")
        self.browser.press(ENTER)
        self.browser.wait_text("#record-error", "This ID is already registered")
        self.assertEqual(self.browser.run("return document.querySelector('#p-name').value"), "B. Obama")
        self.assertEqual(self.person()["name"], "Barack Obama")
        self.replace("#p-id", "47")
        self.browser.press(ENTER)
        self.browser.wait_text("#h-person", "B. Obama")
        self.browser.wait_equal("#person?id=47", "return location.hash")
        self.browser.wait_visible("#record-error", False)
        self.assertEqual((self.person("47")["name"], self.person()), ("B. Obama", None))
        self.browser.wait_equal(True, "return document.querySelector('#record-save').disabled")

    def test_what_is_being_typed_survives_a_change_elsewhere(self):
        self.enroll()
        self.open_person()
        self.replace("#p-purpose", "door")
        self.browser.run("document.dispatchEvent(new Event('people-changed'))")
        self.browser.settle()
        self.assertEqual(self.browser.run("return document.querySelector('#p-purpose').value"), "door")
        self.browser.click("#terms-reset")
        self.browser.wait_equal("", "return document.querySelector('#p-purpose').value")
        self.browser.wait_visible("#terms-reset", False)

    def test_consent_purpose_and_end_of_retention_are_saved(self):
        self.enroll()
        self.open_person()
        self.replace("#p-consent", "Agreed on paper")
        self.browser.run(
            "const e = document.querySelector('#p-expires'); e.value = '2031-05-06';"
            "e.dispatchEvent(new Event('input', { bubbles: true }))"
        )
        self.browser.click("#terms-save")
        self.browser.wait_text("#toast", "Saved")
        self.assertEqual((self.person()["consent"], self.person()["expires"][:10]), ("Agreed on paper", "2031-05-07"))
        self.open_person()
        self.browser.wait_equal("2031-05-06", "return document.querySelector('#p-expires').value")
        self.browser.run(
            "const e = document.querySelector('#p-expires'); e.value = '';"
            "e.dispatchEvent(new Event('input', { bubbles: true }))"
        )
        self.browser.click("#terms-save")
        self.browser.wait_text("#toast", "Saved")
        self.browser.wait_equal(True, "return document.querySelector('#terms-save').disabled")
        self.assertIsNone(self.person()["expires"])

    def test_each_estimate_is_removed_by_itself(self):
        self.server.post_photos(
            "/v1/people", {"id": "44", "name": "Barack Obama", "image": OBAMA.read_bytes(), "attributes": "true"}, 201
        )
        self.open_person()
        self.browser.click("#estimates-kept [aria-label='Remove: Ethnicity']")
        self.browser.wait_equal(2, "return document.querySelectorAll('#estimates-kept li').length")
        self.assertEqual((self.person()["ethnicity"], self.person()["age"] > 0), (None, True))
        for which in ("Age", "Gender"):
            self.browser.click(f"#estimates-kept [aria-label='Remove: {which}']")
            self.browser.wait_visible(f"#estimates-kept [aria-label='Remove: {which}']", False)
        self.browser.wait_visible("#estimates-none")
        self.assertNotIn("age", self.person())

    def test_photos_are_added_replaced_and_removed_and_the_wrong_one_is_named(self):
        self.enroll()
        self.open_person()
        self.browser.wait_text("#person-agree", "One photo")
        self.browser.type("#person-file", OBAMA2)
        self.browser.wait_equal(2, "return document.querySelectorAll('.kept-face').length")
        self.browser.wait_text("#person-agree", "All templates match each other")
        self.browser.type("#person-file", BIDEN)
        self.browser.wait_text(".kept-face.is-odd", "Does not match the others")
        self.browser.wait_text("#person-agree", "too low for one person")
        kept = [f["face"] for f in json.loads(self.server.request("GET", "/v1/people/44/faces")[2])["faces"]]
        self.browser.run(  # the file dialog cannot be used here: the file is given before it would open
            "HTMLInputElement.prototype.click = function () {}"
        )
        self.browser.click(".kept-face.is-odd [aria-label^='Replace']")
        self.browser.type("#person-file", OBAMA3)
        self.browser.wait_text("#person-agree", "All templates match each other")
        left = [f["face"] for f in json.loads(self.server.request("GET", "/v1/people/44/faces")[2])["faces"]]
        self.assertEqual((left[:2], len(left)), (kept[:2], 3))
        self.assertNotIn(kept[2], left)
        self.browser.click(".kept-face [aria-label='Remove: template 1']")
        self.browser.click("#ask-yes")
        self.browser.wait_equal(2, "return document.querySelectorAll('.kept-face').length")
        self.assertEqual(self.person()["faces"], 2)

    def test_a_photo_that_cannot_be_used_replaces_nothing(self):
        self.enroll()
        self.open_person()
        self.browser.run("HTMLInputElement.prototype.click = function () {}")
        bad = self.folder / "bad.jpg"
        bad.write_bytes(b"no photo")
        self.browser.click(".kept-face [aria-label^='Replace']")
        self.browser.type("#person-file", bad)
        self.browser.wait_visible("#faces-error")
        self.assertEqual(self.person()["faces"], 1)

    def test_a_look_alike_is_merged_or_marked_as_another_person(self):
        self.enroll()
        self.enroll("45", "B. Obama", OBAMA2)
        self.enroll("46", "Joe Biden", BIDEN)
        self.open_person()
        self.browser.wait_text("#alike-rows", "B. Obama", "Possible duplicate")
        self.assertNotIn("Biden", self.browser.text("#alike-rows"))
        self.browser.click("#alike-rows .actions button:last-child")
        self.browser.wait_text("#alike-rows", "Take back")
        self.browser.click("#alike-rows .actions button")
        self.browser.wait_text("#alike-rows", "Merge")
        self.browser.click("#alike-rows .actions button")
        self.browser.wait_text("#merge-pick", "Barack Obama", "B. Obama")
        self.browser.click("#merge-pick input[value='45']")
        self.browser.click("#merge-yes")
        self.browser.wait_equal("#person?id=45", "return location.hash")
        self.browser.wait_equal(2, "return document.querySelectorAll('.kept-face').length")
        self.browser.wait_visible("#alike-none")
        self.assertEqual({p["id"] for p in self.people()}, {"45", "46"})

    def test_any_person_can_be_found_for_a_merge(self):
        self.enroll()
        self.enroll("46", "Joe Biden", BIDEN)
        self.open_person()
        self.browser.click("#person-merge")
        self.browser.wait_text("#find-pick", "Joe Biden")
        self.assertNotIn("Barack", self.browser.text("#find-pick"))
        self.browser.type("#find-q", "nobody")
        self.browser.wait_text("#find-none", "No one found")
        self.assertTrue(self.browser.run("return document.querySelector('#find-yes').disabled"))
        self.replace("#find-q", "bid")
        self.browser.wait_text("#find-pick", "Joe Biden")
        self.browser.click("#find-yes")
        self.browser.wait_text("#merge-pick", "Joe Biden")
        self.browser.click("#merge-yes")
        self.browser.wait_equal(2, "return document.querySelectorAll('.kept-face').length")
        self.assertEqual([p["id"] for p in self.people()], ["44"])

    def test_the_history_shows_searches_of_the_person_and_goes_on(self):
        self.enroll()
        for _ in range(12):
            self.server.request("GET", "/v1/people/44")
        self.server.post_photos("/v1/search", {"image": OBAMA2.read_bytes()})
        self.open_person()
        self.browser.wait_text("#history-rows", "Search")
        self.browser.wait_equal(10, "return document.querySelectorAll('#history-rows tr').length")
        self.browser.click("#history-more")
        self.browser.wait_text("#history-rows", "Registered")

    def test_a_deletion_goes_back_to_the_list_and_can_be_undone(self):
        self.enroll()
        self.open_person()
        self.browser.click("#person-delete")
        self.browser.click("#delete-yes")
        self.browser.wait_text("#toast", "will be deleted")
        self.browser.wait_visible("[data-view=list]")
        self.browser.click("#toast .actions button")
        self.browser.wait_text("#toast", "Nobody was deleted")
        self.assertEqual(len(self.people()), 1)

    def test_a_person_who_is_gone_is_named_in_words(self):
        self.browser.open(f"{self.address}#person?id=99")
        self.browser.wait_text("#person-error", "no longer exists")
        self.assertFalse(self.browser.visible("#person-body"))

    def test_an_answer_that_comes_late_does_not_reach_the_page_of_somebody_else(self):
        self.enroll()
        self.add_face(OBAMA2)
        self.enroll("46", "Joe Biden", BIDEN)
        self.open_person("46", "Joe Biden")
        self.browser.run(
            """const first = window.fetch; window.fetch = async (path, ...rest) => {
              const answer = await first(path, ...rest);
              if (String(path).includes('/people/44/faces')) await new Promise((done) => { window.release = done; });
              return answer; };
            location.hash = '#person?id=44'"""
        )
        self.browser.wait_text("#h-person", "Barack Obama")
        self.browser.wait("return Boolean(window.release)")
        self.browser.run("location.hash = '#person?id=46'")
        self.browser.wait_text("#person-agree", "One photo")
        self.browser.run("window.release()")
        self.browser.settle()
        self.browser.wait_text("#h-person", "Joe Biden")
        self.browser.wait_equal(1, "return document.querySelectorAll('.kept-face').length")

    def test_the_page_fits_a_phone_and_has_no_finding_of_axe(self):
        self.enroll()
        self.add_face(OBAMA2)
        self.enroll("45", "A Name That Is Much Longer Than Names Usually Are " * 2, OBAMA3)
        for width, height, phone in ((360, 780, True), (1280, 900, False)):
            self.browser.emulate(width, height, 1, phone)
            self.open_person()
            self.browser.wait_text("#alike-rows", "Longer")
            for theme in ("light", "dark"):
                self.browser.run("document.querySelector(`[data-theme-set=${arguments[0]}]`).click()", theme)
                self.browser.settle()
                self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)
                self.assertEqual(self.axe(), [])

    def axe(self):
        self.browser.run((PHOTOS / "axe-core/axe.min.js").read_text())
        return self.browser.run_async(
            "const done = arguments[0]; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
            ".then((r) => done(r.violations.map((v) => `${v.id} ${v.nodes[0].html}`)))"
        )


class FaceOfAnAnswer(PersonCase):
    def search(self, photo):
        self.view("search")
        self.browser.type("#search-file", photo)

    def test_a_match_is_opened_or_gets_the_photo(self):
        self.enroll()
        self.search(OBAMA2)
        self.browser.click("#act-add")
        self.browser.wait_text("#toast", "Photo added to Barack Obama")
        self.assertEqual(self.person()["faces"], 2)
        self.browser.click("#act-open")
        self.browser.wait_equal(2, "return document.querySelectorAll('.kept-face').length")

    def test_an_unknown_face_of_several_is_registered_alone(self):
        self.search(GROUP)
        self.browser.click("#act-register")
        self.browser.wait_visible("[data-view=register]")
        self.browser.wait_visible(".shot-say.is-good, .shot-say.is-warn")
        self.assertEqual(self.browser.run("return document.querySelectorAll('.shot').length"), 1)
        self.assertEqual(self.browser.run("return document.querySelectorAll('#register-stage .facebox').length"), 1)

    def test_an_unknown_face_is_added_to_somebody_who_is_chosen(self):
        self.enroll("46", "Joe Biden", BIDEN)
        self.enroll("47", "Somebody Else", BIDEN)
        self.search(OBAMA)
        self.browser.click("#act-find")
        self.browser.wait_text("#find-pick", "Joe Biden", "Somebody Else")
        self.browser.click("#find-pick input[value='47']")
        self.browser.click("#find-yes")
        self.browser.wait_text("#toast", "Photo added to Somebody Else")
        self.assertEqual((self.person("47")["faces"], self.person("46")["faces"]), (2, 1))


class WithPictures(OwnServerCase):
    flags = ("--thumbnails",)

    def test_templates_look_alikes_and_a_merge_show_pictures(self):
        self.enroll()
        self.enroll("45", "B. Obama", OBAMA2)
        self.browser.open("about:blank")
        self.browser.open(f"{self.address}#person?id=44")
        for place, count in (("#person-portrait", 1), ("#person-faces", 1), ("#alike-rows", 2)):
            self.browser.wait_equal(count, f"return document.querySelectorAll('{place} img').length")
        self.browser.click("#alike-rows .actions button")
        self.browser.wait_equal(2, "return document.querySelectorAll('#merge-pick img').length")


class Languages(PageCase):
    def words(self, language):
        return self.browser.run_async(
            "const [language, done] = arguments;"
            "Promise.all(['', 'cameras/'].map((part) => import(`/js/words/${part}${language}.js`)))"
            ".then((tables) => done(Object.assign({}, ...tables.map((one) => one.default))))",
            language,
        )

    def test_every_language_has_every_word_with_the_same_placeholders(self):
        def holes(text):
            return sorted(re.findall(r"\{\w+\}", text))

        english = self.words("en")
        self.assertGreater(len(english), 500)
        for language in LANGUAGES[1:]:
            told = self.words(language)
            self.assertEqual(sorted(told), sorted(english), language)
            for key, text in english.items():
                with self.subTest(language=language, key=key):
                    self.assertEqual(holes(told[key]), holes(text))
                    self.assertTrue(told[key].strip() or key == "of.many")

    def test_only_the_language_that_is_used_is_loaded(self):
        for language in LANGUAGES:
            self.browser.run("localStorage.setItem('language', arguments[0])", language)
            self.browser.open("about:blank")
            self.browser.open(self.address)
            self.browser.wait_equal(language, "return document.documentElement.lang.slice(0, 2)")
            self.browser.settle()
            loaded = self.browser.run(
                "return performance.getEntriesByType('resource').map((r) => r.name)"
                ".filter((n) => n.includes('/words/'))"
            )
            self.assertEqual([name.rsplit("/", 1)[1] for name in loaded], [f"{language}.js"])

    def test_the_last_choice_of_two_counts_whichever_words_come_first(self):
        self.browser.run(
            "const s = document.querySelector('#lang');"
            "for (const one of ['fr', 'de']) { s.value = one; s.dispatchEvent(new Event('change')); }"
        )
        self.browser.wait_equal("de", "return document.documentElement.lang")
        self.browser.wait_equal("de", "return document.querySelector('#lang').value")
        self.browser.settle()
        self.assertEqual(self.browser.run("return document.documentElement.lang"), "de")
        self.assertEqual(self.browser.run("return localStorage.getItem('language')"), "de")
