"""Exercises 20 to 22: from words to pieces, attention through many layers, and a drawing that shows attention."""

import numpy as np

from minibert.exercises.course.numbers import broken_rows
from minibert.exercises.draw import Draw, model
from minibert.exercises.exercise import Case, Exercise, Function, Mistake, Output, Wrong
from minibert.exercises.language import t
from minibert.exercises.transport import kind_of
from minibert.numerics import softmax
from minibert.tokenizer.wordpiece import wordpiece
from minibert.whatif import flow

# --- WordPiece ------------------------------------------------------------------------------------------------------

SMALL = ("un", "unf", "##fold", "##old", "##ing", "fold", "re", "##re", "##f", "##o", "##l", "##d", "s", "##s", "in")
WORDS = [
    "fisherman",
    "unhappily",
    "waterfall",
    "thunderstorm",
    "rebuilding",
    "gentleman's",
    "sunflowers",
    "overlooked",
    "misunderstanding",
    "horseback",
    "bookseller",
    "snowfield",
    "undertaking",
    "lighthouse",
    "blackberries",
    "moonlit",
    "storyteller",
    "grandmothers",
]


def wordpiece_cases(draw: Draw) -> list[Case]:
    first = not draw.drawn
    draw.drawn.append(())
    small = {piece: number for number, piece in enumerate(("[UNK]", *SMALL))}
    large = model("tiny").tokenizer.backend.get_vocab()
    some = [str(word) for word in draw.rng.choice(WORDS, size=4, replace=False)]
    words = [(word, large) for word in (*some, "water", some[0] + "\u2603" + some[1])]
    words += [(word, small) for word in ("unfolding", "refolds", "folding", "unfoldingly", "infold" if first else "s")]
    words += [("refold", {"##fold": 0, "re": 1, "[UNK]": 2, "##f": 3, "##old": 4})]  # an id may be 0
    about = "the word {word} and a vocabulary of {count} pieces"
    return [Case(t(about, word=repr(word), count=len(known)), (word, known)) for word, known in words]


MISSING, NOTHING = -2.0, -1.0
"""In place of the id of a piece that is not in the vocabulary, and after the last piece"""


def as_ids(arguments: tuple, value: object) -> np.ndarray:
    """A list of pieces -> their ids, as many as the word could have, so that any two answers can be compared."""
    word, vocabulary = arguments
    if not isinstance(value, list | tuple) or not all(isinstance(piece, str) for piece in value):
        raise Wrong(t("expected a list of texts, the pieces; got {got}", got=kind_of(value)))
    ids = [float(vocabulary.get(piece, MISSING)) for piece in value]
    return np.array((ids + [NOTHING] * (len(word) + 2))[: len(word) + 2])


