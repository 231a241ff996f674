"""From the name of a model to a folder with its files: bundled with minibert, on this disk, or on a hub.

It imports `errors`, `files` and the reader of config.json; `checkpoint.load` imports it.
"""
