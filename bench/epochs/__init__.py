"""Which epoch of a training to keep, by trial: `python -m bench.epochs` writes docs/benchmarks/epochs.md.

`trainings` trains real networks, and judges each epoch on a pool of held-out images; `rules` are ways to choose an epoch, or to
stop; `choosing` draws validation parts from the pool and follows the rules, with the rest of the pool as the test; `page`
writes down what each rule loses.
"""
