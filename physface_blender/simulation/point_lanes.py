"""What happens at the eight quadrature points of a cell, with the points as the lanes of the processor's vectors.

Each number of a cell is eight numbers here, one for each point, and all of them lie in one piece of scratch memory, at the
places named below: loops over the points without branches, over one array, are what compilers turn into vector
instructions (energy and forces took a third of the time that points one by one took). What is rare, a rotation that
converges slowly or curvature that has to be lifted, is mended point by point afterwards.
"""

from __future__ import annotations

import numba
import numpy as np

from .polar import polar_rotation

GRADIENT = 0
"""Derivatives by the reference cube (3 x 3), and then the deformation gradient F; 9 numbers."""
INVERSE = 72
"""Inverse Jacobian; 9 numbers."""
ACTUATION = 144
"""A: entries 00, 01, 02, 11, 12, 22."""
ROTATION = 192
"""R; 9 numbers."""
CURVATURE = 264
"""L^-1: entries 00, 01, 02, 11, 12, 22."""
WEIGHT = 312
"""One number."""
STRESS = 320
"""Derivatives of the energy by those at `GRADIENT`; 9 numbers."""
STRETCH = 392
"""S = R^T F A: entries 00, 01, 02, 11, 12, 22."""
ENERGY = 440
"""One number."""
LAST_STEP = 448
"""Of the polar rotation's iteration, relative; one number."""
BOUND = 456
"""Below zero where L may keep too little of Q; one number."""
SIZE = 464
"""Of the scratch memory."""

_POLAR_STEPS = 6
"""Newton steps of all points together; tissue needs three or four, one that is turned inside out more."""
_CONVERGED = 1e-9
"""Relative length of a last step whose square is rounding."""

_VECTORS = {"cache": True, "fastmath": {"contract"}, "error_model": "numpy"}


@numba.njit(**_VECTORS)
def spread_to_points(derivatives, v):
    """Fill the gradient from derivatives (3, 4, 3) along axis (first) at the Gauss points of the other two axes."""
    for q in range(8):
        a, b, c = q & 1, q >> 1 & 1, q >> 2 & 1
        for i in range(3):
            v[GRADIENT + 24 * i + q] = derivatives[0, b + 2 * c, i]
            v[GRADIENT + 24 * i + 8 + q] = derivatives[1, a + 2 * c, i]
            v[GRADIENT + 24 * i + 16 + q] = derivatives[2, a + 2 * b, i]


@numba.njit(**_VECTORS)
def gather_from_points(v, out):
    """Fill out (3, 4, 3) from the stress, the transpose of `spread_to_points`."""
    for i in range(3):
        for line in range(4):
            low, high, row = line & 1, line >> 1 & 1, STRESS + 24 * i
            out[0, line, i] = v[row + 2 * low + 4 * high] + v[row + 2 * low + 4 * high + 1]
            out[1, line, i] = v[row + 8 + low + 4 * high] + v[row + 8 + low + 4 * high + 2]
            out[2, line, i] = v[row + 16 + low + 2 * high] + v[row + 16 + low + 2 * high + 4]


@numba.njit(**_VECTORS)
def _deform(v):
    """Turn the derivatives by the reference cube into those by the rest shape."""
    for q in range(8):
        i00, i01, i02 = v[INVERSE + q], v[INVERSE + 8 + q], v[INVERSE + 16 + q]
        i10, i11, i12 = v[INVERSE + 24 + q], v[INVERSE + 32 + q], v[INVERSE + 40 + q]
        i20, i21, i22 = v[INVERSE + 48 + q], v[INVERSE + 56 + q], v[INVERSE + 64 + q]
        x, y, z = v[GRADIENT + q], v[GRADIENT + 8 + q], v[GRADIENT + 16 + q]
        v[GRADIENT + q] = x * i00 + y * i10 + z * i20
        v[GRADIENT + 8 + q] = x * i01 + y * i11 + z * i21
        v[GRADIENT + 16 + q] = x * i02 + y * i12 + z * i22
        x, y, z = v[GRADIENT + 24 + q], v[GRADIENT + 32 + q], v[GRADIENT + 40 + q]
        v[GRADIENT + 24 + q] = x * i00 + y * i10 + z * i20
        v[GRADIENT + 32 + q] = x * i01 + y * i11 + z * i21
        v[GRADIENT + 40 + q] = x * i02 + y * i12 + z * i22
        x, y, z = v[GRADIENT + 48 + q], v[GRADIENT + 56 + q], v[GRADIENT + 64 + q]
        v[GRADIENT + 48 + q] = x * i00 + y * i10 + z * i20
        v[GRADIENT + 56 + q] = x * i01 + y * i11 + z * i21
        v[GRADIENT + 64 + q] = x * i02 + y * i12 + z * i22


