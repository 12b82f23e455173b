"""Words that the project does not use: private or old ones, for which the glossary has the term of the field."""

import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ["SB_SOURCE"])
FOLDERS = ("src", "include", "web", "docs", "script", "packaging")
KINDS = {".c", ".h", ".js", ".html", ".css", ".yaml", ".md", ""}
# Word: what to write instead.
REPLACED = {
    r"memory is out": "out of memory",
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix",
    r"nobody is any more": "is no longer there",
    r"hither|thither": "here, there",
    r"sb_(laps?|cargo|tally|vault|roster|keymap|mirror|kept_row)\w*": "the names of docs/glossary.md",
}
ALLOWED = {"src/cli/commands/doctor/report.c": "mend"}  # a member of the doctor's JSON since the first version


def found_in(path, text):
    return [
        f"{path}: {match.group()}: write {instead}"
        for word, instead in REPLACED.items()
        for match in re.finditer(rf"\b{word}\b", text, re.I)
        if ALLOWED.get(path) != match.group()
    ]


class Words(unittest.TestCase):
    def test_no_replaced_word_is_used(self):
        files = [p for folder in FOLDERS for p in (SOURCE / folder).rglob("*") if p.is_file() and p.suffix in KINDS]
        self.assertGreater(len(files), 500)
        texts = [(str(p.relative_to(SOURCE)), p.read_text(errors="replace")) for p in files]
        self.assertEqual([found for path, text in texts for found in found_in(path, text)], [])

    def test_a_replaced_word_is_found(self):
        self.assertTrue(found_in("src/a.c", 'sb_fail(error, SB_NO_MEMORY, "memory is out")'))
        self.assertTrue(found_in("src/a.c", "typedef struct sb_tally sb_tally;"))
        self.assertFalse(found_in("src/a.c", "an amendment; recommended; renewed"))


if __name__ == "__main__":
    unittest.main()
