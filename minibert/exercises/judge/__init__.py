"""Whether a student's code is right and, if not, what is wrong and where."""