@numba.njit(**_VECTORS)
def _pull_back(v):
    """Turn the stress by the rest shape into that by the reference cube."""
    for q in range(8):
        i00, i01, i02 = v[INVERSE + q], v[INVERSE + 8 + q], v[INVERSE + 16 + q]
        i10, i11, i12 = v[INVERSE + 24 + q], v[INVERSE + 32 + q], v[INVERSE + 40 + q]
        i20, i21, i22 = v[INVERSE + 48 + q], v[INVERSE + 56 + q], v[INVERSE + 64 + q]
        x, y, z = v[STRESS + q], v[STRESS + 8 + q], v[STRESS + 16 + q]
        v[STRESS + q] = x * i00 + y * i01 + z * i02
        v[STRESS + 8 + q] = x * i10 + y * i11 + z * i12
        v[STRESS + 16 + q] = x * i20 + y * i21 + z * i22
        x, y, z = v[STRESS + 24 + q], v[STRESS + 32 + q], v[STRESS + 40 + q]
        v[STRESS + 24 + q] = x * i00 + y * i01 + z * i02
        v[STRESS + 32 + q] = x * i10 + y * i11 + z * i12
        v[STRESS + 40 + q] = x * i20 + y * i21 + z * i22
        x, y, z = v[STRESS + 48 + q], v[STRESS + 56 + q], v[STRESS + 64 + q]
        v[STRESS + 48 + q] = x * i00 + y * i01 + z * i02
        v[STRESS + 56 + q] = x * i10 + y * i11 + z * i12
        v[STRESS + 64 + q] = x * i20 + y * i21 + z * i22


@numba.njit(**_VECTORS)
def _rotate(v):
    """Fill the rotation nearest to F A at every point; see `polar` for the formulas."""
    for q in range(8):
        f00, f01, f02 = v[GRADIENT + q], v[GRADIENT + 8 + q], v[GRADIENT + 16 + q]
        f10, f11, f12 = v[GRADIENT + 24 + q], v[GRADIENT + 32 + q], v[GRADIENT + 40 + q]
        f20, f21, f22 = v[GRADIENT + 48 + q], v[GRADIENT + 56 + q], v[GRADIENT + 64 + q]
        t00, t01, t02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
        t11, t12, t22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
        a00 = f00 * t00 + f01 * t01 + f02 * t02
        a01 = f00 * t01 + f01 * t11 + f02 * t12
        a02 = f00 * t02 + f01 * t12 + f02 * t22
        a10 = f10 * t00 + f11 * t01 + f12 * t02
        a11 = f10 * t01 + f11 * t11 + f12 * t12
        a12 = f10 * t02 + f11 * t12 + f12 * t22
        a20 = f20 * t00 + f21 * t01 + f22 * t02
        a21 = f20 * t01 + f21 * t11 + f22 * t12
        a22 = f20 * t02 + f21 * t12 + f22 * t22
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
        step = 0.0
        for _ in range(_POLAR_STEPS):
            t = i1 * i1 - m
            step = (t * t - 8.0 * i3 * i1 - 4.0 * c) / max(4.0 * i1 * t - 8.0 * i3, 1e-300)
            i1 -= step
        v[LAST_STEP + q] = abs(step) / max(i1, 1e-300)
        i2 = 0.5 * (i1 * i1 - m)
        scale = 1.0 / max(i1 * i2 - i3, 1e-12 * i1 * i1 * i1 + 1e-300)
        f = (i1 * i1 - i2) * scale
        g = i1 * scale
        b00 = a00 * a00 + a10 * a10 + a20 * a20
        b01 = a00 * a01 + a10 * a11 + a20 * a21
        b02 = a00 * a02 + a10 * a12 + a20 * a22
        b11 = a01 * a01 + a11 * a11 + a21 * a21
        b12 = a01 * a02 + a11 * a12 + a21 * a22
        b22 = a02 * a02 + a12 * a12 + a22 * a22
        v[ROTATION + q] = f * a00 + g * c00 - scale * (a00 * b00 + a01 * b01 + a02 * b02)
        v[ROTATION + 8 + q] = f * a01 + g * c01 - scale * (a00 * b01 + a01 * b11 + a02 * b12)
        v[ROTATION + 16 + q] = f * a02 + g * c02 - scale * (a00 * b02 + a01 * b12 + a02 * b22)
        v[ROTATION + 24 + q] = f * a10 + g * c10 - scale * (a10 * b00 + a11 * b01 + a12 * b02)
        v[ROTATION + 32 + q] = f * a11 + g * c11 - scale * (a10 * b01 + a11 * b11 + a12 * b12)
        v[ROTATION + 40 + q] = f * a12 + g * c12 - scale * (a10 * b02 + a11 * b12 + a12 * b22)
        v[ROTATION + 48 + q] = f * a20 + g * c20 - scale * (a20 * b00 + a21 * b01 + a22 * b02)
        v[ROTATION + 56 + q] = f * a21 + g * c21 - scale * (a20 * b01 + a21 * b11 + a22 * b12)
        v[ROTATION + 64 + q] = f * a22 + g * c22 - scale * (a20 * b02 + a21 * b12 + a22 * b22)


