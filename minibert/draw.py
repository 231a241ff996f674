"""The commands that draw."""


def add_viz_arguments(parser) -> None:
    pass


def run_viz(args) -> None:
    raise ValueError("not there yet")


def add_compare_arguments(parser) -> None:
    pass


def run_compare(args) -> None:
    raise ValueError("not there yet")
