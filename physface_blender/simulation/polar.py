"""The rotation nearest to a 3 x 3 matrix, in closed form.

With the signed singular values s1 >= s2 >= |s3| of M (the sign of s3 is that of det M), the proper rotation R that
maximizes tr(R^T M) has tr(R^T M) = s1 + s2 + s3 = i1, the largest root of the quartic

    (i1^2 - m)^2 = 8 det(M) i1 + 4 |cof M|^2,        m = |M|^2,

because (s1 + s2 + s3)^2 = m + 2 i2 and i2^2 = |cof M|^2 + 2 det(M) i1 with i2 = s1 s2 + s2 s3 + s3 s1. Newton's method
from above converges to it monotonically. Cayley-Hamilton then gives, with i3 = det M,

    R = ((i1^2 - i2) M + i1 cof M - M M^T M) / (i1 i2 - i3),

for inverted M too, with no iteration over matrices and no singular value decomposition. The denominator
(s1 + s2)(s2 + s3)(s3 + s1) vanishes only where the nearest rotation is not unique.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, inline="always")
def polar_rotation(a00, a01, a02, a10, a11, a12, a20, a21, a22):
    """Return the nine entries, by rows, of the proper rotation nearest to the matrix with the given entries.

    Accurate to about 1e-13 for well-conditioned input. Where the nearest rotation is not unique (two singular values
    cancel) the result is finite but need not be a rotation.
    """
    m = a00 * a00 + a01 * a01 + a02 * a02 + a10 * a10 + a11 * a11 + a12 * a12 + a20 * a20 + a21 * a21 + a22 * a22
    c00 = a11 * a22 - a12 * a21
    c01 = a12 * a20 - a10 * a22
    c02 = a10 * a21 - a11 * a20
    c10 = a02 * a21 - a01 * a22
    c11 = a00 * a22 - a02 * a20
    c12 = a01 * a20 - a00 * a21
    c20 = a01 * a12 - a02 * a11
    c21 = a02 * a10 - a00 * a12
    c22 = a00 * a11 - a01 * a10
    i3 = a00 * c00 + a01 * c01 + a02 * c02
    c = c00 * c00 + c01 * c01 + c02 * c02 + c10 * c10 + c11 * c11 + c12 * c12 + c20 * c20 + c21 * c21 + c22 * c22
    i1 = np.sqrt(3.0 * m)
    for _ in range(30):
        t = i1 * i1 - m
        slope = 4.0 * i1 * t - 8.0 * i3
        if slope <= 1e-300:
            break
        step = (t * t - 8.0 * i3 * i1 - 4.0 * c) / slope
        i1 -= step
        # Its square is what the next step would be.
        if abs(step) <= 1e-9 * i1:
            break
    i2 = 0.5 * (i1 * i1 - m)
    scale = 1.0 / max(i1 * i2 - i3, 1e-12 * i1 * i1 * i1 + 1e-300)
    f = (i1 * i1 - i2) * scale
    g = i1 * scale
    # B = M^T M, and then M B = M M^T M.
    b00 = a00 * a00 + a10 * a10 + a20 * a20
    b01 = a00 * a01 + a10 * a11 + a20 * a21
    b02 = a00 * a02 + a10 * a12 + a20 * a22
    b11 = a01 * a01 + a11 * a11 + a21 * a21
    b12 = a01 * a02 + a11 * a12 + a21 * a22
    b22 = a02 * a02 + a12 * a12 + a22 * a22
    return (
        f * a00 + g * c00 - scale * (a00 * b00 + a01 * b01 + a02 * b02),
        f * a01 + g * c01 - scale * (a00 * b01 + a01 * b11 + a02 * b12),
        f * a02 + g * c02 - scale * (a00 * b02 + a01 * b12 + a02 * b22),
        f * a10 + g * c10 - scale * (a10 * b00 + a11 * b01 + a12 * b02),
        f * a11 + g * c11 - scale * (a10 * b01 + a11 * b11 + a12 * b12),
        f * a12 + g * c12 - scale * (a10 * b02 + a11 * b12 + a12 * b22),
        f * a20 + g * c20 - scale * (a20 * b00 + a21 * b01 + a22 * b02),
        f * a21 + g * c21 - scale * (a20 * b01 + a21 * b11 + a22 * b12),
        f * a22 + g * c22 - scale * (a20 * b02 + a21 * b12 + a22 * b22),
    )


@numba.njit(cache=True, parallel=True)
def polar_rotations(matrices):
    """Return the rotations (K, 3, 3) nearest to matrices (K, 3, 3)."""
    out = np.empty_like(matrices)
    for k in numba.prange(len(matrices)):
        m, r = matrices[k], out[k]
        (r[0, 0], r[0, 1], r[0, 2], r[1, 0], r[1, 1], r[1, 2], r[2, 0], r[2, 1], r[2, 2]) = polar_rotation(
            m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2]
        )
    return out