@numba.njit(**_VECTORS)
def _rotate_slowly(v, q):
    """Fill the rotation of one point that needs more steps."""
    f, t, m = np.empty(9), np.empty(9), np.empty(9)
    for k in range(9):
        f[k] = v[GRADIENT + 8 * k + q]
    for k in range(6):
        value = v[ACTUATION + 8 * k + q]
        i, j = (0, k) if k < 3 else ((1, k - 2) if k < 5 else (2, 2))
        t[3 * i + j] = t[3 * j + i] = value
    for i in range(3):
        for j in range(3):
            m[3 * i + j] = f[3 * i] * t[j] + f[3 * i + 1] * t[3 + j] + f[3 * i + 2] * t[6 + j]
    rotation = polar_rotation(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8])
    for k in range(9):
        v[ROTATION + 8 * k + q] = rotation[k]


@numba.njit(**_VECTORS)
def _strain(v):
    """Fill energy and stress by the rest shape."""
    for q in range(8):
        t00, t01, t02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
        t11, t12, t22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
        r0, r1, r2 = v[ROTATION + q], v[ROTATION + 8 + q], v[ROTATION + 16 + q]
        p00 = v[GRADIENT + q] - (r0 * t00 + r1 * t01 + r2 * t02)
        p01 = v[GRADIENT + 8 + q] - (r0 * t01 + r1 * t11 + r2 * t12)
        p02 = v[GRADIENT + 16 + q] - (r0 * t02 + r1 * t12 + r2 * t22)
        r0, r1, r2 = v[ROTATION + 24 + q], v[ROTATION + 32 + q], v[ROTATION + 40 + q]
        p10 = v[GRADIENT + 24 + q] - (r0 * t00 + r1 * t01 + r2 * t02)
        p11 = v[GRADIENT + 32 + q] - (r0 * t01 + r1 * t11 + r2 * t12)
        p12 = v[GRADIENT + 40 + q] - (r0 * t02 + r1 * t12 + r2 * t22)
        r0, r1, r2 = v[ROTATION + 48 + q], v[ROTATION + 56 + q], v[ROTATION + 64 + q]
        p20 = v[GRADIENT + 48 + q] - (r0 * t00 + r1 * t01 + r2 * t02)
        p21 = v[GRADIENT + 56 + q] - (r0 * t01 + r1 * t11 + r2 * t12)
        p22 = v[GRADIENT + 64 + q] - (r0 * t02 + r1 * t12 + r2 * t22)
        w = v[WEIGHT + q]
        square = p00 * p00 + p01 * p01 + p02 * p02 + p10 * p10 + p11 * p11 + p12 * p12
        v[ENERGY + q] = w * (square + p20 * p20 + p21 * p21 + p22 * p22)
        w *= 2.0
        v[STRESS + q], v[STRESS + 8 + q], v[STRESS + 16 + q] = w * p00, w * p01, w * p02
        v[STRESS + 24 + q], v[STRESS + 32 + q], v[STRESS + 40 + q] = w * p10, w * p11, w * p12
        v[STRESS + 48 + q], v[STRESS + 56 + q], v[STRESS + 64 + q] = w * p20, w * p21, w * p22


