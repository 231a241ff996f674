"""The plane in which nearness is attention.

PCA shows the directions in which the points vary most. Readers of the picture look for attention in it. So the picture
gets an attention of its own, from its distances alone, and the plane is chosen such that the picture's attention comes
close to the model's. There are two linear maps per head, into C = 2 or 3 dimensions:

    x_i = A q_i + a
    y_j = B k_j + b
    p_ij = softmax_j(-|x_i - y_j|^2)    the picture's attention
    L = mean over i of sum_j attention_ij log(attention_ij / p_ij)

L is a Kullback-Leibler divergence. It is what the picture loses, in nats (units of information with the natural
logarithm; 1 nat is 1.44 bits), and 0 where the picture shows attention exactly. The maps are the same for all sentences
of a head, and can be applied to new sentences.

The gradient of L is short in terms of z, which differs from -|x_i - y_j|^2 by a number that is the same for all keys of
a query. Softmax ignores this number. M is the number of queries of all sentences:

    z_ij = 2 x_i . y_j - |y_j|^2
    dL/dz_ij = (p_ij - attention_ij) / M
    dL/dx_i = 2 sum_j dL/dz_ij y_j
    dL/dy_j = 2 sum_i dL/dz_ij (x_i - y_j)
    dL/dA = sum_i dL/dx_i q_i^T
    dL/dB = sum_j dL/dy_j k_j^T
    dL/db = sum_j dL/dy_j

a needs no gradient: moving all x and y together changes no distance.

The fit departs from L in two ways, for the sake of sentences that are not fitted. First, the fitted attention is
sharper, softmax(3 scores), because the key that comes first matters more than how the last ones share the rest. At the
end the whole picture is stretched to the size at which it loses least of the model's own attention. Second, large maps
have a price, so that no direction in which queries or keys hardly vary is enlarged for a few tokens. The price also
leads the descent to a better minimum: on 30 sentences of all-MiniLM-L6-v2, L ends at 0.21 nats without the price, even
after 1,000 steps, and at 0.19 with it.

A [C, K] and B [C, K] are the maps in all equations. The code multiplies points by their transposes from the right, and
the names say so: A_KC is A^T, A_RC is A^T in the coordinates of `Coordinates`.
"""

import math
from dataclasses import dataclass

import numpy as np

from viz.fieldwise import Fieldwise
from viz.geometry.descent import Progress, minimize
from viz.geometry.pca import pca, positive_largest, triangular
from viz.geometry.sentences import softmax

SHARPER = 3.0
"""The factor of the scores. Among 1, 1.4, 2, 3 and 4, most queries of sentences that were not fitted had the right key
nearest with 3 and 4."""
DECAY = 0.15
"""The price of |A|^2 + |B|^2, for queries and keys of spread 1. Between 0.1 and 0.2 nothing changes. Without it, 3 in
100 queries fewer have the right key nearest."""
NARROWEST = 0.1
"""See `Coordinates`."""
STEPS = 80
"""Steps of the descent. After 60 the first three digits of the loss no longer change."""
MOST_PAIRS = 40_000
"""Pairs of queries and keys of the heads that share a plane. If there are more, some queries are left out; each other
query is compared with all its keys."""