def same_pieces(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    word, vocabulary = arguments
    want = wordpiece(word, vocabulary)
    by_id = {number: piece for piece, number in vocabulary.items()}
    got = [by_id.get(int(number), "?") for number in outputs[0] if number != NOTHING]
    if got == want:
        return None
    says = "it must fall into {want}, and falls into {got}"
    if "?" in got:
        says = "it must fall into {want}, and falls into {got} (?: a piece that is not in the vocabulary)"
    return t(says, want=" ".join(want), got=" ".join(got) or "-")


def pieces_by(choose, unknown=None, least=1):
    """WordPiece with another choice among the pieces that fit, or another way with what does not fit."""

    def mistake(word, vocabulary):
        pieces, start = [], 0
        while start < len(word):
            ends = [end for end in range(start + least, len(word) + 1) if marked(word, start, end) in vocabulary]
            if ends:
                end = choose(ends)
                pieces.append(marked(word, start, end))
            elif unknown is None:
                return ["[UNK]"]
            else:
                end = start + 1
                pieces += unknown
            start = end
        return pieces

    return mistake


def marked(word: str, start: int, end: int) -> str:
    return ("##" if start else "") + word[start:end]


def pieces_and_unknown(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        ends = [end for end in range(start + 1, len(word) + 1) if marked(word, start, end) in vocabulary]
        if not ends:
            return [*pieces, "[UNK]"]
        pieces.append(marked(word, start, max(ends)))
        start = max(ends)
    return pieces


def pieces_unmarked(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        ends = [end for end in range(start + 1, len(word) + 1) if word[start:end] in vocabulary]
        if not ends:
            return ["[UNK]"]
        pieces.append(word[start : max(ends)])
        start = max(ends)
    return pieces


WORDPIECE_MISTAKES = (
    Mistake("shortest-first", "the shortest piece that fits is taken; take the longest", pieces_by(min)),
    Mistake(
        "zero-missing",
        "the piece whose id is 0 counts as missing; `piece in vocabulary` says whether a piece is there",
        lambda word, vocabulary: wordpiece(word, {piece: number for piece, number in vocabulary.items() if number}),
    ),
    Mistake(
        "unknown-inside",
        "the pieces found so far come before [UNK]; the whole word must be [UNK]",
        pieces_and_unknown,
    ),
    Mistake(
        "no-letters",
        "a piece of one letter is never tried; the shortest slice is word[start : start + 1]",
        pieces_by(max, least=2),
    ),
    Mistake("no-hashes", 'pieces inside a word are looked up without "##"', pieces_unmarked),
    Mistake(
        "unknown-inside",
        "a letter that no piece fits becomes [UNK], and the rest goes on; the whole word must be [UNK]",
        pieces_by(max, ["[UNK]"]),
    ),
    Mistake(
        "skipped",
        "a letter that no piece fits is left out; the whole word must be [UNK]",
        pieces_by(max, []),
    ),
    Mistake(
        "only-whole-words",
        "a word that is not in the vocabulary as a whole is [UNK] at once; try shorter and shorter beginnings",
        lambda word, vocabulary: [word] if word in vocabulary else ["[UNK]"],
    ),
)

WORDPIECE = Exercise(
    file="20_wordpiece.py",
    title="how a word falls into pieces",
    minutes=20,
    difficulty=2,
    parts=(
        Function(
            "wordpiece",
            wordpiece,
            (Output("pieces", ("piece",)),),
            wordpiece_cases,
            WORDPIECE_MISTAKES,
            hints=(
                "Two loops: where the next piece starts, and, from the end of the word backwards, where it ends.",
                'for end in range(len(word), start, -1): piece = word[start:end], with "##" before it where start is '
                'not 0. The first that is in the vocabulary is taken. If none is: return ["[UNK]"].',
            ),
            laws=(same_pieces,),
            look=as_ids,
        ),
    ),
    answer=(
        "No. Greedy is quick, and it is what the model was trained with; but it never looks back. With the pieces un, "
        "unf, ##fold, ##ing and ##olding, unfolding falls into unf ##olding, although un ##fold ##ing says more of the "
        "word."
    ),
    shown=(wordpiece,),
)

# --- rollout --------------------------------------------------------------------------------------------------------


def rollout(attention_LHTS: np.ndarray) -> np.ndarray:
    """rollout = M_L ... M_2 M_1, with M_l = (mean over heads of attention_l + identity) / 2"""
    total_TS = np.eye(attention_LHTS.shape[-1])
    for attention_HTS in attention_LHTS:
        total_TS = (attention_HTS.mean(axis=0) + np.eye(len(total_TS))) / 2 @ total_TS
    return total_TS


def rollout_cases(draw: Draw) -> list[Case]:
    layers, heads, tokens = draw.sizes(3, 2, 8)
    about = t("{layers} layers of {heads} heads, {tokens} tokens", layers=layers, heads=heads, tokens=tokens)
    return [Case(about, (softmax(draw.normal(layers, heads, tokens, tokens, spread=2)),))]


def rolled(mix, combine=lambda step, total: step @ total):
    def mistake(attention_LHTS):
        total = np.eye(attention_LHTS.shape[-1])
        for attention_HTS in attention_LHTS:
            total = combine(mix(attention_HTS, np.eye(len(total))), total)
        return total

    return mistake


def rollout_rows(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    return broken_rows(
        outputs[0].sum(axis=-1), 1.0, t("row {row} sums to {got}; what comes from all tokens must sum to 1")
    )


ROLLOUT_MISTAKES = (
    Mistake(
        "no-residual",
        "the residual is forgotten: half of what a token has comes from itself",
        rolled(lambda a, one: a.mean(axis=0)),
    ),
    Mistake(
        "residual-once",
        "the identity is added once, at the end; every layer has its own residual",
        lambda a: (rolled(lambda a, one: a.mean(axis=0))(a) + np.eye(a.shape[-1])) / 2,
    ),
    Mistake(
        "wrong-axis",
        "the mean is taken over the layers (axis 0 of the whole), and the loop runs over the heads",
        lambda attention_LHTS: rollout(attention_LHTS.swapaxes(0, 1)),
    ),
    Mistake("no-half", "the identity is added, and the sum not halved", rolled(lambda a, one: a.mean(axis=0) + one)),
    Mistake(
        "wrong-way",
        "the layers are multiplied in the wrong order: a later layer stands to the left",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: total @ step),
    ),
    Mistake(
        "elementwise",
        "the layers are multiplied number by number; it is a matrix product, @",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: step * total),
    ),
    Mistake(
        "last-layer",
        "only the last layer counts",
        rolled(lambda a, one: (a.mean(axis=0) + one) / 2, lambda step, total: step),
    ),
    Mistake(
        "sum-over-heads", "the heads are summed; take their mean", rolled(lambda a, one: (a.sum(axis=0) + one) / 2)
    ),
    Mistake(
        "turned",
        "rows and columns have changed places: a row per token that looks",
        lambda attention_LHTS: rollout(attention_LHTS).T,
    ),
)


def rollout_answer() -> str:
    trace = model("tiny")("The old man sat down by the fire and told the children a story about the sea.")
    attention = np.stack([layer.attention for layer in trace.layers])
    own = [float(np.diagonal(rollout(attention[:depth])).mean()) for depth in range(1, len(attention) + 1)]
    return t(
        "Less and less, and never nothing. In one sentence of the bundled model, this share of a "
        "token comes from itself "
        "after layer 1, 2, ...: {shares}.",
        shares=", ".join(f"{share:.2f}" for share in own),
    )


ROLLOUT = Exercise(
    file="21_rollout.py",
    title="attention through all layers",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "rollout",
            rollout,
            (Output("rollout_TS", ("query", "key")),),
            rollout_cases,
            ROLLOUT_MISTAKES,
            hints=(
                "Start with the identity: before the first layer, a token is all itself. Then one matrix product per "
                "layer.",
                "for attention_HTS in attention_LHTS: total = (attention_HTS.mean(axis=0) + identity) / 2 @ total",
            ),
            laws=(rollout_rows,),
        ),
    ),
    answer=rollout_answer,
    shown=(flow.rollout,),
)

