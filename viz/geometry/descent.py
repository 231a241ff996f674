"""The minimum of a smooth function from its gradient, for many functions side by side.

Newton's step needs H, the matrix of second derivatives, and the gradient g:

    step = -H^-1 g

L-BFGS (Nocedal 1980) computes the step from the last few moves s and the changes y of the gradient along them, since
y ~ H s. These pairs tell how the gradient changes along the directions of the moves. In all other directions H^-1 is
taken to be one number.
"""

from collections.abc import Callable, Iterable

import numpy as np

Progress = Callable[[Iterable[int]], Iterable[int]]
"""Wraps what is worked on, and may show how far it is, as tqdm does."""

MEMORY = 10
"""This many pairs are kept. With 5 the descent takes about a fifth more steps, with 20 no fewer."""
ENOUGH = 1e-4
"""A step is taken if the function falls by at least this share of what the gradient predicts (Armijo's rule)."""
FIRST = 0.1
"""The length of the first move, before there is any pair."""


def minimize(
    function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], start: np.ndarray, steps: Iterable[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest points found, [G, P], and the values there, [G], of G functions of P numbers each.

    function: from points [G, P] to values [G] and gradients [G, P].
    steps: one entry per step. A function whose step does not lead downhill stays where it is, and its next step is half
    as long.
    """
    point = start
    value, gradient = function(point)
    pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    stretch = FIRST / np.maximum(np.linalg.norm(gradient, axis=-1), np.finfo(point.dtype).tiny)
    part = np.ones_like(value)
    for _ in steps:
        direction = newton_direction(gradient, pairs, stretch)
        promised = np.vecdot(direction, gradient)
        with np.errstate(over="ignore", invalid="ignore"):  # a step may overflow; it is not taken then
            trial = point - part[:, None] * direction
            trial_value, trial_gradient = function(trial)
            better = trial_value <= value - ENOUGH * part * promised
            move = np.where(better[:, None], trial - point, 0)
            change = np.where(better[:, None], trial_gradient - gradient, 0)
        curved, change_square = np.vecdot(move, change), np.vecdot(change, change)
        usable = curved > 1e-10 * change_square
        inverse = np.divide(1, curved, out=np.zeros_like(curved), where=usable)  # 0: this pair says nothing
        pairs = [*pairs, (move, change, inverse)][-MEMORY:]
        stretch = np.divide(curved, change_square, out=stretch.copy(), where=usable)
        point, gradient = (np.where(better[:, None], a, b) for a, b in ((trial, point), (trial_gradient, gradient)))
        value, part = np.where(better, trial_value, value), np.where(better, 1, part / 2).astype(part.dtype)
    return point, value


def newton_direction(gradient: np.ndarray, pairs: list, stretch: np.ndarray) -> np.ndarray:
    """H^-1 g, [G, P]: H^-1 from the pairs (s, y, 1 / s . y), and `stretch` in all other directions."""
    direction, shares = gradient, []
    for move, change, inverse in reversed(pairs):
        share = inverse * np.vecdot(move, direction)
        direction = direction - share[:, None] * change
        shares.append(share)
    direction = stretch[:, None] * direction
    for (move, change, inverse), share in zip(pairs, reversed(shares), strict=True):
        direction = direction + (share - inverse * np.vecdot(change, direction))[:, None] * move
    return direction
