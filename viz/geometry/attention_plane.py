"""The plane in which nearness is attention.

PCA draws what varies; what people look for in the drawing is attention. So let the drawing have an attention of its
own, by nearness alone, and choose the drawing such that it is the model's. Two linear maps per head,

    x_i = A q_i + a        y_j = B k_j + b        in C = 2 or 3 dimensions

    p_ij = softmax_j(-|x_i - y_j|^2)              the drawing's attention
    L    = mean over queries i of  sum_j attention_ij log(attention_ij / p_ij)

L, the Kullback-Leibler divergence, is what the drawing loses, in nats: 0 where it says all. Being linear, it is one map
for all sentences of a head, and can be applied to others. Its slope, with z_ij = 2 x_i . y_j - |y_j|^2, which differs
from -|x_i - y_j|^2 by what is common to a row, and softmax ignores that:

    dL/dz_ij = (p_ij - attention_ij) / N
    dL/dx_i  = 2 sum_j dz_ij y_j
    dL/dy_j  = 2 sum_i dz_ij (x_i - y_j)

and through the maps  dL/dA = sum_i dx_i q_i^T,  dL/dB = sum_j dy_j k_j^T,  dL/db = sum_j dy_j. (a is not needed: to
move all x and y together changes no distance.)

Two things serve the sentences that were not fitted. The attention fitted is a sharper one, softmax(3 scores): which key
comes first matters more than how the last ones share the rest; when the maps are found, the drawing as a whole is
stretched to the size at which it loses least of the attention there is. And large maps cost something, so that a
direction in which queries or keys hardly vary is not blown up for the sake of a few tokens.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from viz.geometry.descent import minimise
from viz.geometry.pca import pca
from viz.geometry.sentences import softmax

SHARPER = 3.0
"""The scores are multiplied by this. Of 1, 1.4, 2, 3 and 4, on sentences that were not fitted, 3 and 4 had most queries
with the right key nearest."""
DECAY = 0.15
"""The price of |A|^2 + |B|^2, queries and keys having a spread of 1. Between 0.1 and 0.2 nothing changes; without it 3
of 100 queries fewer have the right key nearest."""
NARROWEST = 0.1
"""See `Coordinates`."""
STEPS = 80
"""Of the descent. After 60 the third digit of the loss stands."""
MOST_PAIRS = 40_000
"""Of queries and keys of the heads that share a plane. Where there are more, some queries are left out; each that
remains is held against all its keys."""


@dataclass(frozen=True)
class AttentionPlane:
    """What `attention_plane` found; leading axes "..." are those of the heads.

    query_map, key_map: A and B, [..., C, K].  query_offset, key_offset: a and b, [..., C].
    lost: L on the sentences it was fitted to, in nats, [...].
    """

    query_map: np.ndarray
    key_map: np.ndarray
    query_offset: np.ndarray
    key_offset: np.ndarray
    lost: np.ndarray

    kind = "attention"
    is_attention = True

    def draw_queries(self, query: np.ndarray) -> np.ndarray:
        """A q + a: [..., N, K] -> [..., N, C]."""
        return query @ self.query_map.mT + self.query_offset[..., None, :]

    def draw_keys(self, key: np.ndarray) -> np.ndarray:
        """B k + b: [..., N, K] -> [..., N, C]."""
        return key @ self.key_map.mT + self.key_offset[..., None, :]

    @property
    def axis_names(self) -> list[str]:
        return [f"axis {c + 1} of the attention plane" for c in range(self.query_map.shape[-2])]


@dataclass(frozen=True)
class Rows:
    """Attention of some queries of n sentences of one length, which are worked on side by side.

    query: [n, Q], key: [n, S], which of all tokens they are.  attention: [G, n, Q, S].
    certainty: sum attention log attention, [G].
    """

    query: np.ndarray
    key: np.ndarray
    attention: np.ndarray
    certainty: np.ndarray


def attention_plane(
    query: np.ndarray,
    key: np.ndarray,
    spans: list[slice],
    attention: list[np.ndarray] | None = None,
    *,
    components: int = 2,
    head_size: int | None = None,
    sharper: float = SHARPER,
    decay: float = DECAY,
    steps: int = STEPS,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> AttentionPlane:
    """Fit the plane for each of G heads, or groups of heads.

    query, key: [G, N, K].  spans: where each sentence lies among the N tokens.
    attention: [G, S, S] per sentence; None: softmax(query key^T / sqrt(head_size)), head_size being K if not given.
    components: C.  progress: wraps the steps, for example tqdm.
    """
    root = math.sqrt(head_size or query.shape[-1])
    true, sharp = (rows_of(query, key, spans, attention, root, factor) for factor in (1.0, sharper))
    queries = sum(rows.query.size for rows in true)
    q, k = coordinates(query), coordinates(key)

    def split(numbers):
        A, B, b = np.split(numbers, [q.points.shape[-1] * components, -components], axis=-1)
        return A.reshape(len(A), -1, components), B.reshape(len(B), -1, components), b[:, None, :]

    def join(A, B, b):
        return np.concatenate([x.reshape(len(x), -1) for x in (A, B, b)], axis=-1)

    def loss(numbers):
        A, B, b = split(numbers)
        value, dx, dy = drawing_loss(q.points @ A, k.points @ B + b, sharp, queries)
        value = value + decay * (q.price * A * A).sum(axis=(-2, -1)) + decay * (k.price * B * B).sum(axis=(-2, -1))
        dA, dB = q.points.mT @ dx + 2 * decay * q.price * A, k.points.mT @ dy + 2 * decay * k.price * B
        return value, join(dA, dB, dy.sum(axis=-2))

    A, B = best_product(query - q.centre, key - k.centre, components)
    size = math.sqrt(sharper / (2 * root))  # 2 x . y is to be sharper q . k / root
    start = join(q.forth @ A * size, k.forth @ B * size, np.zeros_like(A[:, 0]))
    A, B, b = split(minimise(loss, start, progress(range(steps)))[0])
    A, B = q.back @ A, k.back @ B
    return upright(query, key, A, -q.centre @ A, B, b - k.centre @ B, true, queries)


@dataclass(frozen=True)
class Coordinates:
    """Points [G, N, K] about their centre, in coordinates in which the descent is quick.

    Along its principal direction c the points have the variance v_c (of their mean over all K). Where v_c is small, a
    map must change much to change the drawing a little: a valley that is long and narrow. Divided by sqrt(v_c + 0.1)
    all coordinates have about the same say, but none is blown up by more than three.

    points: [G, N, R].  centre: [G, 1, K].  price: [G, R, 1], what |A|^2 of 1 in this coordinate costs.
    back, forth: [G, K, R] and [G, R, K]; a map A of these coordinates is the map back A of the points.
    """

    points: np.ndarray
    centre: np.ndarray
    price: np.ndarray
    back: np.ndarray
    forth: np.ndarray


def coordinates(points: np.ndarray) -> Coordinates:
    """See `Coordinates`. points: [G, N, K]."""
    centre = points.mean(axis=-2, keepdims=True)
    _, singular, Vt = np.linalg.svd(points - centre, full_matrices=False)
    variance = np.square(singular) / points.shape[-2]
    mean = variance.sum(axis=-1, keepdims=True) / points.shape[-1]
    mean = np.where(mean > 0, mean, 1).astype(points.dtype)
    width = np.sqrt(variance + NARROWEST * mean)
    back, forth = Vt.mT / width[:, None, :], Vt * width[:, :, None]
    return Coordinates((points - centre) @ back, centre, (mean / width**2)[..., None], back, forth)


def rows_of(
    query: np.ndarray,
    key: np.ndarray,
    spans: list[slice],
    attention: list[np.ndarray] | None,
    root: float,
    sharper: float,
    most_pairs: int | None = MOST_PAIRS,
) -> list[Rows]:
    """The attention that is to be drawn, sentences of one length together: softmax(sharper scores), of every step-th
    query where there are too many pairs."""
    pairs = sum((s.stop - s.start) ** 2 for s in spans)
    step = 1 if most_pairs is None else -(-pairs // most_pairs)
    by_length: dict[int, list[int]] = {}
    for number, s in enumerate(spans):
        by_length.setdefault(s.stop - s.start, []).append(number)
    result = []
    for length, numbers in by_length.items():
        keys = np.array([spans[number].start for number in numbers])[:, None] + np.arange(length)
        queries = keys[:, ::step]
        if attention is None:
            scores = query[:, queries] @ key[:, keys].mT * np.asarray(sharper / root, query.dtype)
        else:
            given = np.stack([attention[number][:, ::step] for number in numbers], axis=1)
            scores = sharper * np.log(np.maximum(given, np.finfo(query.dtype).tiny), dtype=query.dtype)
        weights = softmax(scores)
        logarithm = np.log(np.maximum(weights, np.finfo(weights.dtype).tiny))
        certainty = np.vecdot(weights, logarithm).sum(axis=(-2, -1))
        result.append(Rows(queries, keys, weights, certainty))
    return result


def drawing_loss(x: np.ndarray, y: np.ndarray, rows: list[Rows], queries: int) -> tuple[np.ndarray, ...]:
    """L, dL/dx and dL/dy of queries drawn at x and keys at y, [G, N, C]; L is [G]. See the top of this file."""
    value, dx, dy = np.zeros_like(x[:, 0, 0]), np.zeros_like(x), np.zeros_like(y)
    for some in rows:
        x_QC, y_SC = x[:, some.query], y[:, some.key]
        z = 2 * x_QC @ y_SC.mT
        z -= np.vecdot(y_SC, y_SC)[..., None, :]
        z -= z.max(axis=-1, keepdims=True)
        wanted = np.vecdot(some.attention, z)
        p = np.exp(z, out=z)
        total = p.sum(axis=-1, keepdims=True)
        p /= total
        value += (some.certainty + (np.log(total[..., 0]) - wanted).sum(axis=(-2, -1))) / queries
        dz = (p - some.attention) / np.asarray(queries, x.dtype)
        dx[:, some.query] = 2 * dz @ y_SC
        dy[:, some.key] = 2 * (dz.mT @ x_QC - dz.sum(axis=-2)[..., None] * y_SC)
    return value, dx, dy


def best_product(query: np.ndarray, key: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """A and B [G, K, C] whose products come nearest to those of queries and keys: (Q A)(K B)^T ~ Q K^T.

    The best matrix of rank C is the C largest terms of the singular value decomposition (Eckart and Young 1936). With
    Q = Q1 R1 and K = Q2 R2, the columns of Q1 and Q2 orthonormal, and R1 R2^T = U S V^T, it is reached by
    A = R2^T V S^-1/2 and B = R1^T U S^-1/2, of C columns each.
    """
    query_r, key_r = np.linalg.qr(query, mode="r"), np.linalg.qr(key, mode="r")
    U, S, Vt = np.linalg.svd(query_r @ key_r.mT, full_matrices=False)
    missing = max(0, components - S.shape[-1])  # one token has but one term
    U, S, V = U[..., :components], S[..., None, :components], Vt.mT[..., :components]
    A, B = (np.divide(x, np.sqrt(S), out=np.zeros_like(x), where=S > 0) for x in (key_r.mT @ V, query_r.mT @ U))
    return tuple(np.pad(x, ((0, 0), (0, 0), (0, missing))) for x in (A, B))


def best_size(x: np.ndarray, y: np.ndarray, rows: list[Rows], queries: int) -> np.ndarray:
    """By which the drawing is to be stretched so that it loses least, [G, 1, 1], to 1 %.

    L as a function of size^2 is convex, so its slope says on which side the best size lies: halve what is left.
    """
    low, high = np.full((len(x), 1, 1), 0.1, x.dtype), np.full((len(x), 1, 1), 4, x.dtype)
    for _ in range(9):
        middle = np.sqrt(low * high)
        _, dx, dy = drawing_loss(middle * x, middle * y, rows, queries)
        growing = (np.vecdot(dx, x).sum(axis=-1) + np.vecdot(dy, y).sum(axis=-1))[:, None, None] > 0
        low, high = np.where(growing, low, middle), np.where(growing, middle, high)
    return np.sqrt(low * high)


def upright(query, key, A, a, B, b, rows: list[Rows], queries: int) -> AttentionPlane:
    """The drawing x = q A + a, y = k B + b in its best size, centre at 0, principal axes upright, signs as `pca`'s."""
    size = best_size(query @ A + a, key @ B + b, rows, queries)
    A, a, B, b = (part * size for part in (A, a, B, b))
    centre, turn = principal_axes(query @ A + a, key @ B + b)
    A, a, B, b = A @ turn, (a - centre) @ turn, B @ turn, (b - centre) @ turn
    signs = positive_largest(A)
    A, a, B, b = (part * signs for part in (A, a, B, b))
    lost, _, _ = drawing_loss(query @ A + a, key @ B + b, rows, queries)
    return AttentionPlane(A.mT, B.mT, a[:, 0], b[:, 0], lost)


def principal_axes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centre [G, 1, C] and the principal directions, as columns [G, C, C], of all points of a drawing together."""
    found = pca(np.concatenate([x, y, x, y], axis=-2), x.shape[-1])  # twice, so that one token has enough points
    return found.mean[:, None, :], found.components.mT


def positive_largest(columns: np.ndarray) -> np.ndarray:
    """[G, M, C] -> [G, 1, C]: the signs that make the largest entry of each column positive, as `pca` does."""
    largest = np.take_along_axis(columns, np.abs(columns).argmax(axis=-2)[:, None, :], axis=-2)
    return np.where(largest < 0, -1, 1).astype(columns.dtype)
