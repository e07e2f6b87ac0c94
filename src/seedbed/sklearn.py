"""seedbed's networks as a scikit-learn classifier: for pipelines, cross-validation and grid searches of others."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from seedbed.api import load_network, train
from seedbed.api.arguments import ModelLike
from seedbed.data import ArrayPair, Dataset
from seedbed.specs import Dense, Plan

BLOCK = 256
"""Images that are predicted at once, always as many, so that a prediction does not depend on the others."""


class SeedbedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network of seedbed that keeps scikit-learn's contract.

        model = make_pipeline(MinMaxScaler(), SeedbedClassifier(Dense(hidden=(64,)), epochs=20))
        cross_val_score(model, X, y)

    Each `fit` starts a worker, compiles a program and trains one network: some seconds, whatever its size. To compare settings
    over folds, `seedbed.sweep` is the faster way: it trains all settings on all folds side by side in one population, pairs
    them, and gives intervals.

        sweep(Dense(), Dataset.of(X, y), grid={"hidden": [(32,), (64,)], "l2": [0, 1e-4]}, folds=5).frame()

    Args:
        model: the network, as `train` takes it. None means `Dense()`.
        plan: how to train. None means the defaults.
        epochs, batch_size, optimizer, learning_rate, l1, l2, augment: settings of the plan; None leaves them. Without
            a plan, `epochs` None means "auto".
        validation_fraction: share of the images, drawn by class, on which the best epoch is selected. Where that is less than
            one image of a class, all are trained on, and the network of the last epoch is used.
        image_shape: height, width and channels of the images in rows of pixels. None means square grey ones, and where the
            number of features is no square, one row.
        random_state: seed of the weights, the minibatches and the validation part.
        device, workers: as `train` takes them.
        home: home in which the run is kept. None keeps none; the images stay in seedbed's cache.

    Attributes:
        classes_: labels, in the order of the probabilities.
        network_: the trained `seedbed.Network`.
        result_: its run with the history.
        n_features_in_, feature_names_in_: as in scikit-learn.
    """

    def __init__(
        self,
        model: ModelLike = None,
        *,
        plan: Plan | None = None,
        epochs: int | Literal["auto"] | None = None,
        batch_size: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        l1: float | None = None,
        l2: float | None = None,
        augment: str | None = None,
        validation_fraction: float = 0.1,
        image_shape: tuple[int, int, int] | None = None,
        random_state: Any = 0,
        device: str = "auto",
        workers: int | None = 1,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        self.model = model
        self.plan = plan
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.l1 = l1
        self.l2 = l2
        self.augment = augment
        self.validation_fraction = validation_fraction
        self.image_shape = image_shape
        self.random_state = random_state
        self.device = device
        self.workers = workers
        self.home = home

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train the network.

        Args:
            X: numbers `(n, features)`, or images `(n, h, w)` or `(n, h, w, c)`.
            y: labels `(n,)` of any type.

        Raises:
            ValueError: data that scikit-learn does not accept, or a single class.
            SeedbedError: one of its branches, as `seedbed.train` raises them.
        """
        images, y = validate_data(self, X, y, allow_nd=True, dtype="numeric")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"SeedbedClassifier needs at least 2 classes, and y has one class: {self.classes_[0]!r}.")
        seed = int(check_random_state(self.random_state).randint(2**31))
        pair, validation = _parted(self._images(images), labels, self.validation_fraction, seed)
        settings = self._settings() if validation else {**self._settings(), "select": "last"}
        dataset = Dataset.of(*pair, validation=validation or pair)
        with tempfile.TemporaryDirectory() as aside:
            network = Dense() if self.model is None else self.model
            where: dict[str, Any] = {"home": self.home or aside, "device": self.device, "workers": self.workers}
            [self.result_] = train(network, dataset, seeds=[seed], plan=self.plan, **where, **settings)
            self.network_ = load_network(self.result_)
        return self

    def _settings(self) -> dict[str, Any]:
        names = ("epochs", "batch_size", "optimizer", "learning_rate", "l1", "l2", "augment")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return given if self.plan is not None else {"epochs": "auto", **given}

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the probabilities of the classes, `(n, C)`, in the order of `classes_`."""
        check_is_fitted(self)
        images = self._images(validate_data(self, X, reset=False, allow_nd=True, dtype="numeric"))
        blocks = [images[start : start + BLOCK] for start in range(0, len(images), BLOCK)]
        filled = (np.concatenate([block, np.repeat(block[:1], BLOCK - len(block), axis=0)]) for block in blocks)
        shares = [self.network_.probabilities(each)[: len(block)] for each, block in zip(filled, blocks, strict=True)]
        whole = np.concatenate(shares).astype(np.float64)
        return np.asarray(whole / whole.sum(axis=1, keepdims=True))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the labels, `(n,)`."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _images(self, X: NDArray[Any]) -> NDArray[Any]:
        """The features as images `(n, h, w, c)`."""
        if X.ndim > 2:
            return X[..., None] if X.ndim == 3 else X
        side = math.isqrt(X.shape[1])
        square = (side, side, 1) if side * side == X.shape[1] else (1, X.shape[1], 1)
        shape = self.image_shape or square
        if math.prod(shape) != X.shape[1]:
            raise ValueError(f"image_shape = {shape} has {math.prod(shape)} values, and X has {X.shape[1]} features.")
        return X.reshape(len(X), *shape)


def _parted(images: NDArray[Any], labels: NDArray[Any], fraction: float, seed: int) -> tuple[ArrayPair, ArrayPair | None]:
    """Divide into images to train on and images to validate on; None where a class would have none of the latter."""
    if not 0 <= fraction < 1:
        raise ValueError(f"validation_fraction = {fraction!r}: it must be in [0, 1).")
    if fraction * np.bincount(labels).min() < 1:
        return (images, labels), None
    train, validation, *both = train_test_split(images, labels, test_size=fraction, stratify=labels, random_state=seed)
    return (train, both[0]), (validation, both[1])
