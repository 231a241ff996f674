"""From files to a model: its config, its tokenizer and its weights, bundled, in a folder or on the hub.

Nothing here imports a chapter; `parameters` names the arrays that the chapters compute with.
"""
