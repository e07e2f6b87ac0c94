"""The questions of the exercise, one file each; every file has a `STUDY`."""
