"""How fast devices train: `records` says what was measured, `measuring` measures it, `kept` keeps it in the home, `files` reads
what was measured elsewhere, `summary` makes figures of it."""
