"""What to say where no reader fits: what is there, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seedbed.data.readers import folders
from seedbed.data.readers.files import File, explained
from seedbed.data.readers.inventory import ARCHIVES, Inventory, some
from seedbed.words import counted

PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".p")
PACKED = (*ARCHIVES, ".rar", ".7z")
CIFAR = ("data_batch_", "test_batch", "batches.meta")
"""Beginnings of the names of CIFAR-10's pickles."""

UNNAMED = 20
"""Files without an ending whose first bytes are looked at."""

LEVELS = ("one level", "two levels", "three levels")
"""How far down data are looked for, in words."""

MOST_FOLDERS = 200
"""Folders of a level that are looked at."""

SAVED_AS = {
    (".xlsx", ".xls", ".ods"): "Save the table as CSV.",
    (".tfrecord", ".tfrecords", ".rec", ".mdb", ".lmdb", ".arrow", ".feather"): (
        "This format is not read. Save its arrays with numpy.savez(FILE, X=images, y=labels), and give that .npz."
    ),
    (".json", ".jsonl", ".xml"): "Labels are read from a table: save file names and labels as CSV next to the pictures.",
    (".mp4", ".avi", ".mov", ".mkv"): "Films are not read. Save their frames as pictures.",
}
"""Endings of files that are not read -> what to do with them."""
UNREAD_PICTURES = (".heic", ".heif", ".avif", ".svg", ".psd", ".raw", ".cr2", ".nef", ".dng", ".dcm", ".jp2", ".ico", ".tga")


def advice(inventory: Inventory, titles: Sequence[str], fitting: Callable[[Inventory], str]) -> str:
    """One line about a path that no reader fits.

    Args:
        inventory: what lies there.
        titles: what readers read, for the last resort.
        fitting: function of an inventory that returns the title of the reader that fits it, or "".
    """
    where = inventory.path
    for found in (_pickles(inventory), _further_down(inventory, fitting), _packed(inventory), _unlabelled(inventory)):
        if found:
            return f"{where}: {found}"
    if way := _conversion(inventory):
        return f"{where}: it holds {inventory.summary()}. {way}"
    *others, last = titles
    return f"{where}: it holds {inventory.summary()}. Data are {', '.join(others)} or {last}, or a .zip or .tar of these."


def _conversion(inventory: Inventory) -> str:
    """What to do with files of formats that are not read; empty if there are none that are known."""
    endings = {file.suffix: None for file in inventory.files}
    unread = next((ending for ending in endings if ending in UNREAD_PICTURES), None)
    if unread:
        return f"Convert the {unread} files to PNG."
    return next((what for known, what in SAVED_AS.items() if not endings.keys().isdisjoint(known)), "")


def _pickles(inventory: Inventory) -> str:
    found = [file for file in inventory.files if file.suffix in PICKLES or file.base.startswith(CIFAR)]
    unnamed = [file for file in inventory.files if not file.suffix and file not in found]
    found += [file for file in unnamed[:UNNAMED] if _begins_as_pickle(file)]
    if not found:
        return ""
    cifar = any(file.base.startswith(CIFAR) for file in found)
    instead = (
        "For CIFAR-10 use --data cifar10, which takes the binary version."
        if cifar
        else "Save the arrays with numpy.savez(FILE, X=images, y=labels), and give that .npz."
    )
    return f"{some(file.name for file in found)}: pickles are never opened, since they can run any program. {instead}"


def _begins_as_pickle(file: File) -> bool:
    """Whether the first bytes are those of pickles of protocol 2 and later, as CIFAR-100's `train` and `test` are."""
    with explained(file.where), file.opened() as stream:
        start = stream.read(2)
    return start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _further_down(inventory: Inventory, fitting: Callable[[Inventory], str]) -> str:
    """Where data lie in a folder below; the highest level counts."""
    level = inventory.subfolders()
    for words in LEVELS:
        below = [(name, title) for name in level if (title := fitting(inventory.below(name)))]
        if below:
            name, title = below[0]
            others = f" ({counted(len(below) - 1, 'other folder')} too)" if len(below) > 1 else ""
            way = _way_to(inventory, name)
            return f"{words} down, {name}/ is {title}{others}; did you mean that? {way}"
        level = [name for folder in level for name in inventory.subfolders(folder)][:MOST_FOLDERS]
    return ""


def _way_to(inventory: Inventory, folder: str) -> str:
    if inventory.path.is_dir():
        return f"Give {inventory.path / folder}."
    return f"Unpack the archive, and give {folder}/; or make one of that folder alone."


def _packed(inventory: Inventory) -> str:
    found = [file for file in inventory.files if file.name.lower().endswith(PACKED)]
    if not found or folders.pictures_in(inventory.files):
        return ""
    name = found[0].name
    if inventory.single:
        return f"archives of this kind are not read ({name}); unpack it first, and give the folder."
    if name.lower().endswith(ARCHIVES):
        return f"it holds {inventory.summary()}. Give an archive itself: {inventory.path / name}."
    return f"it holds {inventory.summary()}; unpack first, and give the folder."


def _unlabelled(inventory: Inventory) -> str:
    if inventory.single and folders.pictures_in(inventory.files):
        return "this is one picture. A data set is a folder of them; `seedbed predict -m NAME PICTURE` classifies one."
    single_array = inventory.single and inventory.files[0].suffix == ".npy"
    if single_array:
        return "one .npy is images without labels. Put X.npy and y.npy into a folder, and give the folder."
    return folders.hint(inventory)
