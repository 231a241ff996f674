"""One vector for each text, as sentence-transformers computes it.

It imports the chapters and `model`, and no chapter imports it. `checkpoint.sentence_transformers` reads the settings.
"""