@numba.njit(**_VECTORS)
def energy_and_stress(v):
    """Fill rotation and stress, the latter by the reference cube, from derivatives, and return the energy of the cell."""
    _deform(v)
    _rotate(v)
    for q in range(8):
        if not v[LAST_STEP + q] <= _CONVERGED:
            _rotate_slowly(v, q)
    _strain(v)
    _pull_back(v)
    energy = 0.0
    for q in range(8):
        energy += v[ENERGY + q]
    return energy


@numba.njit(**_VECTORS)
def _curve(v, share):
    """Fill the stretch S, L^-1, and whether L keeps enough of Q: the share asked for."""
    for q in range(8):
        f00, f01, f02 = v[GRADIENT + q], v[GRADIENT + 8 + q], v[GRADIENT + 16 + q]
        f10, f11, f12 = v[GRADIENT + 24 + q], v[GRADIENT + 32 + q], v[GRADIENT + 40 + q]
        f20, f21, f22 = v[GRADIENT + 48 + q], v[GRADIENT + 56 + q], v[GRADIENT + 64 + q]
        r00, r01, r02 = v[ROTATION + q], v[ROTATION + 8 + q], v[ROTATION + 16 + q]
        r10, r11, r12 = v[ROTATION + 24 + q], v[ROTATION + 32 + q], v[ROTATION + 40 + q]
        r20, r21, r22 = v[ROTATION + 48 + q], v[ROTATION + 56 + q], v[ROTATION + 64 + q]
        a00, a01, a02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
        a11, a12, a22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
        # R^T F, then times A.
        b00, b01, b02 = (
            r00 * f00 + r10 * f10 + r20 * f20,
            r00 * f01 + r10 * f11 + r20 * f21,
            r00 * f02 + r10 * f12 + r20 * f22,
        )
        b10, b11, b12 = (
            r01 * f00 + r11 * f10 + r21 * f20,
            r01 * f01 + r11 * f11 + r21 * f21,
            r01 * f02 + r11 * f12 + r21 * f22,
        )
        b20, b21, b22 = (
            r02 * f00 + r12 * f10 + r22 * f20,
            r02 * f01 + r12 * f11 + r22 * f21,
            r02 * f02 + r12 * f12 + r22 * f22,
        )
        s00 = b00 * a00 + b01 * a01 + b02 * a02
        s01 = b00 * a01 + b01 * a11 + b02 * a12
        s02 = b00 * a02 + b01 * a12 + b02 * a22
        s11 = b10 * a01 + b11 * a11 + b12 * a12
        s12 = b10 * a02 + b11 * a12 + b12 * a22
        s22 = b20 * a02 + b21 * a12 + b22 * a22
        v[STRETCH + q], v[STRETCH + 8 + q], v[STRETCH + 16 + q] = s00, s01, s02
        v[STRETCH + 24 + q], v[STRETCH + 32 + q], v[STRETCH + 40 + q] = s11, s12, s22
        # L - share Q, with Q from A^2, bounded by Gershgorin's circles.
        g00 = a00 * a00 + a01 * a01 + a02 * a02
        g01 = a00 * a01 + a01 * a11 + a02 * a12
        g02 = a00 * a02 + a01 * a12 + a02 * a22
        g11 = a01 * a01 + a11 * a11 + a12 * a12
        g12 = a01 * a02 + a11 * a12 + a12 * a22
        g22 = a02 * a02 + a12 * a12 + a22 * a22
        d01, d02, d12 = abs(share * g01 - s01), abs(share * g02 - s02), abs(share * g12 - s12)
        d00 = s11 + s22 - share * (g11 + g22) - d01 - d02
        d11 = s00 + s22 - share * (g00 + g22) - d01 - d12
        d22 = s00 + s11 - share * (g00 + g11) - d02 - d12
        v[BOUND + q] = min(d00, min(d11, d22))
        l00, l11, l22, l01, l02, l12 = s11 + s22, s00 + s22, s00 + s11, -s01, -s02, -s12
        k00 = l11 * l22 - l12 * l12
        k01 = l02 * l12 - l01 * l22
        k02 = l01 * l12 - l02 * l11
        determinant = l00 * k00 + l01 * k01 + l02 * k02
        trace = l00 + l11 + l22
        scale = 1.0 / determinant if determinant > 1e-12 * trace * trace * trace else 0.0
        v[CURVATURE + q], v[CURVATURE + 8 + q], v[CURVATURE + 16 + q] = k00 * scale, k01 * scale, k02 * scale
        v[CURVATURE + 24 + q] = (l00 * l22 - l02 * l02) * scale
        v[CURVATURE + 32 + q] = (l01 * l02 - l00 * l12) * scale
        v[CURVATURE + 40 + q] = (l00 * l11 - l01 * l01) * scale


