"""From a text to an Encoding: its tokens, their ids, and what is known about each.

`wordpiece.py` is the algorithm, to be read. The other files read the settings of a checkpoint's tokenizer and build it.
It imports `errors` and `files` only.
"""
