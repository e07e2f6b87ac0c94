"""The classifier keeps scikit-learn's contract."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import seedbed as sb
from hostile.engine import here
from seedbed.sklearn import SeedbedClassifier

SKIPPED = {"check_array_api_input": "scikit-learn runs it where SCIPY_ARRAY_API is set, for array libraries other than NumPy"}
"""Check -> reason why it is not run; the classifier passes all others (`--every-point` runs them all)."""

QUICK = SeedbedClassifier(sb.Dense(hidden=(8,)), epochs=60, batch_size=16, learning_rate=0.02)
X, Y = load_digits(return_X_y=True)


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    with here():
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_passes_the_checks_of_scikit_learn(step_of: Callable[[int], int]) -> None:
    checks = list(estimator_checks_generator(QUICK))
    assert len(checks) > 50
    for estimator, check in checks[:: step_of(27)]:
        if check.func.__name__ not in SKIPPED:
            check(estimator)


def test_it_works_in_pipelines_cross_validation_and_clones(tmp_path: Path) -> None:
    classifier = SeedbedClassifier(sb.Dense(hidden=(16,)), epochs=5, batch_size=64, learning_rate=0.01)
    scores = cross_val_score(make_pipeline(MinMaxScaler(), classifier), X[:600], Y[:600], cv=2)
    assert min(scores) > 0.5
    assert clone(classifier).get_params() == classifier.get_params()


def test_labels_of_any_kind_come_back_and_a_stored_classifier_predicts_alike() -> None:
    names = np.array(["zero", "one", "two"])[Y[Y < 3]]
    images = X[Y < 3].reshape(-1, 8, 8)
    fitted = SeedbedClassifier(sb.Conv(filters=(2,), pool=(4,)), epochs=4, learning_rate=0.02).fit(images, names)
    assert list(fitted.classes_) == ["one", "two", "zero"]
    assert set(fitted.predict(images[:20])) <= set(names)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(images[:20]), fitted.predict_proba(images[:20]))
    assert np.allclose(fitted.predict_proba(images[:20]).sum(axis=1), 1)


def test_a_home_keeps_the_run(tmp_path: Path) -> None:
    fitted = SeedbedClassifier(sb.Dense(hidden=(4,)), epochs=1, home=tmp_path).fit(X[:300], Y[:300])
    assert sb.find(fitted.result_.name, tmp_path)[0].data.validation == 30


@pytest.mark.parametrize(
    ("settings", "y", "says"),
    [
        ({"validation_fraction": 1.0}, Y, r"validation_fraction = 1.0: it must be in \[0, 1\)"),
        ({"image_shape": (8, 7, 1)}, Y, "has 56 values, and X has 64 features"),
        ({}, Y * 0, "needs at least 2 classes"),
    ],
)
def test_what_cannot_be_fitted_is_an_error_of_values(settings: dict[str, Any], y: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SeedbedClassifier(**settings).fit(X, y)
