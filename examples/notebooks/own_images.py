# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bring your own images
#
# Arrays in memory, files on disk, and scikit-learn. Nothing has to be registered or named before.

# %%
from pathlib import Path

import numpy as np
from PIL import Image

import seedbed as sb

# %% [markdown]
# ## Arrays
#
# Images `(n, h, w)`, `(n, h, w, c)` or rows of pixels `(n, pixels)`, on any scale, and a label for each. Here: circles and
# crosses, drawn at random.

# %%
random = np.random.default_rng(0)
rows, columns = np.mgrid[:16, :16]


def picture(cross):
    """A dark picture with noise and a bright circle or cross somewhere near its centre."""
    y, x = random.uniform(6, 10, size=2)
    distance = np.hypot(rows - y, columns - x)
    bright = np.minimum(abs(rows - y), abs(columns - x)) < 1.2 if cross else abs(distance - 4) < 1.2
    return np.clip(60 * random.random((16, 16)) + 180 * (bright & (distance < 6)), 0, 255).astype(np.uint8)


y = random.integers(2, size=600)
X = np.stack([picture(label) for label in y])
shapes = sb.Dataset.of(X, y, classes=("circle", "cross"))
shapes

# %%
sb.picture_grid(X[:10], [shapes.classes[label] for label in y[:10]], columns=5)

# %% [markdown]
# The same arrays are the same data set: `train` finds its runs again by content, also in a later session.

# %%
models = [sb.Dense(hidden=(16,)), sb.Conv(filters=(8,), pool=(4,))]
runs = sb.train(models, shapes, seeds=3, epochs=15, learning_rate=0.005)
runs

# %%
sb.compare(runs)

# %% [markdown]
# ## New images
#
# They must be as the training images were: the same shape, the same scale. What does not fit is refused in words.

# %%
network = sb.load_network(runs[-1])
new = np.stack([picture(cross=True), picture(cross=False)])
dict(zip(["a new cross", "a new circle"], network.predict(new).round(3).tolist()))

# %%
try:
    network.predict(new / 255)
except sb.SeedbedError as error:
    print(error)

# %% [markdown]
# ## Files
#
# A folder with one folder of pictures for each class is a data set too; so are tables, `.npz`, IDX files and more
# (docs/how-to/own-images.md).

# %%
folder = Path("shapes")
for number, (image, label) in enumerate(zip(X, y)):
    place = folder / shapes.classes[label]
    place.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(place / f"{number}.png")

from_files = sb.load(folder)
from_files

# %% [markdown]
# ## scikit-learn
#
# For pipelines and cross-validation. `sb.sweep(..., folds=5)` is faster where only seedbed's own settings are compared.

# %%
from sklearn.model_selection import cross_val_score

from seedbed.sklearn import SeedbedClassifier

model = SeedbedClassifier(sb.Dense(hidden=(16,)), epochs=15)
cross_val_score(model, X.reshape(len(X), -1), y, cv=2)

# %%
sweep = sb.sweep(sb.Dense(), shapes, grid={"hidden": [(4,), (16,)]}, folds=3, seeds=3, epochs=15, name="folds")
sweep.frame()
