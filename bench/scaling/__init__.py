"""What runs cost on Ray, and what many machines would do with very many of them: `python -m bench.scaling`."""