@numba.njit(**_VECTORS)
def _smallest_eigenvalue(d00, d01, d02, d11, d12, d22):
    """Return the smallest eigenvalue of a symmetric 3 x 3 matrix (trigonometric solution of the cubic)."""
    mean = (d00 + d11 + d22) / 3.0
    e00, e11, e22 = d00 - mean, d11 - mean, d22 - mean
    square = (e00 * e00 + e11 * e11 + e22 * e22 + 2.0 * (d01 * d01 + d02 * d02 + d12 * d12)) / 6.0
    if square <= 1e-300:
        return mean
    radius = np.sqrt(square)
    determinant = e00 * (e11 * e22 - d12 * d12) - d01 * (d01 * e22 - d12 * d02) + d02 * (d01 * d12 - e11 * d02)
    half = 0.5 * determinant / (radius * square)
    half = min(1.0, max(-1.0, half))
    return mean + 2.0 * radius * np.cos(np.arccos(half) / 3.0 + 2.0943951023931953)


@numba.njit(**_VECTORS)
def _lift(v, q, share):
    """Fill L^-1 of one point anew, with L raised by the smallest multiple of I that lets it keep the share of Q."""
    a00, a01, a02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
    a11, a12, a22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
    s00, s01, s02 = v[STRETCH + q], v[STRETCH + 8 + q], v[STRETCH + 16 + q]
    s11, s12, s22 = v[STRETCH + 24 + q], v[STRETCH + 32 + q], v[STRETCH + 40 + q]
    g00 = a00 * a00 + a01 * a01 + a02 * a02
    g01 = a00 * a01 + a01 * a11 + a02 * a12
    g02 = a00 * a02 + a01 * a12 + a02 * a22
    g11 = a01 * a01 + a11 * a11 + a12 * a12
    g12 = a01 * a02 + a11 * a12 + a12 * a22
    g22 = a02 * a02 + a12 * a12 + a22 * a22
    smallest = _smallest_eigenvalue(
        s11 + s22 - share * (g11 + g22),
        share * g01 - s01,
        share * g02 - s02,
        s00 + s22 - share * (g00 + g22),
        share * g12 - s12,
        s00 + s11 - share * (g00 + g11),
    )
    lift = max(0.0, -smallest)
    l00, l11, l22, l01, l02, l12 = s11 + s22 + lift, s00 + s22 + lift, s00 + s11 + lift, -s01, -s02, -s12
    k00 = l11 * l22 - l12 * l12
    k01 = l02 * l12 - l01 * l22
    k02 = l01 * l12 - l02 * l11
    determinant = l00 * k00 + l01 * k01 + l02 * k02
    trace = l00 + l11 + l22
    scale = 1.0 / determinant if determinant > 1e-12 * trace * trace * trace else 0.0
    v[CURVATURE + q], v[CURVATURE + 8 + q], v[CURVATURE + 16 + q] = k00 * scale, k01 * scale, k02 * scale
    v[CURVATURE + 24 + q] = (l00 * l22 - l02 * l02) * scale
    v[CURVATURE + 32 + q] = (l01 * l02 - l00 * l12) * scale
    v[CURVATURE + 40 + q] = (l00 * l11 - l01 * l01) * scale


@numba.njit(**_VECTORS)
def curvature(v, share):
    """Fill L^-1 after `energy_and_stress`.

    L is lifted where it has less than a share of Q, and nowhere when that is negative.
    """
    _curve(v, max(share, 0.0))
    if share < 0.0:
        return
    for q in range(8):
        if v[BOUND + q] < 0.0:
            _lift(v, q, share)


