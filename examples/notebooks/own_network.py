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
# # Bring your own Keras network
#
# A function that returns a `keras.Model` trains in the same engine as all others, with the same seeds, sweeps and comparisons.
# What it gets and may return is in docs/how-to/own-network.md.

# %%
import os

os.environ["KERAS_BACKEND"] = "jax"  # before the first import of keras

import keras
from keras import layers

import seedbed as sb

# %%


def build(image_shape, classes, width=32, rate=0.0):
    """A dense network with batch normalization and dropout."""
    images = keras.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(width, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(rate)(x)
    return keras.Model(images, layers.Dense(classes, activation="softmax")(x))


def plain(image_shape, classes):
    """The same without normalization."""
    images = keras.Input(image_shape)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(images))
    return keras.Model(images, layers.Dense(classes, activation="softmax")(x))


# %% [markdown]
# ## Train and compare
#
# A cell's function is written into a file with all that it uses, so that workers and later sessions can build the same network.

# %%
runs = sb.train([build, plain], "digits", seeds=3, epochs=10, batch_size=32)
runs

# %%
sb.compare(runs)

# %% [markdown]
# ## Settings of the function
#
# `arg.NAME` is one of its keyword arguments.

# %%
sweep = sb.sweep(
    build,
    "digits",
    grid={"arg.rate": [0.0, 0.3], "arg.width": [8, 32]},
    seeds=2,
    epochs=10,
    batch_size=32,
    name="own",
)
sweep

# %% [markdown]
# ## Back to Keras
#
# The trained network as a `keras.Model`: it takes images as they are stored, and returns probabilities. Save it, or train it
# further.

# %%
network = sb.load_network(runs[0])
model = network.keras()
model.summary()

# %%
images = sb.load("digits").validation.images
float(abs(model.predict(images, verbose=0) - network.predict(images)).max())

# %%
model.save("own.keras")

# %% [markdown]
# ## A network that exists
#
# A `keras.Model` is a network too. A copy of it is trained, from the weights that it has.

# %%
existing = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)])
sb.train(existing, "digits", epochs=5, batch_size=32)