# --- the attention plane --------------------------------------------------------------------------------------------


def drawing_loss(x_NC: np.ndarray, y_NC: np.ndarray, attention_NN: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """L = mean over i of sum_j attention_ij log(attention_ij / p_ij), and its slopes dL/dx, dL/dy."""
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


def slopes_add_to_nothing(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> str | None:
    """To move all x and y together changes no distance, so all slopes together are 0; the loss is looked at first."""
    if not np.isclose(outputs[0], drawing_loss(*arguments)[0], rtol=1e-3):
        return None
    total = outputs[1].sum(axis=0) + outputs[2].sum(axis=0)
    wrong = np.flatnonzero(~np.isclose(total, 0, atol=1e-3))
    if not len(wrong):
        return None
    says = (
        "to move all x and y together changes no distance, so all slopes dx and dy must add up to 0; in coordinate "
        "{axis} they add up to {got}"
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
        "uphill", "the slopes have the wrong sign: dz is (p - attention) / N", scaled_slopes(lambda n: 1, lambda n: -1)
    ),
    Mistake("no-two", "the factor 2 of the slopes is forgotten", scaled_slopes(lambda n: 1, lambda n: 0.5)),
    Mistake("sum", "the loss is the sum over the queries; take the mean", scaled_slopes(lambda n: n, lambda n: 1)),
    Mistake(
        "sum",
        "the loss is a mean over all pairs; sum over the keys, and take the mean over the queries",
        scaled_slopes(lambda n: 1 / n, lambda n: 1),
    ),
    Mistake(
        "no-square",
        "-|y_j|^2 is left out of z: p is then not by nearness",
        plane_of_products,
    ),
    Mistake(
        "pairs-alike",
        "x - y takes x_i and y_j with i = j only; the sum runs over all pairs: x[:, None] - y[None]",
        sloped(lambda x, y, a, p, dz: (drawing_loss(x, y, a)[0], 2 * dz @ y, 2 * dz.T @ (x - y))),
    ),
    Mistake("not-divided", "dz is not divided by N", scaled_slopes(lambda n: 1, lambda n: n)),
    Mistake("sum", "loss and slopes are sums over the queries; take the mean", scaled_slopes(lambda n: n, lambda n: n)),
    Mistake(
        "no-own-term",
        "dy lacks its second half: -|y_j|^2 has a slope of its own, -2 y_j",
        sloped(lambda x, y, a, p, dz: (drawing_loss(x, y, a)[0], 2 * dz @ y, 2 * dz.T @ x)),
    ),
    Mistake(
        "cross-entropy",
        "attention log attention is left out of the loss; 0 must mean that nothing is lost",
        sloped(
            lambda x, y, a, p, dz: (float(-(a * np.log(p)).sum(axis=1).mean()), *drawing_loss(x, y, a)[1:]),
        ),
    ),
    Mistake(
        "wrong-way",
        "p and attention have changed places in the loss; it is attention log(attention / p)",
        sloped(lambda x, y, a, p, dz: (float((p * np.log(p / a)).sum(axis=1).mean()), *drawing_loss(x, y, a)[1:])),
    ),
)


def plane_answer() -> str:
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
        "It falls, and not to 0. For one head of the bundled model and one sentence, drawn freely "
        "in two dimensions, it is "
        "{losses} after 0, 100, 200, 300 steps: what two dimensions cannot say stays lost.",
        losses=", ".join(losses),
    )


PLANE = Exercise(
    file="22_attention_plane.py",
    title="a drawing that shows attention, and its slope",
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
                "p first, then the loss. dz is the same matrix for both slopes; dx is one product with "
                "it. For dy, write "
                "the sum over i of dz_ij x_i and that of dz_ij y_j apart.",
                "p = softmax(2 * x @ y.T - (y**2).sum(axis=1)); dz = (p - attention) / N; dx = 2 * dz @ y; dy = 2 * "
                "(dz.T @ x - dz.sum(axis=0)[:, None] * y)",
            ),
            laws=(slopes_add_to_nothing,),
        ),
    ),
    answer=plane_answer,
    shown=(drawing_loss,),
)
