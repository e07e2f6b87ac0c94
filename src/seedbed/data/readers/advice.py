"""What to say where no reader fits: what is there, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seedbed.data.readers import folders
from seedbed.data.readers.inventory import ARCHIVES, Inventory, some
from seedbed.words import counted

PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".p")
PACKED = (*ARCHIVES, ".rar", ".7z")
UNREAD_PICTURES = (".heic", ".heif", ".avif", ".svg", ".psd", ".raw", ".cr2", ".nef", ".dng", ".dcm", ".jp2", ".ico", ".tga")


def advice(inventory: Inventory, titles: Sequence[str], fitting: Callable[[Inventory], str]) -> str:
    """One line about a path that no reader fits.

    Args:
        inventory: what lies there.
        titles: what readers read, for the last resort.
        fitting: function of an inventory that returns the title of the reader that fits it, or "".
    """
    where = inventory.path
    for found in (_pickles(inventory), _one_level_down(inventory, fitting), _packed(inventory), _unlabelled(inventory)):
        if found:
            return f"{where}: {found}"
    *others, last = titles
    known = f"data are {', '.join(others)} or {last}, or a .zip or .tar of these"
    unread = [file for file in inventory.files if file.suffix in UNREAD_PICTURES]
    convert = f" Convert the {unread[0].suffix} files to PNG." if unread else ""
    return f"{where}: {known}; here is {inventory.summary()}.{convert}"


def _pickles(inventory: Inventory) -> str:
    found = [
        file for file in inventory.files if file.suffix in PICKLES or file.base.startswith(("data_batch_", "batches.meta"))
    ]
    if not found:
        return ""
    cifar = any(file.base.startswith("data_batch") for file in found)
    instead = (
        "For CIFAR-10 use --data cifar10, which takes the binary version."
        if cifar
        else "Save the arrays with numpy.savez(FILE, X=images, y=labels), and give that .npz."
    )
    return f"{some(file.name for file in found)}: pickles are never opened, since they can run any program. {instead}"


def _one_level_down(inventory: Inventory, fitting: Callable[[Inventory], str]) -> str:
    below = [(name, title) for name in inventory.subfolders() if (title := fitting(inventory.below(name)))]
    if not below:
        return ""
    name, title = below[0]
    others = f" ({counted(len(below) - 1, 'other folder')} too)" if len(below) > 1 else ""
    return f"one level down, {name}/ is {title}{others}; did you mean that? Give {inventory.path / name}."


def _packed(inventory: Inventory) -> str:
    found = [file for file in inventory.files if file.name.lower().endswith(PACKED)]
    if not found or len(found) < len(inventory.files):
        return ""
    name = found[0].name
    if inventory.single:
        return f"archives of this kind are not read ({name}); unpack it first, and give the folder."
    if name.lower().endswith(ARCHIVES):
        return f"here is {inventory.summary()}. Give an archive itself: {inventory.path / name}."
    return f"here is {inventory.summary()}; unpack first, and give the folder."


def _unlabelled(inventory: Inventory) -> str:
    if inventory.single and folders.pictures_in(inventory.files):
        return "this is one picture. A data set is a folder of them; `seedbed predict -m NAME PICTURE` classifies one."
    single_array = inventory.single and inventory.files[0].suffix == ".npy"
    if single_array:
        return "one .npy is images without labels. Put X.npy and y.npy into a folder, and give the folder."
    return folders.hint(inventory)
