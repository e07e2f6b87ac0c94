"""The disk: the one room that writes files.

What is written is there whole or not at all, also where the process is killed or the power fails in between: a file is
written beside its place, synced, and renamed over it. Lines of a log carry a checksum each. A lock is freed by the kernel when
its owner dies. All that changes the disk goes through the few functions of `changes`, so that a test can make any one of them
fail. Each function raises `StorageError`, one line with a way out, where the system refuses.
"""

from __future__ import annotations

from seedbed.storage.files import (
    TEMPORARY,
    Content,
    check_writable,
    is_file,
    remove,
    sha256,
    staged,
    sync,
    tidy,
    write,
    write_all,
)
from seedbed.storage.folders import GONE, make_folder, names, remove_tree
from seedbed.storage.lines import append_lines, cut_lines, lines, read_lines, write_lines
from seedbed.storage.locks import holder, lock
from seedbed.storage.values import json_content, read_json, write_json

__all__ = [
    "GONE",
    "TEMPORARY",
    "Content",
    "append_lines",
    "check_writable",
    "cut_lines",
    "holder",
    "is_file",
    "json_content",
    "lines",
    "lock",
    "make_folder",
    "names",
    "read_json",
    "read_lines",
    "remove",
    "remove_tree",
    "sha256",
    "staged",
    "sync",
    "tidy",
    "write",
    "write_all",
    "write_json",
    "write_lines",
]
