"""The report: every question of the exercise on one page.

`making` trains and answers, `notes` are the student's own words, `environment` is where it was made and how fast, `feedback`
says what limited the answers and what to run next, `page` writes it all down.
"""

from __future__ import annotations

from seedbed.report.making import make
from seedbed.report.notes import Notes, read_notes, worksheet
from seedbed.report.page import Report

__all__ = ["Notes", "Report", "make", "read_notes", "worksheet"]
