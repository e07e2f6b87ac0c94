"""JavaScript without a page, run by Node.js or by a Chromium without a window."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from seedbed import storage
from seedbed.errors import ExportError

NODE = ("node", "nodejs")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

LONGEST = 120
"""Time that a program may take (s)."""

PROGRAM = """\
const answer = () => {{
{body}
}};
let text;
try {{
  text = JSON.stringify({{ value: answer() }});
}} catch (error) {{
  text = JSON.stringify({{ error: String(error) }});
}}
{show}
"""


@dataclass(frozen=True)
class JavaScript:
    """A program of this machine that runs JavaScript.

    Attributes:
        name: its name in sentences.
        command: its path.
    """

    name: str
    command: str

    def run(self, body: str) -> Any:
        """Run the body of a function without arguments, and return what it returns, as JSON values.

        Raises:
            ExportError: it raised an error, or the program did not answer.
        """
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            text = (self._in_node if self.name == "Node.js" else self._in_chromium)(Path(folder), body)
        if not text:
            raise ExportError(f"{self.name} ({self.command}) did not answer. --no-check writes the file without it.")
        answer = json.loads(text)
        if "error" in answer:
            raise ExportError(f"The page's script ends with an error in {self.name}: {answer['error']}")
        return answer["value"]

    def _in_node(self, folder: Path, body: str) -> str:
        path = folder / "program.js"
        storage.write(path, [PROGRAM.format(body=body, show="console.log(text);").encode()])
        return _output([self.command, str(path)])

    def _in_chromium(self, folder: Path, body: str) -> str:
        path = folder / "program.html"
        script = PROGRAM.format(body=body, show="document.body.textContent = text;")
        storage.write(path, [f'<!doctype html><meta charset="utf-8"><body><script>\n{script}</script>'.encode()])
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium refuses to start as root in its sandbox
        options = ["--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder / 'profile'}"]
        options += ["--no-sandbox"] if is_root else []
        page = _output([self.command, *options, "--dump-dom", path.as_uri()])
        found = re.search(r"<body>(\{.*\})</body>", page, re.DOTALL)
        return unescape(found[1]) if found else ""


def javascript() -> JavaScript | None:
    """What runs JavaScript on this machine: Node.js, else Chromium, else None."""
    for name, commands in (("Node.js", NODE), ("Chromium", CHROMIUM)):
        for command in commands:
            path = shutil.which(command)
            if path:
                return JavaScript(name, path)
    return None


def _output(command: Sequence[str]) -> str:
    """What a command prints; empty where it fails or takes too long."""
    try:
        run = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.decode(errors="replace") if run.returncode == 0 else ""
