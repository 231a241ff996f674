"""The command `minibert exercises`."""


def add_exercises_arguments(parser) -> None:
    pass


def run_exercises(args) -> None:
    raise ValueError("not there yet")
