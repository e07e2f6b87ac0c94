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
# # An ablation with error bars
#
# Three activations with two optimizers, five seeds each: which choice matters, by how much, and does one depend on the other?
# With a table and a figure for a paper.

# %%
import seedbed as sb

# %% [markdown]
# ## One call
#
# An optimizer deserves a learning rate of its own. `optimizer+learning_rate` are two fields that change together, and count as
# one.

# %%
sweep = sb.sweep(
    sb.Dense(hidden=(32,)),
    "digits",
    name="ablation",
    seeds=5,
    epochs=20,
    batch_size=32,
    grid={
        "activation": ["relu", "tanh", "sigmoid"],
        "optimizer+learning_rate": [("adam", 0.001), ("sgd", 0.1)],
    },
)
sweep

# %% [markdown]
# ## What each choice does
#
# Every setting against the best one; then each choice averaged over the others, and whether the effect of one depends on
# another. Differences are paired by seed and by image, and p-values corrected over all comparisons.

# %%
comparison = sb.compare(sweep)
comparison

# %% [markdown]
# Against a setting that was named beforehand fewer comparisons have to be corrected for:

# %%
against = sb.compare(sweep, against="relu/adam")
against

# %% [markdown]
# ## The table
#
# Means with intervals, in LaTeX with booktabs; or the differences. All numbers as a data frame, too.

# %%
print(sweep.to_latex())

# %%
print(against.to_latex())

# %%
sweep.frame()

# %% [markdown]
# ## The figure

# %%
charts = against.charts()
charts["effects"]

# %%
charts["differences"]

# %%
sb.save(charts["effects"], "effects", kinds=("svg", "png"))
