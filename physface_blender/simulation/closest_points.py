"""The points of two elements that are closest to each other, for compiled loops.

Each function writes the weights of the four corners in the vector between the closest points: a point p and a triangle
abc have (1, -u, -v, -w), edges ab and cd have (1 - s, s, t - 1, -t). Weights that are zero say which feature is closest.
"""

from __future__ import annotations

import numba

_PARALLEL = 1e-12
"""Squared sine of an angle below which edges count as parallel; one of their ends is then as close as any point."""


@numba.njit(cache=True)
def point_triangle(x, p, a, b, c, weights):
    """Return the squared distance of vertices p and abc of x (V, 3); write weights (4,)."""
    abx, aby, abz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
    acx, acy, acz = x[c, 0] - x[a, 0], x[c, 1] - x[a, 1], x[c, 2] - x[a, 2]
    apx, apy, apz = x[p, 0] - x[a, 0], x[p, 1] - x[a, 1], x[p, 2] - x[a, 2]
    bb = abx * abx + aby * aby + abz * abz
    cc = acx * acx + acy * acy + acz * acz
    bc = abx * acx + aby * acy + abz * acz
    pb = abx * apx + aby * apy + abz * apz
    pc = acx * apx + acy * apy + acz * apz
    scale = bb * cc - bc * bc
    weights[0] = 1.0
    if scale > 0.0:
        s, t = (cc * pb - bc * pc) / scale, (bb * pc - bc * pb) / scale
        if s > 0.0 and t > 0.0 and s + t < 1.0:
            dx, dy, dz = apx - s * abx - t * acx, apy - s * aby - t * acy, apz - s * abz - t * acz
            weights[1], weights[2], weights[3] = s + t - 1.0, -s, -t
            return dx * dx + dy * dy + dz * dz
    share, least = _point_segment(x, p, a, b)
    weights[1], weights[2], weights[3] = share - 1.0, -share, 0.0
    share, square = _point_segment(x, p, b, c)
    if square < least:
        least = square
        weights[1], weights[2], weights[3] = 0.0, share - 1.0, -share
    share, square = _point_segment(x, p, c, a)
    if square < least:
        least = square
        weights[1], weights[2], weights[3] = -share, 0.0, share - 1.0
    return least


@numba.njit(cache=True)
def segment_segment(x, a, b, c, d, weights):
    """Return the squared distance of the edges ab and cd between vertices of x (V, 3); write weights (4,)."""
    ux, uy, uz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
    vx, vy, vz = x[d, 0] - x[c, 0], x[d, 1] - x[c, 1], x[d, 2] - x[c, 2]
    wx, wy, wz = x[a, 0] - x[c, 0], x[a, 1] - x[c, 1], x[a, 2] - x[c, 2]
    uu, vv, uv = ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, ux * vx + uy * vy + uz * vz
    uw, vw = ux * wx + uy * wy + uz * wz, vx * wx + vy * wy + vz * wz
    scale = uu * vv - uv * uv
    if scale > _PARALLEL * uu * vv:
        s, t = (uv * vw - vv * uw) / scale, (uu * vw - uv * uw) / scale
        if 0.0 < s < 1.0 and 0.0 < t < 1.0:
            dx, dy, dz = wx + s * ux - t * vx, wy + s * uy - t * vy, wz + s * uz - t * vz
            weights[0], weights[1], weights[2], weights[3] = 1.0 - s, s, t - 1.0, -t
            return dx * dx + dy * dy + dz * dz
    share, least = _point_segment(x, a, c, d)
    weights[0], weights[1], weights[2], weights[3] = 1.0, 0.0, share - 1.0, -share
    share, square = _point_segment(x, b, c, d)
    if square < least:
        least = square
        weights[0], weights[1], weights[2], weights[3] = 0.0, 1.0, share - 1.0, -share
    share, square = _point_segment(x, c, a, b)
    if square < least:
        least = square
        weights[0], weights[1], weights[2], weights[3] = 1.0 - share, share, -1.0, 0.0
    share, square = _point_segment(x, d, a, b)
    if square < least:
        least = square
        weights[0], weights[1], weights[2], weights[3] = 1.0 - share, share, 0.0, -1.0
    return least


@numba.njit(cache=True)
def _point_segment(x, p, a, b):
    """Return where on the edge ab the point nearest to p lies, 0..1, and its squared distance."""
    dx, dy, dz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
    px, py, pz = x[p, 0] - x[a, 0], x[p, 1] - x[a, 1], x[p, 2] - x[a, 2]
    square = dx * dx + dy * dy + dz * dz
    share = 0.0 if square == 0.0 else min(1.0, max(0.0, (px * dx + py * dy + pz * dz) / square))
    px, py, pz = px - share * dx, py - share * dy, pz - share * dz
    return share, px * px + py * py + pz * pz
