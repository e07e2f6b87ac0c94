"""Training speed of devices: `records` are the measurements and their files, `measuring` makes them, `kept` stores them in the
home, `summary` joins several machines and compares their devices."""
