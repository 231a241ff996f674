"""Arrays and labels become matplotlib figures: one head, all heads, and the lines and words drawn in them.

Imports the geometry and the measures; nothing imports it but the package itself.
"""
