"""Numbers for a head: does attention end up near, what does it do by habit, how far did training move it.

Imports the geometry; knows nothing of figures.
"""