@numba.njit(**_VECTORS)
def _turn(v):
    """Fill the change of the stress by the rest shape with the gradient, which is a change here."""
    for q in range(8):
        f00, f01, f02 = v[GRADIENT + q], v[GRADIENT + 8 + q], v[GRADIENT + 16 + q]
        f10, f11, f12 = v[GRADIENT + 24 + q], v[GRADIENT + 32 + q], v[GRADIENT + 40 + q]
        f20, f21, f22 = v[GRADIENT + 48 + q], v[GRADIENT + 56 + q], v[GRADIENT + 64 + q]
        r00, r01, r02 = v[ROTATION + q], v[ROTATION + 8 + q], v[ROTATION + 16 + q]
        r10, r11, r12 = v[ROTATION + 24 + q], v[ROTATION + 32 + q], v[ROTATION + 40 + q]
        r20, r21, r22 = v[ROTATION + 48 + q], v[ROTATION + 56 + q], v[ROTATION + 64 + q]
        a00, a01, a02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
        a11, a12, a22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
        b00 = r00 * f00 + r10 * f10 + r20 * f20
        b01 = r00 * f01 + r10 * f11 + r20 * f21
        b02 = r00 * f02 + r10 * f12 + r20 * f22
        b10 = r01 * f00 + r11 * f10 + r21 * f20
        b11 = r01 * f01 + r11 * f11 + r21 * f21
        b12 = r01 * f02 + r11 * f12 + r21 * f22
        b20 = r02 * f00 + r12 * f10 + r22 * f20
        b21 = r02 * f01 + r12 * f11 + r22 * f21
        b22 = r02 * f02 + r12 * f12 + r22 * f22
        # axial vector of B A - A B^T, then the angular velocity of R.
        x = b20 * a01 + b21 * a11 + b22 * a12 - (b10 * a02 + b11 * a12 + b12 * a22)
        y = b00 * a02 + b01 * a12 + b02 * a22 - (b20 * a00 + b21 * a01 + b22 * a02)
        z = b10 * a00 + b11 * a01 + b12 * a02 - (b00 * a01 + b01 * a11 + b02 * a12)
        o0 = v[CURVATURE + q] * x + v[CURVATURE + 8 + q] * y + v[CURVATURE + 16 + q] * z
        o1 = v[CURVATURE + 8 + q] * x + v[CURVATURE + 24 + q] * y + v[CURVATURE + 32 + q] * z
        o2 = v[CURVATURE + 16 + q] * x + v[CURVATURE + 32 + q] * y + v[CURVATURE + 40 + q] * z
        # [o]x A, rotated and taken off dF.
        d00, d01, d02 = o1 * a02 - o2 * a01, o1 * a12 - o2 * a11, o1 * a22 - o2 * a12
        d10, d11, d12 = o2 * a00 - o0 * a02, o2 * a01 - o0 * a12, o2 * a02 - o0 * a22
        d20, d21, d22 = o0 * a01 - o1 * a00, o0 * a11 - o1 * a01, o0 * a12 - o1 * a02
        w = 2.0 * v[WEIGHT + q]
        v[STRESS + q] = w * (f00 - (r00 * d00 + r01 * d10 + r02 * d20))
        v[STRESS + 8 + q] = w * (f01 - (r00 * d01 + r01 * d11 + r02 * d21))
        v[STRESS + 16 + q] = w * (f02 - (r00 * d02 + r01 * d12 + r02 * d22))
        v[STRESS + 24 + q] = w * (f10 - (r10 * d00 + r11 * d10 + r12 * d20))
        v[STRESS + 32 + q] = w * (f11 - (r10 * d01 + r11 * d11 + r12 * d21))
        v[STRESS + 40 + q] = w * (f12 - (r10 * d02 + r11 * d12 + r12 * d22))
        v[STRESS + 48 + q] = w * (f20 - (r20 * d00 + r21 * d10 + r22 * d20))
        v[STRESS + 56 + q] = w * (f21 - (r20 * d01 + r21 * d11 + r22 * d21))
        v[STRESS + 64 + q] = w * (f22 - (r20 * d02 + r21 * d12 + r22 * d22))


@numba.njit(**_VECTORS)
def stress_change(v):
    """Fill the change of the stress with a change of the derivatives, both by the reference cube: the Hessian's product."""
    _deform(v)
    _turn(v)
    _pull_back(v)


