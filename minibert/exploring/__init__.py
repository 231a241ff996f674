"""From a model and sentences to the explorer's page, which `viz.explorer` makes of plain arrays.

`page` runs the sentences, `live` turns a small model into data for the page; `minibert.explore` is the public name.
It imports `model` and `whatif`, and `viz` only when a page is made.
"""
