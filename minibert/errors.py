"""What a user did wrong. Every other error is a fault of minibert's own, and shows its traceback."""


class UserError(ValueError):
    """Something given to minibert is wrong: an argument, a file, a text.

    The message is one line: what was wrong, what was expected, what to do. The command prints it and exits with 2.
    """


class CheckpointError(UserError):
    """A checkpoint cannot be used. The message names the file, what is wrong with it, and what to do."""


class LineError(UserError):
    """A line of a file cannot be used. The message names the file and the line."""
