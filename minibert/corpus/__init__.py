"""From a sentence to a corpus: lines out of many files, a block at a time, and sums over all blocks.

lines      which files, and the lines in them
sentences  the lines as the model sees them, checked
scan       the first pass: the number of sentences, and some of them drawn at random
passes     what is found in the blocks, added up
here       the blocks worked on by the cores of this process
cluster    the same blocks worked on by other processes, on this machine or on others

It imports `model` and `terminal`, and Dask only for workers; `survey` and the commands import it.
"""
