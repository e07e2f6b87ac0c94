"""The report: every question of the exercise on one page.

`making` trains and answers, `notes` are the student's own words, `environment` describes the machine and its speed, `feedback`
lists what limited the answers and what to run next, `page` writes the page.
"""

from __future__ import annotations

from seedbed.report.making import make
from seedbed.report.notes import Notes, read_notes, worksheet
from seedbed.report.page import Report

__all__ = ["Notes", "Report", "make", "read_notes", "worksheet"]
