"""How often comparisons are wrong, by simulation: `python -m bench.inference` writes docs/benchmarks/comparisons.md.

`worlds` makes up what two settings have right, where the true difference is known; `methods` are seedbed's and the field's ways
to compare them; `simulation` counts false alarms, coverage and power over seeds and images; `page` writes them down. For
cross-validation, where training sets overlap, `learners` are trained instead, `folds` counts, and `folds_page` writes.
"""