@dataclass(frozen=True)
class AttentionPlane(Fieldwise):
    """The result of `attention_plane`. Leading axes "..." are those of the heads.

    query_map, key_map: A and B, [..., C, K].
    query_offset, key_offset: a and b, [..., C].
    lost: L on the fitted sentences, in nats, [...].
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
class Batch:
    """Attention of some queries of n sentences of one length, computed together.

    query: [n, Q], their places among all tokens.
    key: [n, S], likewise.
    attention: [G, n, Q, S].
    negative_entropy: sum attention log attention, [G].
    """

    query: np.ndarray
    key: np.ndarray
    attention: np.ndarray
    negative_entropy: np.ndarray


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
    progress: Progress = iter,
) -> AttentionPlane:
    """Fit the plane for each of G heads, or groups of heads.

    query, key: [G, N, K].
    spans: the place of each sentence among the N tokens.
    attention: [G, S, S] per sentence; None: softmax(query key^T / sqrt(head_size)).
    components: C.
    head_size: K if not given.
    progress: wraps the steps, for example tqdm.
    """
    root = math.sqrt(head_size or query.shape[-1])
    true, sharp = (attention_batches(query, key, spans, attention, root, factor) for factor in (1.0, sharper))
    queries = sum(batch.query.size for batch in true)
    q, k = coordinates(query), coordinates(key)

    def split(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        A, B, b = np.split(numbers, [q.points.shape[-1] * components, -components], axis=-1)
        return A.reshape(len(A), -1, components), B.reshape(len(B), -1, components), b[:, None, :]

    def join(*parts: np.ndarray) -> np.ndarray:
        return np.concatenate([x.reshape(len(x), -1) for x in parts], axis=-1)

    def loss(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        A_RC, B_RC, b = split(numbers)
        value, dx, dy = picture_loss(q.points @ A_RC, k.points @ B_RC + b, sharp, queries)
        for price, map_RC in ((q.price, A_RC), (k.price, B_RC)):
            value = value + decay * (price * map_RC * map_RC).sum(axis=(-2, -1))
        dA, dB = q.points.mT @ dx + 2 * decay * q.price * A_RC, k.points.mT @ dy + 2 * decay * k.price * B_RC
        return value, join(dA, dB, dy.sum(axis=-2))

    A_KC, B_KC = best_product(query - q.center, key - k.center, components)
    size = math.sqrt(sharper / (2 * root))  # 2 x . y is to be sharper q . k / root
    start = join(q.forth @ A_KC * size, k.forth @ B_KC * size, np.zeros_like(A_KC[:, 0]))
    A_RC, B_RC, b = split(minimize(loss, start, progress(range(steps)))[0])
    A_KC, B_KC = q.back @ A_RC, k.back @ B_RC
    return upright(query, key, (A_KC, -q.center @ A_KC, B_KC, b - k.center @ B_KC), true, queries)


@dataclass(frozen=True)
class Coordinates:
    """Points [G, N, K] less their center, in R coordinates in which the descent takes few steps.

    R = min(N, K) principal directions of the points are the axes. v_r is the variance along direction r, as a share of
    the mean variance over all K. Where v_r is small, a map must change much to change the picture a little. Divided by
    sqrt(v_r + 0.1), all coordinates have about the same influence, and none grows by a factor of more than about 3.

    points: [G, N, R].
    center: [G, 1, K].
    price: [G, R, 1], the price of a map of length 1 along this coordinate.
    back: [G, K, R], from maps of these coordinates to maps of the points, A_KC = back A_RC.
    forth: [G, R, K], the inverse of back where R = K.
    """

    points: np.ndarray
    center: np.ndarray
    price: np.ndarray
    back: np.ndarray
    forth: np.ndarray


def coordinates(points: np.ndarray) -> Coordinates:
    """The `Coordinates` of points [G, N, K]."""
    center = points.mean(axis=-2, keepdims=True)
    _, singular, Vt = np.linalg.svd(points - center, full_matrices=False)
    variance = np.square(singular) / points.shape[-2]
    mean = variance.sum(axis=-1, keepdims=True) / points.shape[-1]
    mean = np.where(mean > 0, mean, 1).astype(points.dtype)
    width = np.sqrt(variance + NARROWEST * mean)
    back, forth = Vt.mT / width[:, None, :], Vt * width[:, :, None]
    return Coordinates((points - center) @ back, center, (mean / width**2)[..., None], back, forth)


def attention_batches(
    query: np.ndarray,
    key: np.ndarray,
    spans: list[slice],
    attention: list[np.ndarray] | None,
    root: float,
    sharper: float,
    most_pairs: int | None = MOST_PAIRS,
) -> list[Batch]:
    """The attention to be fitted, softmax(sharper scores), one `Batch` for all sentences of one length.

    If there are more than `most_pairs` pairs, only every second (third, ...) query is taken.
    """
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
        negative_entropy = np.vecdot(weights, logarithm).sum(axis=(-2, -1))
        result.append(Batch(queries, keys, weights, negative_entropy))
    return result


def picture_loss(x: np.ndarray, y: np.ndarray, batches: list[Batch], queries: int) -> tuple[np.ndarray, ...]:
    """L [G], dL/dx and dL/dy [G, N, C] of a picture with queries at x and keys at y, [G, N, C].

    batches: the attention to be fitted.
    queries: M in the equations above.
    """
    value, dx, dy = np.zeros_like(x[:, 0, 0]), np.zeros_like(x), np.zeros_like(y)
    for batch in batches:
        x_QC, y_SC = x[:, batch.query], y[:, batch.key]
        z = 2 * x_QC @ y_SC.mT
        z -= np.vecdot(y_SC, y_SC)[..., None, :]
        z -= z.max(axis=-1, keepdims=True)
        expected = np.vecdot(batch.attention, z)
        p = np.exp(z, out=z)
        total = p.sum(axis=-1, keepdims=True)
        p /= total
        value += (batch.negative_entropy + (np.log(total[..., 0]) - expected).sum(axis=(-2, -1))) / queries
        dz = (p - batch.attention) / np.asarray(queries, x.dtype)
        dx[:, batch.query] = 2 * dz @ y_SC
        dy[:, batch.key] = 2 * (dz.mT @ x_QC - dz.sum(axis=-2)[..., None] * y_SC)
    return value, dx, dy


def best_product(query: np.ndarray, key: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """A^T and B^T, [G, K, C], whose dot products come nearest to those of queries and keys.

        (query A^T) (key B^T)^T ~ query key^T

    The nearest matrix of rank C consists of the C largest terms of the singular value decomposition (Eckart and Young
    1936). It follows from two QR decompositions, with orthonormal columns in Q_q and Q_k:

        query = Q_q R_q
        key = Q_k R_k
        R_q R_k^T = U S V^T
        A^T = R_k^T V S^-1/2    the first C columns
        B^T = R_q^T U S^-1/2    the first C columns
    """
    query_r, key_r = triangular(query), triangular(key)
    U, S, Vt = np.linalg.svd(query_r @ key_r.mT, full_matrices=False)
    missing = max(0, components - S.shape[-1])  # one token has only one term
    U, S, V = U[..., :components], S[..., None, :components], Vt.mT[..., :components]
    A_KC, B_KC = (
        np.pad(np.divide(x, np.sqrt(S), out=np.zeros_like(x), where=S > 0), ((0, 0), (0, 0), (0, missing)))
        for x in (key_r.mT @ V, query_r.mT @ U)
    )
    return A_KC, B_KC


def best_size(x: np.ndarray, y: np.ndarray, batches: list[Batch], queries: int) -> np.ndarray:
    """The factor [G, 1, 1] by which the picture must grow to lose least, to 1 %, between 0.1 and 4.

    L is a convex function of the square of the size. So the sign of its slope tells on which side the best size lies,
    and each step halves the interval of log size.
    """
    low, high = np.full((len(x), 1, 1), 0.1, x.dtype), np.full((len(x), 1, 1), 4, x.dtype)
    for _ in range(9):
        middle = np.sqrt(low * high)
        _, dx, dy = picture_loss(middle * x, middle * y, batches, queries)
        growing = (np.vecdot(dx, x).sum(axis=-1) + np.vecdot(dy, y).sum(axis=-1))[:, None, None] > 0
        low, high = np.where(growing, low, middle), np.where(growing, middle, high)
    return np.sqrt(low * high)


def upright(
    query: np.ndarray, key: np.ndarray, maps: tuple[np.ndarray, ...], batches: list[Batch], queries: int
) -> AttentionPlane:
    """The plane x = query A^T + a, y = key B^T + b, stretched to its best size, centered, turned and signed.

    maps: A^T, a, B^T and b.

    The axes become the principal axes of all points, and the largest entry of each row of A is positive, as in `pca`.
    """
    A_KC, a, B_KC, b = maps
    size = best_size(query @ A_KC + a, key @ B_KC + b, batches, queries)
    A_KC, a, B_KC, b = (part * size for part in (A_KC, a, B_KC, b))
    center, turn = principal_axes(query @ A_KC + a, key @ B_KC + b)
    A_KC, a, B_KC, b = A_KC @ turn, (a - center) @ turn, B_KC @ turn, (b - center) @ turn
    signs = positive_largest(A_KC)
    A_KC, a, B_KC, b = (part * signs for part in (A_KC, a, B_KC, b))
    lost, _, _ = picture_loss(query @ A_KC + a, key @ B_KC + b, batches, queries)
    return AttentionPlane(A_KC.mT, B_KC.mT, a[:, 0], b[:, 0], lost)


def principal_axes(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The center [G, 1, C] and the principal directions, as columns [G, C, C], of all points of a picture together."""
    found = pca(np.concatenate([x, y, x, y], axis=-2), x.shape[-1])  # twice, so that one token has enough points
    return found.mean[:, None, :], found.components.mT


def upright_points(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of queries and keys, [G, N, C], centered, turned to their principal axes, signed as in `pca`."""
    center, turn = principal_axes(x, y)
    x, y = (x - center) @ turn, (y - center) @ turn
    signs = positive_largest(np.concatenate([x, y], axis=-2))
    return x * signs, y * signs
