"""The built-in data sets: their files, mirrors of these, and the digests that prove them.

Digests of MNIST's files are of the uncompressed bytes, since mirrors pack them differently. Those of Fashion-MNIST and KMNIST
are the MD5 that torchvision publishes (torchvision/datasets/mnist.py), that of CIFAR-10 is on its authors' page
(cs.toronto.edu/~kriz/cifar.html). `digest` is that of the decoded content, see `Content.digest`; where it is empty, only the
published digests of the files are known, and the digest of the content is recorded when it is first read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DIGITS = tuple("0123456789")
IDX_NAMES = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))

Format = Literal["idx", "cifar", "embedded"]
How = Literal["md5", "sha256 unpacked"]


@dataclass(frozen=True)
class Remote:
    """A file to download: its name on each mirror, and its digest."""

    name: str
    how: How
    digest: str


@dataclass(frozen=True)
class Builtin:
    """A data set that needs no `data add`; by default in the form of MNIST.

    Attributes:
        title: description of one line for lists.
        classes: names of labels 0, 1, ...
        sizes: numbers of official training and test images; 0 where there is no official test set.
        image_shape: height, width, channels.
        megabytes: size of the download (MB).
        torchvision: folder in torchvision's layout.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    format: Format = "idx"
    sizes: tuple[int, int] = (60_000, 10_000)
    image_shape: tuple[int, int, int] = (28, 28, 1)
    megabytes: int = 0
    digest: str = ""
    files: tuple[Remote, ...] = ()
    mirrors: tuple[str, ...] = ()
    torchvision: str = ""


def _idx_files(how: How, *digests: str) -> tuple[Remote, ...]:
    return tuple(Remote(name, how, digest) for name, digest in zip(IDX_NAMES, digests, strict=True))


_ALL = (
    Builtin(
        name="mnist",
        title="handwritten digits (LeCun, Cortes, Burges)",
        classes=DIGITS,
        megabytes=11,
        digest="b8b2bb964704acf5e65a30803f25a9607adddf90e06ee17e579e0f7f8d4adbff",
        files=_idx_files(
            "sha256 unpacked",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://azureopendatastorage.blob.core.windows.net/mnist/",
        ),
        torchvision="MNIST/raw",
    ),
    Builtin(
        name="fashion_mnist",
        title="pictures of clothes (Zalando)",
        classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        megabytes=30,
        files=_idx_files(
            "md5",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        torchvision="FashionMNIST/raw",
    ),
    Builtin(
        name="kmnist",
        title="handwritten hiragana (ROIS-CODH)",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        megabytes=21,
        files=_idx_files(
            "md5",
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://web.archive.org/web/2023id_/http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        torchvision="KMNIST/raw",
    ),
    Builtin(
        name="cifar10",
        title="small colour photographs (Krizhevsky)",
        format="cifar",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        sizes=(50_000, 10_000),
        image_shape=(32, 32, 3),
        megabytes=162,
        files=(Remote("cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530"),),
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/",
            "https://cave.cs.toronto.edu/kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        torchvision="cifar-10-batches-bin",
    ),
    Builtin(
        name="digits",
        title="small handwritten digits, carried by scikit-learn: no network needed (Alpaydin, Kaynak)",
        format="embedded",
        classes=DIGITS,
        sizes=(1797, 0),
        image_shape=(8, 8, 1),
        digest="fa9526cb1597f85adf61d8e44a86d7e544e8d90c45b7feb765deb64fcd3d6c45",
    ),
)

BUILTIN: dict[str, Builtin] = {builtin.name: builtin for builtin in _ALL}
