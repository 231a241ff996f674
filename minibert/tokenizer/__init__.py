"""From a text to an Encoding: its tokens, their ids, and what is known about each.

`wordpiece.py` is the algorithm, to be read. The other files read the settings of a checkpoint's tokenizer and hand the
work to the `tokenizers` package. It imports `errors`, `files` and the configuration;
`checkpoint.load` imports it.
"""
