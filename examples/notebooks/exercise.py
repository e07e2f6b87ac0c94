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
# # The exercise: architectures and regularization
#
# Section by section, with cells for you. Write down what you expect **before** you run a cell that trains: that is what you
# learn from. Start with `digits`, where all of it takes a minute or two; then set `DATA = "mnist"` and run it again.

# %%
import seedbed as sb

DATA = "digits"
SEEDS = 3
PLAN = sb.Plan(epochs=20, batch_size=32)

# %% [markdown]
# ## 1. The data
#
# How many images and classes are there? Which part is for what?

# %%
data = sb.load(DATA)
data

# %%
names = [data.classes[label] for label in data.train.labels[:15]]
sb.picture_grid(data.train.images[:15], names, columns=5, top=data.scale)

# %% [markdown]
# *Your notes: which classes will be confused with each other?*

# %% [markdown]
# ## 2. A dense network
#
# Two hidden layers of 200 and 100 units with ReLU.

# %%
dense = sb.train(sb.Dense(hidden=(200, 100)), DATA, name="dense", seeds=SEEDS, plan=PLAN)
dense

# %%
sb.learning_curves(dense)

# %% [markdown]
# Where does the validation loss begin to rise, and what does the training loss do there?
#
# *Your answer:*

# %%
# Your own dense network: other widths, another activation.
# mine = sb.train(sb.Dense(hidden=(...), activation="..."), DATA, name="mine", seeds=SEEDS, plan=PLAN)

# %% [markdown]
# ## 3. A convolutional network
#
# 20 kernels of 5 x 5, then 10 of 3 x 3, each with pooling. It has far fewer parameters: how many?

# %%
conv = sb.train(sb.Conv(), DATA, name="conv", seeds=SEEDS, plan=PLAN)
conv

# %%
comparison = sb.compare([*dense, *conv])
comparison

# %% [markdown]
# Which one is better, and is the difference more than chance? Why can so few parameters do so much?
#
# *Your answer:*

# %%
# Your own convolutional network: at most 1,000 parameters.

# %% [markdown]
# ## 4. Hidden units
#
# *Before you run this: how many units does a single hidden layer need to be as good as 200 and 100?*

# %%
sizes = {"hidden": [(2,), (8,), (32,), (200, 100)]}
widths = sb.sweep(sb.Dense(), DATA, grid=sizes, seeds=SEEDS, name="widths", plan=PLAN)
widths

# %%
widths.charts()["accuracy_over_parameters"]

# %% [markdown]
# *Your answer, with an interval:*

# %%
# Further widths: add values to the grid above, only the new networks are trained.

# %% [markdown]
# ## 5. Regularization
#
# The penalty is `l2` times the sum of the squared weights. *Before: what do you expect of a very large one, and of none?*

# %%
lambdas = {"l2": [0, 1e-4, 1e-3, 1e-2]}
penalties = sb.sweep(sb.Dense(), DATA, grid=lambdas, seeds=SEEDS, name="penalties", plan=PLAN)
penalties

# %%
sb.learning_curves(penalties)

# %% [markdown]
# With which penalty are training and validation loss closest? Is that also the most accurate network?
#
# *Your answer:*

# %%
# Another way to regularize: dropout, fewer units, augment="shift", or early stopping (epochs="auto").

# %% [markdown]
# ## 6. Activations
#
# *Before: which of the three learns most slowly, and why?*

# %%
functions = {"activation": ["relu", "tanh", "sigmoid"]}
activations = sb.sweep(sb.Dense(), DATA, grid=functions, seeds=SEEDS, name="activations", plan=PLAN)
sb.compare(activations)

# %%
sb.learning_curves(activations)

# %% [markdown]
# *Your answer:*

# %%
# Does a larger learning rate help sigmoid? grid={"activation": [...], "learning_rate": [...]}

# %% [markdown]
# ## 7. A budget
#
# The best network with at most 200 hidden units. `search` tries many and trains the best again with fresh seeds.

# %%
found = sb.search("units=200", DATA, trials=16, epochs=20, finalists=2, seeds=SEEDS, name="budget")
found

# %% [markdown]
# The winner has two accuracies: that of its own trial, and that with fresh seeds. Which one would you report, and why?
#
# *Your answer:*

# %% [markdown]
# ## 8. Mistakes
#
# Only now, once: the test part.

# %%
evaluation = sb.evaluate(dense[0].name, test=True)
mistakes = evaluation.test.mistakes[:10]
titles = [f"{each.label} taken for {each.predicted}" for each in mistakes]
images = sb.load(DATA).test.take([each.index for each in mistakes])
evaluation

# %%
sb.picture_grid(images, titles, columns=5, top=data.scale) if mistakes else "no mistakes"

# %% [markdown]
# *Your conclusion: which network would you hand in, and how sure are you?*
