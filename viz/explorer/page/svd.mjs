// The singular value decomposition of a matrix of low rank, as a sum of products of two vectors, the largest first:
//
//   M = sum over c of left_c right_c^T        rights orthonormal, lefts orthogonal, |left_c| = singular value c

const ROUNDS = 40; // rounds over all pairs; a few are enough

function inner(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** to - by * from, in place. */
function subtract(to, from, by) {
  for (let i = 0; i < to.length; i++) to[i] -= by * from[i];
}

/**
 * The terms of a matrix, given by its rows: [{left, right, square}] with square = |left|^2, at most `most` of them.
 * One-sided Jacobi (Hestenes 1958) turns pairs of lefts until they are orthogonal.
 */
export function singularTerms(rows, most) {
  const terms = spanning(rows, most).map((right) => ({ left: Float64Array.from(rows, (row) => inner(row, right)), right, square: 0 }));
  let turned = true;
  for (let round = 0; turned && round < ROUNDS; round++) {
    turned = false;
    for (let a = 1; a < terms.length; a++) for (let b = 0; b < a; b++) turned = turn(terms[a], terms[b]) || turned;
  }
  for (const term of terms) term.square = inner(term.left, term.left);
  return terms.sort((a, b) => b.square - a.square);
}

/** Orthonormal vectors that span the rows (Gram-Schmidt, the longest that is left first), at most `most`. */
function spanning(rows, most) {
  const rest = rows.map((row) => Float64Array.from(row));
  const found = [];
  let first = 0;
  while (found.length < most) {
    const row = rest.reduce((a, b) => (inner(b, b) > inner(a, a) ? b : a));
    const size = Math.sqrt(inner(row, row));
    first ||= size;
    if (size <= 1e-7 * first) break; // the scores have no more digits
    const right = row.map((x) => x / size);
    for (const other of found) subtract(right, other, inner(right, other)); // rounding errors would add up
    const length = Math.sqrt(inner(right, right));
    found.push(right.map((x) => x / length));
    for (const one of rest) subtract(one, found.at(-1), inner(one, found.at(-1)));
  }
  return found;
}

/** Turns two terms so that their lefts are orthogonal; their sum stays. Returns false where they were already. */
function turn(a, b) {
  const [aa, bb, ab] = [inner(a.left, a.left), inner(b.left, b.left), inner(a.left, b.left)];
  if (Math.abs(ab) <= 1e-13 * Math.sqrt(aa * bb)) return false;
  const half = (bb - aa) / (2 * ab);
  const tangent = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(1, half));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (const [x, y] of [[a.left, b.left], [a.right, b.right]]) {
    for (let i = 0; i < x.length; i++) [x[i], y[i]] = [cosine * x[i] - sine * y[i], sine * x[i] + cosine * y[i]];
  }
  return true;
}
