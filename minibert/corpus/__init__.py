"""From a sentence to a corpus: lines out of many files, drawn from, shared out in blocks, and added up again.

lines    which files, and the lines in them, a block at a time
scan     the first pass: are all lines usable, how many are there, and some of them drawn at random
here     blocks worked on by the cores of this process
cluster  the same blocks by other processes, on this machine or on others

It imports `model`, and Dask only where workers are asked for; the commands import it.
"""
