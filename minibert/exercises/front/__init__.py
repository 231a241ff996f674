"""What people use: the command, the notebook, the page of a class."""
