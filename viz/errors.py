"""What a user gave to viz that cannot be drawn or measured. Every other error is a wrong call, or a fault of viz."""


class InputError(ValueError):
    """The data, a word or a size is wrong, not the call: NaN in a query, a word that no sentence has, a narrow page."""