@numba.njit(**_VECTORS)
def work_by_actuation(v, deformation, out):
    """Fill out (6, 8): derivatives of the work that the stress does on a displacement, with its sign turned, by A.

    After `energy_and_stress` and `curvature`, with deformation (72,) a copy of F, and the derivatives of the displacement
    by the reference cube in place of F. Entries 00, 01, 02, 11, 12, 22 of 2 w sym(R^T G + F^T R [o]x); see
    `sensitivities.actuation`.
    """
    _deform(v)
    for q in range(8):
        f00, f01, f02 = deformation[q], deformation[8 + q], deformation[16 + q]
        f10, f11, f12 = deformation[24 + q], deformation[32 + q], deformation[40 + q]
        f20, f21, f22 = deformation[48 + q], deformation[56 + q], deformation[64 + q]
        g00, g01, g02 = v[GRADIENT + q], v[GRADIENT + 8 + q], v[GRADIENT + 16 + q]
        g10, g11, g12 = v[GRADIENT + 24 + q], v[GRADIENT + 32 + q], v[GRADIENT + 40 + q]
        g20, g21, g22 = v[GRADIENT + 48 + q], v[GRADIENT + 56 + q], v[GRADIENT + 64 + q]
        r00, r01, r02 = v[ROTATION + q], v[ROTATION + 8 + q], v[ROTATION + 16 + q]
        r10, r11, r12 = v[ROTATION + 24 + q], v[ROTATION + 32 + q], v[ROTATION + 40 + q]
        r20, r21, r22 = v[ROTATION + 48 + q], v[ROTATION + 56 + q], v[ROTATION + 64 + q]
        a00, a01, a02 = v[ACTUATION + q], v[ACTUATION + 8 + q], v[ACTUATION + 16 + q]
        a11, a12, a22 = v[ACTUATION + 24 + q], v[ACTUATION + 32 + q], v[ACTUATION + 40 + q]
        # R^T G, its product with A, and R^T F.
        b00 = r00 * g00 + r10 * g10 + r20 * g20
        b01 = r00 * g01 + r10 * g11 + r20 * g21
        b02 = r00 * g02 + r10 * g12 + r20 * g22
        b10 = r01 * g00 + r11 * g10 + r21 * g20
        b11 = r01 * g01 + r11 * g11 + r21 * g21
        b12 = r01 * g02 + r11 * g12 + r21 * g22
        b20 = r02 * g00 + r12 * g10 + r22 * g20
        b21 = r02 * g01 + r12 * g11 + r22 * g21
        b22 = r02 * g02 + r12 * g12 + r22 * g22
        x = b20 * a01 + b21 * a11 + b22 * a12 - (b10 * a02 + b11 * a12 + b12 * a22)
        y = b00 * a02 + b01 * a12 + b02 * a22 - (b20 * a00 + b21 * a01 + b22 * a02)
        z = b10 * a00 + b11 * a01 + b12 * a02 - (b00 * a01 + b01 * a11 + b02 * a12)
        o0 = v[CURVATURE + q] * x + v[CURVATURE + 8 + q] * y + v[CURVATURE + 16 + q] * z
        o1 = v[CURVATURE + 8 + q] * x + v[CURVATURE + 24 + q] * y + v[CURVATURE + 32 + q] * z
        o2 = v[CURVATURE + 16 + q] * x + v[CURVATURE + 32 + q] * y + v[CURVATURE + 40 + q] * z
        u00 = r00 * f00 + r10 * f10 + r20 * f20
        u01 = r00 * f01 + r10 * f11 + r20 * f21
        u02 = r00 * f02 + r10 * f12 + r20 * f22
        u10 = r01 * f00 + r11 * f10 + r21 * f20
        u11 = r01 * f01 + r11 * f11 + r21 * f21
        u12 = r01 * f02 + r11 * f12 + r21 * f22
        u20 = r02 * f00 + r12 * f10 + r22 * f20
        u21 = r02 * f01 + r12 * f11 + r22 * f21
        u22 = r02 * f02 + r12 * f12 + r22 * f22
        # F^T R [o]x has the columns U^T times those of [o]x.
        w = v[WEIGHT + q]
        out[0, q] = 2.0 * w * (b00 + u10 * o2 - u20 * o1)
        out[3, q] = 2.0 * w * (b11 - u01 * o2 + u21 * o0)
        out[5, q] = 2.0 * w * (b22 + u02 * o1 - u12 * o0)
        out[1, q] = w * (b01 + b10 + (u20 * o0 - u00 * o2) + (u11 * o2 - u21 * o1))
        out[2, q] = w * (b02 + b20 + (u00 * o1 - u10 * o0) + (u12 * o2 - u22 * o1))
        out[4, q] = w * (b12 + b21 + (u01 * o1 - u11 * o0) + (u22 * o0 - u02 * o2))
