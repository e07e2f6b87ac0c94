"""An environment that needs no measuring."""

from seedbed.report.environment import Environment

HERE = Environment("Linux", "3.11", "a <processor>", 2, 0, {"jax": "0"}, 2, 1e11)
