"""From a folder of files to a model: its config, its tokenizer and its weights.

It imports `tokenizer`, `files` and `errors`, and no chapter; `parameters` names the arrays that the chapters use.
"""
