"""Numbers for a head: how near its attended keys are, how its attention is spread, how far training moved it.

It imports the geometry, and no figures.
"""
