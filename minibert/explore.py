"""The command `minibert explore`."""


def add_explore_arguments(parser) -> None:
    pass


def run_explore(args) -> None:
    raise ValueError("not there yet")
