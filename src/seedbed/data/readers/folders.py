"""Folders of pictures, one folder per class, with or without `train`, `val` and `test` above them.

A folder counts as a part only if class folders are in it: a class may be called `train`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from seedbed.data.content import PART_NAMES, Content, PartName
from seedbed.data.readers import pictures
from seedbed.data.readers.decoding import KINDS, SUFFIXES, PictureItem
from seedbed.data.readers.files import File
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import part_of
from seedbed.data.readers.tables import is_table
from seedbed.errors import DataError
from seedbed.words import counted

USUAL_PART = re.compile(rf"({'|'.join(PART_NAMES)})\d*", re.IGNORECASE)
"""Names of folders that are hardly ever classes: `train`, `test1`."""

NO_PICTURE = f"no picture ({KINDS})"


def pictures_in(files: Iterable[File]) -> list[File]:
    """The files whose names are those of pictures."""
    return [file for file in files if file.suffix in SUFFIXES]


def class_folders(inventory: Inventory, root: str = "") -> list[str]:
    """The folders in a folder that have pictures directly in them."""
    return [folder for folder in inventory.subfolders(root) if pictures_in(inventory.inside(folder))]


def part_folders(inventory: Inventory) -> dict[PartName, str]:
    """The folders of the parts, if the training part has class folders; else none.

    Raises:
        DataError: two folders are the same part.
    """
    named = [
        (part, folder)
        for folder in inventory.subfolders()
        if (part := part_of(folder)) is not None and class_folders(inventory, folder)
    ]
    found: dict[PartName, str] = {}
    for part, folder in named if any(part == "train" for part, _ in named) else ():
        if part in found:
            raise DataError(
                f"{inventory.path}: {found[part]}/ and {folder}/ are both the {part} part. Remove or join one of them."
            )
        found[part] = folder
    return found


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there are class folders: some in the folder of a training part, or several that are not all named as parts."""
    if inventory.single or options.label_pattern is not None:
        return False
    classes = class_folders(inventory)
    only_parts = all(part_of(folder) for folder in classes)
    return bool(part_folders(inventory)) or (len(classes) >= 2 and not only_parts)


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read class folders.

    Raises:
        DataError: there are no class folders, a class without pictures, or as `pictures.read`.
        CorruptData: as `pictures.read`.
    """
    parts = part_folders(inventory) or {"train": ""}
    listed: dict[PartName, list[PictureItem]] = {}
    for part, root in parts.items():
        listed[part] = _of_part(inventory, root)
    if set(parts) != {"train"} or parts["train"]:
        _leave_out_other_folders(inventory, set(parts.values()))
    return pictures.read(listed, inventory, options)


def _of_part(inventory: Inventory, root: str) -> list[PictureItem]:
    """The pictures of a part with their classes; files in class folders that are no pictures are left out."""
    where = inventory.path / root
    found: list[PictureItem] = []
    for folder in inventory.subfolders(root):
        label = folder.rpartition("/")[2]
        files = inventory.inside(folder)
        chosen = pictures_in(files)
        if not chosen:
            raise DataError(_without_pictures(inventory, folder, label, where))
        inventory.skip(NO_PICTURE, *(file for file in files if file.suffix not in SUFFIXES))
        below = [file for file in inventory.within(folder) if file.folder != folder]
        inventory.skip("in a folder inside a class folder", *below)
        found += [PictureItem(file, label) for file in chosen]
    if not found:
        raise DataError(
            f"{where}: there must be a folder for each class with pictures in it, and there is none; there is "
            f"{inventory.summary()}."
        )
    loose = pictures_in(inventory.inside(root))
    inventory.skip("next to the class folders, so without a label", *loose)
    return found


def _without_pictures(inventory: Inventory, folder: str, label: str, where: object) -> str:
    below = class_folders(inventory, folder)
    if below:
        have = f"its pictures are one level down, in {some(name.rpartition('/')[2] + '/' for name in below)}"
    else:
        files = inventory.within(folder)
        have = f"it has {inventory.below(folder).summary()}" if files else "it is empty"
    return (
        f"{where}: class {label!r} has no picture that is read ({KINDS}): {have}. Put pictures into {label}/, or take "
        f"the folder away (a name that begins with '.' is ignored)."
    )


def _leave_out_other_folders(inventory: Inventory, used: set[str]) -> None:
    """Say why folders next to those of the parts are not read."""
    for folder in inventory.subfolders():
        if folder in used:
            continue
        files = inventory.within(folder)
        if part_of(folder):
            why = f"{folder}/ has no class folders"
        else:
            why = f"{folder}/ is not the name of a part (train, val or test)"
        inventory.skip(why, *files)


def hint(inventory: Inventory) -> str:
    """Advice where pictures are there, but no class folders; empty if there are no pictures."""
    found = pictures_in(inventory.files)
    if not found:
        return ""
    folders = sorted({file.folder for file in found})
    what = f"{counted(len(found), 'picture')} in {counted(len(folders), 'folder')}"
    if len(folders) == 1 and folders[0] and not part_of(folders[0]):
        only = f"{folders[0]}/ would be the only class"
        return f"{what}: {only}. Sort them into at least two folders of classes, or add a table of file names and labels."
    names = [file.name for file in inventory.files if is_table(file)]
    unlike = f" ({some(names)} {'names' if len(names) == 1 else 'name'} none of them)" if names else ""
    classes = [name for name in class_folders(inventory) if not USUAL_PART.fullmatch(name)]
    kind = f" If {some(f'{name}/' for name in classes)} are classes, give --kind pictures." if classes else ""
    return (
        f"{what}, without labels: sort them into a folder for each class, add a table of file names and labels{unlike}, or, if "
        f"the names hold the labels, give --label-pattern, such as '^[a-z]+'.{kind}"
    )
