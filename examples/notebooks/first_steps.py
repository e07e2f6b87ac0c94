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
# # First steps
#
# Train small networks on handwritten digits, compare them, and look at one of them from inside. Every cell takes a few seconds.
# What is trained once is read again the next time, so you can run all cells as often as you like.

# %%
import numpy as np

import seedbed as sb

# %% [markdown]
# ## The images
#
# `digits` comes with scikit-learn and needs no network; `mnist` is found on this machine or downloaded.

# %%
digits = sb.load("digits")
digits

# %%
images = digits.train.take(np.arange(10))
names = [digits.classes[label] for label in digits.train.labels[:10]]
sb.picture_grid(images, names, columns=5, top=digits.scale)

# %% [markdown]
# ## One network
#
# A network is described by a few settings. `train` returns its run, with the history of each epoch and a verdict.

# %%
runs = sb.train(sb.Dense(hidden=(32,)), "digits", name="first", epochs=20, batch_size=32)
runs

# %%
print(runs[0].verdict)

# %%
sb.learning_curves(runs)

# %% [markdown]
# ## Is it luck?
#
# The same call with more seeds trains the missing ones only. The same again for a smaller network, and both compared: paired by
# seed, with the interval of the difference.

# %%
wide = sb.train(sb.Dense(hidden=(32,)), "digits", name="first", seeds=5, epochs=20, batch_size=32)
narrow = sb.train(sb.Dense(hidden=(4,)), "digits", name="narrow", seeds=5, epochs=20, batch_size=32)
comparison = sb.compare([*wide, *narrow])
comparison

# %%
comparison.figure()

# %% [markdown]
# ## The network itself
#
# It takes images as they are stored, and returns probabilities. Its weights are arrays, and `keras()` gives a `keras.Model`.

# %%
network = sb.load_network("first")
network

# %%
probabilities = network.predict(digits.validation.images)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != digits.validation.labels)
print(f"{len(wrong)} of {len(probabilities)} validation images are wrong")

# %%
first = wrong[:10]
right, taken = digits.validation.labels[first], probabilities[first].argmax(axis=1)
titles = [f"{digits.classes[a]} taken for {digits.classes[b]}" for a, b in zip(right, taken)]
sb.picture_grid(digits.validation.take(first), titles, columns=5, top=digits.scale)

# %%
{name: array.shape for name, array in network.weights.items()}

# %% [markdown]
# ## Only at the end: the test part
#
# Each look at it is written into a ledger, because a choice made on test images makes them useless for a claim.

# %%
sb.evaluate(network.name, test=True)
