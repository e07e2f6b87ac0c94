"""From files of many kinds to `Content`."""
