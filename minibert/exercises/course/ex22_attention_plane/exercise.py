"""Exercise 22: a drawing that shows attention, and its gradient."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output
from minibert.exercises.draw import Draw, model
from minibert.exercises.text import Text, t
from minibert.numerics import softmax


def drawing_loss(x_NC: np.ndarray, y_NC: np.ndarray, attention_NN: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """L = mean over i of sum_j attention_ij log(attention_ij / p_ij), and its gradients dL/dx, dL/dy."""
    p_NN = softmax(2 * x_NC @ y_NC.T - np.square(y_NC).sum(axis=1))
    loss = float((attention_NN * np.log(attention_NN / p_NN)).sum(axis=1).mean())
    dz_NN = (p_NN - attention_NN) / len(x_NC)
    return loss, 2 * dz_NN @ y_NC, 2 * (dz_NN.T @ x_NC - dz_NN.sum(axis=0)[:, None] * y_NC)


def plane_cases(draw: Draw) -> list[Case]:
    tokens, components = draw.sizes(2, 2, 7)
    tokens += 6
    about = t("{tokens} tokens drawn in {components} dimensions", tokens=tokens, components=components)
    attention = softmax(draw.normal(tokens, tokens, spread=1.5))
    return [Case(about, (draw.normal(tokens, components), draw.normal(tokens, components, mean=0.3), attention))]


def slopes_add_to_nothing(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    """If all x and y move together, no distance changes, so all gradients sum to 0. The loss is compared first."""
    if not np.isclose(outputs[0], drawing_loss(*arguments)[0], rtol=1e-3):
        return None
    total = outputs[1].sum(axis=0) + outputs[2].sum(axis=0)
    wrong = np.flatnonzero(~np.isclose(total, 0, atol=1e-3))
    if not len(wrong):
        return None
    says = (
        "if all x and y move together, no distance changes. So all dx and dy must sum to 0, but in coordinate {axis} "
        "they sum to {got}"
    )
    return t(says, axis=int(wrong[0]), got=f"{total[wrong[0]]:.4g}")


def sloped(change):
    """drawing_loss made of x, y, attention, p and dz by `change`."""

    def mistake(x_NC, y_NC, attention_NN):
        p_NN = softmax(2 * x_NC @ y_NC.T - np.square(y_NC).sum(axis=1))
        return change(x_NC, y_NC, attention_NN, p_NN, (p_NN - attention_NN) / len(x_NC))

    return mistake


def scaled_slopes(loss_factor, slope_factor):
    def mistake(x_NC, y_NC, attention_NN):
        loss, dx, dy = drawing_loss(x_NC, y_NC, attention_NN)
        n = np.float32(len(x_NC))
        return loss * float(loss_factor(n)), dx * np.float32(slope_factor(n)), dy * np.float32(slope_factor(n))

    return mistake


def plane_of_products(x_NC, y_NC, attention_NN):
    p_NN = softmax(2 * x_NC @ y_NC.T)
    dz_NN = (p_NN - attention_NN) / len(x_NC)
    loss = float((attention_NN * np.log(attention_NN / p_NN)).sum(axis=1).mean())
    return loss, 2 * dz_NN @ y_NC, 2 * (dz_NN.T @ x_NC - dz_NN.sum(axis=0)[:, None] * y_NC)


DRAWING_LOSS_MISTAKES = (
    Mistake(
        "uphill",
        "the gradients have the wrong sign. dz is (p - attention) / N",
        scaled_slopes(lambda n: 1, lambda n: -1),
    ),
    Mistake("no-two", "the factor 2 of the gradients is missing", scaled_slopes(lambda n: 1, lambda n: 0.5)),
    Mistake("sum", "the loss is the sum over the queries. Take the mean", scaled_slopes(lambda n: n, lambda n: 1)),
    Mistake(
        "sum",
        "the loss is a mean over all pairs. Sum over the keys, and take the mean over the queries",
        scaled_slopes(lambda n: 1 / n, lambda n: 1),
    ),
    Mistake(
        "no-square",
        "-|y_j|^2 is missing from z. Then p does not depend on the distance alone",
        plane_of_products,
    ),
    Mistake(
        "pairs-alike",
        "x - y contains x_i minus y_j with i = j only. Use all pairs: x[:, None] - y[None]",
        sloped(lambda x, y, a, p, dz: (drawing_loss(x, y, a)[0], 2 * dz @ y, 2 * dz.T @ (x - y))),
    ),
    Mistake("not-divided", "dz is not divided by N", scaled_slopes(lambda n: 1, lambda n: n)),
    Mistake(
        "sum",
        "the loss and the gradients are sums over the queries. Take the mean",
        scaled_slopes(lambda n: n, lambda n: n),
    ),
    Mistake(
        "no-own-term",
        "the second half of dy is missing. -|y_j|^2 has a gradient of its own, -2 y_j",
        sloped(lambda x, y, a, p, dz: (drawing_loss(x, y, a)[0], 2 * dz @ y, 2 * dz.T @ x)),
    ),
    Mistake(
        "cross-entropy",
        "attention log attention is missing from the loss. With this term, a loss of 0 means that nothing is lost",
        sloped(
            lambda x, y, a, p, dz: (float(-(a * np.log(p)).sum(axis=1).mean()), *drawing_loss(x, y, a)[1:]),
        ),
    ),
    Mistake(
        "wrong-way",
        "p and attention are exchanged in the loss. It is attention log(attention / p)",
        sloped(lambda x, y, a, p, dz: (float((p * np.log(p / a)).sum(axis=1).mean()), *drawing_loss(x, y, a)[1:])),
    ),
)


def plane_answer() -> Text:
    trace = model("tiny")("The old man sat down by the fire and told the children a story about the sea.")
    attention = trace.layers[0].attention[0].astype(np.float64)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, len(attention), 2)) * 0.1
    losses = []
    for step in range(301):
        loss, dx, dy = drawing_loss(x, y, attention)
        if step % 100 == 0:
            losses.append(f"{loss:.2f}")
        x, y = x - 2 * dx, y - 2 * dy
    return t(
        "It falls, but not to 0. For one head of the bundled model and one sentence, drawn in two dimensions, the "
        "loss is {losses} after 0, 100, 200, 300 steps. Two dimensions cannot show all of the attention.",
        losses=", ".join(losses),
    )


EXERCISE = Exercise(
    file="22_attention_plane.py",
    title="a drawing that shows attention, and its gradient",
    minutes=30,
    difficulty=3,
    parts=(
        Function(
            "drawing_loss",
            drawing_loss,
            (Output("loss", ()), Output("dx_NC", ("query", "axis")), Output("dy_NC", ("key", "axis"))),
            plane_cases,
            DRAWING_LOSS_MISTAKES,
            hints=(
                (
                    "Compute p first, then the loss. Both gradients use the same matrix dz. dx is one matrix product "
                    "with it. For dy, compute two sums over i: that of dz_ij x_i and that of dz_ij y_j."
                ),
                (
                    "Compute p = softmax(2 * x @ y.T - (y**2).sum(axis=1)) and dz = (p - attention) / N. Then dx = 2 "
                    "* dz @ y, and dy = 2 * (dz.T @ x - dz.sum(axis=0)[:, None] * y)"
                ),
            ),
            laws=(slopes_add_to_nothing,),
        ),
    ),
    answer=plane_answer,
    shown=(drawing_loss,),
)
