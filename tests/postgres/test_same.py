"""The same behaviour on PostgreSQL as on SQLite: runs tests of other folders again, each on a database of its own."""

import importlib
import itertools
import os
import pathlib
import subprocess
import sys
import unittest

import postgres

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / folder) for folder in ("cli", "http", "trust")]
# File: classes, or tests of one. Omitted tests have little to do with where a gallery is
# stored, or take long; all of cli, http and trust can be had by `script/test --postgres`.
AGAIN = {
    "test_people": (
        "ListShowRenameDelete",
        "Enroll.test_the_same_id_twice_is_refused_and_changes_nothing",
        "Enroll.test_consent_and_attributes_are_kept",
    ),
    "test_import": ("Import.test_a_second_run_skips_what_is_there",),
    "test_groups": ("Dedup.test_finds_one_person_under_two_ids",),
    "test_refusals": ("BadSurroundings.test_a_wrong_key_is_refused_and_nothing_is_overwritten", "KilledImport"),
    "test_models": ("Collections.test_a_collection_keeps_the_model_it_was_made_with",),
    "test_native": ("People", "Collections", "Life.test_a_person_that_the_command_line_enrols_is_found_at_once"),
    "test_article": ("Article.test_register_verify_and_people", "Article.test_the_same_ssn_twice_is_409"),
    "test_compreface": (
        "CompreFace.test_subjects_are_made_listed_renamed_merged_and_deleted",
        "CompreFace.test_faces_are_added_paged_verified_and_deleted",
    ),
    "test_events": ("Lists.test_events_are_listed_filtered_paged_and_in_the_scope_of_the_key",),
    "test_receivers": ("Delivery.test_a_receiver_that_fails_gets_the_same_message_until_it_takes_it",),
    "test_jobs": (
        "Jobs.test_a_folder_of_people_is_enrolled_and_refusals_are_listed",
        "Jobs.test_people_move_to_another_model_with_their_records",
        "Jobs.test_one_person_under_two_ids_is_found",
        "Jobs.test_a_job_is_paused_resumed_and_cancelled",
    ),
    "test_admin": ("Keys", "Insight.test_the_audit_comes_newest_first_in_pages_and_its_chain_is_checked"),
    "test_access": (
        "Matrix",
        "Login.test_a_login_gives_a_session_that_other_sites_cannot_use",
        "Login.test_a_one_time_password_is_required_and_valid_once",
    ),
    "test_duties": (
        "Duties",
        "Keys.test_a_rotation_keeps_everything_and_retires_the_old_key",
        "Keys.test_words_on_paper_restore_the_key_on_another_machine",
        "Keys.test_a_revocation_keeps_scores_and_needs_no_photo",
    ),
}


def setUpModule():
    postgres.shared()


class OnPostgres:
    @classmethod
    def setUpClass(cls):
        before = os.environ.get("SB_TEST_STORE")
        cls.addClassCleanup(
            lambda: os.environ.pop("SB_TEST_STORE") if before is None else os.environ.update(SB_TEST_STORE=before)
        )
        os.environ["SB_TEST_STORE"] = "postgresql"
        super().setUpClass()


def again(module, names):
    """The class of these names (one of them, or one of its tests) on PostgreSQL."""
    cls = getattr(module, names[0].split(".")[0])
    chosen = {n.split(".")[1] for n in names if "." in n}
    left_out = {n: None for n in dir(cls) if chosen and n.startswith("test_") and n not in chosen}
    assert all(hasattr(cls, n) for n in chosen), names
    return type(f"{cls.__name__}OnPostgres", (OnPostgres, cls), {"__module__": __name__, **left_out})


for file, names in AGAIN.items():
    module = importlib.import_module(file)
    for _, group in itertools.groupby(names, key=lambda n: n.split(".")[0]):
        made = again(module, list(group))
        globals()[f"{file}_{made.__name__}"] = made
del module, made


class Store(unittest.TestCase):
    def passes(self, name, least):
        program = pathlib.Path(os.environ["SEMBLANCE"]).parent / "tests/unit" / name
        if not program.exists():
            self.skipTest(f"tests/unit/{name} was not built")
        server = postgres.shared()
        done = subprocess.run(
            [program],
            env={**os.environ, "SB_TEST_POSTGRES": server.url(server.database()), "CMOCKA_MESSAGE_OUTPUT": "TAP"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(done.stdout.count("\nok "), least)
        self.assertNotIn("# SKIP", done.stdout)

    def test_the_tests_of_the_store_pass_on_postgresql(self):
        self.passes("test_store", 11)

    def test_the_tests_of_the_audit_pass_on_postgresql(self):
        self.passes("test_audit", 7)

    def test_the_tests_of_densities_pass_on_postgresql(self):
        self.passes("test_densities", 16)

    def test_the_tests_of_events_pass_on_postgresql(self):
        self.passes("test_events", 19)


if __name__ == "__main__":
    unittest.main()
