"""scikit-learn's `MLPClassifier`, one network after the other. It validates once, after its last epoch."""

from __future__ import annotations

import time
import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from bench.job import Answer, Arrays, Job, Net, arrays, give, take

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def _classifier(net: Net, job: Job) -> Any:
    return MLPClassifier(
        net.hidden,
        activation=ACTIVATIONS[net.activation],
        alpha=2 * net.l2 * job.batch,  # its penalty is alpha / 2 * sum(w**2) / images of the minibatch
        batch_size=job.batch,
        learning_rate_init=net.rate,
        max_iter=job.epochs,
        n_iter_no_change=job.epochs + 1,
        random_state=net.seed,
        epsilon=1e-7,
    )


def _train(net: Net, job: Job, found: Arrays) -> tuple[float, float]:
    """Seconds of an epoch, and the accuracy."""
    began = time.perf_counter()
    classifier = _classifier(net, job).fit(found.images.reshape(len(found.images), -1), found.labels)
    seconds = time.perf_counter() - began
    flat = found.validation_images.reshape(len(found.validation_images), -1)
    return seconds / job.epochs, float(classifier.score(flat, found.validation_labels))


def main() -> None:
    """Trains the job's networks one by one."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    job = take()
    found = arrays(job)
    trained = [_train(net, job, found) for net in job.nets]
    give(Answer(sum(seconds for seconds, _ in trained), 0.0, [accuracy for _, accuracy in trained]))


if __name__ == "__main__":
    main()
