"""The disk: the one package that writes files.

A file is there whole or not at all, also where the process is killed or the power fails in between: it is written under a
temporary name, synced, and renamed. Each line of a log has a checksum. The kernel frees a lock when its owner dies. All changes
of the disk go through the few functions of `changes`, so that a test can make any one of them fail. Each function raises
`StorageError`, one line with a way out, where the system refuses.
"""

from __future__ import annotations

from seedbed.storage.files import (
    TEMPORARY,
    FileContent,
    check_writable,
    is_file,
    remove,
    sha256,
    sync,
    tidy,
    write,
    write_all,
)
from seedbed.storage.folders import GONE, make_folder, names, remove_tree, rename
from seedbed.storage.lines import append_lines, cut_lines, lines, read_lines, write_lines
from seedbed.storage.locks import holder, lock
from seedbed.storage.values import json_content, json_text, parsed_json, read_json, write_json

__all__ = [
    "GONE",
    "TEMPORARY",
    "FileContent",
    "append_lines",
    "check_writable",
    "cut_lines",
    "holder",
    "is_file",
    "json_content",
    "json_text",
    "lines",
    "lock",
    "make_folder",
    "names",
    "parsed_json",
    "read_json",
    "read_lines",
    "remove",
    "remove_tree",
    "rename",
    "sha256",
    "sync",
    "tidy",
    "write",
    "write_all",
    "write_json",
    "write_lines",
]
