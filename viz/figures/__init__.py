"""Figures of matplotlib from arrays and labels: of one head, of all heads, with lines and words drawn in them.

It imports the geometry and the measures; only the package itself imports it.
"""
