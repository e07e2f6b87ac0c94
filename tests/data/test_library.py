"""From a name to images: what is found where, what is kept, and what is noticed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.samples import digits_like, write_idx, write_pictures
from seedbed import data
from seedbed.data import builtin, download, kept, library, lookup
from seedbed.data.readers import idx
from seedbed.data.readers.inventory import inventory_of
from seedbed.errors import CorruptData, DataError, DataUnavailable, SpecError, StorageError, UnknownDataset
from seedbed.specs import DataSpec


@pytest.fixture
def small(monkeypatch):
    """Stand-ins for MNIST and its twin Fashion-MNIST: 40 images each; only the first has its digest pinned."""
    images, labels = digits_like(40, classes=10)
    for name, digest in (("mnist", None), ("fashion_mnist", "")):
        one = replace(builtin.BUILTIN[name], sizes=(40, 20), image_shape=(6, 5, 1), mirrors=())
        if digest is None:
            one = replace(one, digest=_content(images, labels).digest)
        monkeypatch.setitem(builtin.BUILTIN, name, one)
    return images, labels


def _content(images, labels):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), images, labels)
        return replace(idx.read(inventory_of(Path(folder))), classes=builtin.DIGITS)


def put(folder, images, labels, **options):
    write_idx(folder, "train", images, labels, **options)
    write_idx(folder, "t10k", images[:20], labels[:20], **options)


def handout(name):
    return data.load(DataSpec(name=name, protocol="handout"))


def test_digits_are_here_without_a_network_and_without_importing_sklearn():
    dataset = data.load(DataSpec(name="digits"))
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.scale == 16
    assert dataset.train.images.max() == 16
    assert dataset.spec.digest == builtin.BUILTIN["digits"].digest
    assert data.resolve(DataSpec(name="digits")) == dataset.spec


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("inside", ["mnist", "MNIST/raw", "."])
def test_folders_of_seedbed_data_are_looked_up_first(small, tmp_path, monkeypatch, inside, packed):
    put(tmp_path / "sets" / inside, *small, packed=packed)
    monkeypatch.setenv("SEEDBED_DATA", os.pathsep.join([str(tmp_path / "nowhere"), str(tmp_path / "sets")]))
    dataset = handout("mnist")
    assert np.array_equal(dataset.train.images[..., 0], small[0])
    assert data.info("mnist").where == str((tmp_path / "sets" / inside).resolve())


def test_keras_and_torchvision_keep_theirs_where_we_look(small, alone):
    images, labels = small
    with pytest.raises(DataUnavailable):
        handout("mnist")
    put(alone / "work/data/MNIST/raw", images, labels)
    assert data.info("mnist").where.endswith("raw")
    kept.forget(data.resolve(DataSpec()).digest)
    (alone / "user/.keras/datasets").mkdir(parents=True)
    np.savez(alone / "user/.keras/datasets/mnist.npz", x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    assert data.info("mnist").where.endswith("mnist.npz")


def test_what_was_decoded_once_is_mapped_ever_after(small, tmp_path, monkeypatch):
    put(tmp_path / "mnist", *small)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    digest = handout("mnist").spec.digest
    for path in (tmp_path / "mnist").iterdir():
        path.unlink()
    monkeypatch.setattr(library, "_found_or_fetched", lambda *_: pytest.fail("it was looked for again"))
    dataset = handout("mnist")
    assert isinstance(dataset.train.store, np.memmap)
    assert dataset.spec.digest == digest == builtin.BUILTIN["mnist"].digest


def test_other_content_under_a_pinned_name_is_refused(small, tmp_path, monkeypatch):
    images, labels = small
    put(tmp_path / "mnist", 255 - images, labels)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    with pytest.raises(CorruptData, match="this is not mnist as published"):
        handout("mnist")


def test_a_folder_that_is_not_named_so_is_not_taken_for_the_twin(small, tmp_path, monkeypatch):
    put(tmp_path / "some", *small)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path / "some"))
    assert handout("mnist").classes == builtin.DIGITS
    with pytest.raises(DataUnavailable):
        handout("fashion_mnist")


def test_content_without_a_pinned_digest_is_recorded_at_first_sight(small, tmp_path, monkeypatch):
    images, labels = small
    put(tmp_path / "fashion_mnist", images, labels)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    dataset = handout("fashion_mnist")
    assert dataset.classes[9] == "Ankle boot"
    assert "when it was first read" in data.info("fashion_mnist").proof
    kept.forget(dataset.spec.digest)
    put(tmp_path / "fashion_mnist", 255 - images, labels)
    with pytest.raises(CorruptData, match=r"fashion_mnist was .* when it was first read, and this is"):
        handout("fashion_mnist")


def test_a_damaged_cache_is_decoded_anew_and_verify_finds_a_changed_byte(small, tmp_path, monkeypatch):
    put(tmp_path / "mnist", *small)
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    folder = kept.folder(handout("mnist").spec.digest)
    (folder / "train_images.npy").write_bytes(b"short")
    assert np.array_equal(handout("mnist").train.images[..., 0], small[0])
    content = bytearray((folder / "train_images.npy").read_bytes())
    content[-1] ^= 1
    (folder / "train_images.npy").write_bytes(content)
    assert data.verify("mnist").repaired
    assert not data.verify("mnist").repaired


def test_no_network_and_nothing_here_is_one_line_that_says_what_works(monkeypatch):
    one = replace(builtin.BUILTIN["mnist"], mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(builtin.BUILTIN, "mnist", one)
    with pytest.raises(DataUnavailable) as caught:
        data.load(DataSpec())
    line = str(caught.value)
    assert "\n" not in line
    for words in (
        "mnist is not on this machine",
        "SEEDBED_DATA (not set)",
        "127.0.0.1:9: refused",
        "`--data digits` works now",
    ):
        assert words in line


def test_a_cache_that_cannot_be_written_names_the_variable_that_moves_it(small, tmp_path, monkeypatch):
    put(tmp_path / "mnist", *small)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEEDBED_DATA", str(tmp_path))
    content = lookup.search(builtin.BUILTIN["mnist"]).content
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="SEEDBED_CACHE"):
        kept.keep(content, content.digest)


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownDataset, match=r"No data set is named 'mnits'\. Did you mean 'mnist'\? Known here: mnist"):
        data.load(DataSpec(name="mnits"))


def test_a_size_is_refused_where_it_is_fixed():
    with pytest.raises(SpecError, match=r"only your own folders are resized"):
        data.load(DataSpec(name="digits", size=(9, 9)))
    assert data.load(DataSpec(name="digits", size=(8, 8))).image_shape == (8, 8, 1)


# --- The user's own ----------------------------------------------------------------------------------------------------


def test_the_users_pictures_get_a_name_and_are_described(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 40, "dog": 20})
    info = data.add("pets", tmp_path / "in")
    assert info.classes == ("cat", "dog")
    assert info.parts == {"train": 42, "validation": 9, "test": 9}
    assert info.imbalance == pytest.approx(2)
    assert info.notes[0] == "Size 6 x 5, that of all pictures."
    assert [each.name for each in data.known()][-1] == "pets"
    dataset = data.load(DataSpec(name="pets"))
    assert dataset.train.source(0).startswith("cat/")
    assert isinstance(dataset.train.store, np.memmap)


def test_a_size_in_the_spec_gives_other_content(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    plain = data.add("pets", tmp_path / "in")
    resized = data.load(DataSpec(name="pets", size=(4, 4)))
    assert resized.image_shape == (4, 4, 1)
    assert resized.spec.digest != plain.digest
    assert data.load(DataSpec(name="pets")).spec.digest == plain.digest


def test_files_that_changed_are_noticed_until_they_are_taken_in(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    before = data.add("pets", tmp_path / "in").digest
    write_pictures(tmp_path / "in", {"emu": 9})
    for spec in (DataSpec(name="pets"), DataSpec(name="pets", size=(4, 4))):
        with pytest.raises(CorruptData, match="has changed since it was added"):
            data.load(spec)
    with pytest.raises(CorruptData, match="has changed"):
        data.verify("pets")
    after = data.add("pets", tmp_path / "in", replace=True).digest
    assert after != before
    assert data.load(DataSpec(name="pets", digest=before)).classes == ("cat", "dog")


def test_touched_files_of_the_same_content_are_no_change(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    data.add("pets", tmp_path / "in")
    os.utime(tmp_path / "in/cat/000.png", (1, 1))
    assert data.load(DataSpec(name="pets")).classes == ("cat", "dog")
    assert data.verify("pets").repaired is False


def test_images_whose_folder_is_gone_live_on_in_the_cache(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    data.add("pets", tmp_path / "in")
    (tmp_path / "in").rename(tmp_path / "moved")
    assert len(data.load(DataSpec(name="pets", protocol="handout")).validation) == 3
    with pytest.raises(DataError, match="in is gone"):
        data.verify("pets")


def test_another_digest_than_the_specs_is_refused(tmp_path):
    with pytest.raises(CorruptData, match="the requested content is 000000000000, and the files here have fa9526cb1597"):
        data.load(DataSpec(name="digits", digest="0" * 64))


def test_large_arrays_are_mapped_in_place_and_their_change_is_noticed(tmp_path, alone):
    images, labels = digits_like()
    (tmp_path / "big").mkdir()
    np.save(tmp_path / "big/x_train.npy", images)
    np.save(tmp_path / "big/y_train.npy", labels)
    data.add("big", tmp_path / "big")
    store = data.load(DataSpec(name="big")).train.store
    assert isinstance(store, np.memmap)
    assert Path(store.filename) == (tmp_path / "big/x_train.npy").resolve()
    assert not list((alone / "cache").rglob("train_images.npy"))
    digest = data.resolve(DataSpec(name="big")).digest
    np.save(tmp_path / "big/x_train.npy", 255 - images)
    with pytest.raises(CorruptData, match="it was changed or removed since its images were first used"):
        kept.find(digest)
    with pytest.raises(CorruptData, match="has changed since it was added"):
        data.load(DataSpec(name="big", digest=digest))
    with pytest.raises(CorruptData, match="has changed since it was added"):
        data.load(DataSpec(name="big"))


def test_two_names_for_the_same_content_do_not_disturb_each_other(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "X.npy", digits_like()[0])
        np.save(tmp_path / name / "y.npy", digits_like()[1])
        data.add(name, tmp_path / name)
    (tmp_path / "two").rename(tmp_path / "elsewhere")
    assert len(data.load(DataSpec(name="one")).classes) == 2


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("mnist", "built-in"),
        ("a/b", "must be 1 to 100 letters"),
        ("../x", "must be 1 to 100"),
        ("nul", "Windows"),
        ("", "must be"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path, name, match):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    with pytest.raises((DataError, SpecError), match=match):
        data.add(name, tmp_path / "in")


def test_a_name_is_not_given_twice_without_being_told(tmp_path):
    for name in ("one", "two"):
        write_pictures(tmp_path / name, {"cat": 9, name: 9})
    data.add("pets", tmp_path / "one")
    assert data.add("pets", tmp_path / "one").classes == ("cat", "one")
    with pytest.raises(DataError, match=r"'pets' stands for .*one already"):
        data.add("pets", tmp_path / "two")
    assert data.add("pets", tmp_path / "two", replace=True).classes == ("cat", "two")


def test_a_path_is_given_a_name_once(tmp_path):
    write_pictures(tmp_path / "my pets!", {"cat": 9, "dog": 9})
    write_pictures(tmp_path / "b" / "my pets!", {"cat": 9, "dog": 9})
    write_pictures(tmp_path / "mnist", {"cat": 9, "dog": 9})
    assert data.named("digits") == "digits"
    assert [data.named(str(tmp_path / "my pets!")) for _ in range(2)] == ["my-pets"] * 2
    assert data.named("my-pets") == "my-pets"
    assert data.named(str(tmp_path / "b" / "my pets!")) == "my-pets-2"
    assert data.named(str(tmp_path / "mnist")) == "mnist-2"


@pytest.mark.parametrize(
    ("text", "match"), [("digit", "Did you mean 'digits'"), ("./x", "neither a data set nor a file"), ("", "No data")]
)
def test_what_is_neither_name_nor_path_is_refused(text, match):
    with pytest.raises(UnknownDataset, match=match):
        data.named(text)


@pytest.mark.parametrize("content", ["", "[]", '{"name": 3}', '{"name": "pets", "path": "x", "kind": "pickle", "size": null}'])
def test_a_damaged_entry_is_no_entry(alone, content):
    (alone / "cache/data/added").mkdir(parents=True)
    (alone / "cache/data/added/pets.json").write_text(content)
    assert "pets" not in [each.name for each in data.known()]


def test_a_manifest_cannot_lead_to_other_files(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9, "dog": 9})
    digest = data.add("pets", tmp_path / "in").digest
    path = kept.folder(digest) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"]["train"]["images"]["shape"] = [1 << 40, 6, 5, 1]
    path.write_text(json.dumps(manifest))
    assert data.load(DataSpec(name="pets")).image_shape == (6, 5, 1)


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        ({"a": 5}, "5 pictures in 1 folder: a/ would be the only class"),
        ({"a": 9, "b": 2}, "at least 3 images to be in every part"),
    ],
)
def test_too_few_classes_or_images_are_refused(tmp_path, classes, match):
    write_pictures(tmp_path / "in", classes)
    with pytest.raises(DataError, match=match):
        data.add("pets", tmp_path / "in")
    assert "pets" not in [each.name for each in data.known()]


def test_downloads_are_found_and_taken_in(small, tmp_path, monkeypatch):
    put(tmp_path / "mirror", *small, packed=True)

    def fetch(one, folder, *, on_progress):
        folder.mkdir(parents=True)
        for remote in one.files:
            (folder / remote.name).write_bytes((tmp_path / "mirror" / remote.name).read_bytes())
        on_progress(download.DownloadProgress("x", 1, 1))
        return [folder / remote.name for remote in one.files]

    one = replace(builtin.BUILTIN["mnist"], mirrors=("http://mirror/",))
    monkeypatch.setitem(builtin.BUILTIN, "mnist", one)
    monkeypatch.setattr(library, "fetch", fetch)
    seen = []
    dataset = data.load(DataSpec(protocol="handout"), seen.append)
    assert np.array_equal(dataset.train.images[..., 0], small[0])
    assert seen
    assert not (kept.folder("x").parent / "downloads" / "mnist").exists()


def test_a_linked_class_folder_is_watched_and_a_circle_of_links_ends(tmp_path):
    write_pictures(tmp_path / "in", {"cat": 9})
    write_pictures(tmp_path / "away", {"dog": 9})
    (tmp_path / "in/dog").symlink_to(tmp_path / "away/dog")
    (tmp_path / "in/dog/up").symlink_to(tmp_path / "in")
    assert data.add("pets", tmp_path / "in").classes == ("cat", "dog")
    write_pictures(tmp_path / "away", {"dog": 10})
    with pytest.raises(CorruptData, match="has changed"):
        data.load(DataSpec(name="pets"))
