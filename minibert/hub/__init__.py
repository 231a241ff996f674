"""From the name of a model to its folder: bundled, on this computer, or downloaded from a hub.

It imports `checkpoint`, which tells what a whole checkpoint is, `files`, `terminal` and `errors`.
"""
