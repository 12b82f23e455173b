"""Writes Markdown for the benchmark documents."""

import textwrap

COLUMNS = 118


def paragraph(text):
    """Returns the text as one paragraph, with lines of at most COLUMNS characters."""
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False) + "\n"


def table(head, rows):
    """Returns a table. head, rows: lists of cells."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)) + "\n"
