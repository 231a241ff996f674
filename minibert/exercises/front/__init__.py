"""The front ends: the command, the notebook, the page of a class."""
