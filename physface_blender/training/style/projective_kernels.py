"""Loops over cells and their eight Gauss points for ``projective``: one local step, and its derivatives.

With F the deformation gradient at a point, A the cell's symmetric tensor and R the rotation nearest to M = F A, the
energy is w/2 |F - R A|^2. For a change of M, R changes by R [omega], and (tr(S) I - S) omega is the axial vector of
R^T dM, with S = R^T M.
"""

import numba
import numpy as np

from ...simulation.polar import polar_rotation


@numba.njit(cache=True, inline="always")
def _gather(nodes, corners, slopes, out):
    """Fill out (3, 3) with the gradient at one point of values (N, 3) at the corners (8,) with slopes (8, 3)."""
    out[:] = 0.0
    for corner in range(8):
        node = corners[corner]
        for i in range(3):
            value = nodes[node, i]
            for j in range(3):
                out[i, j] += value * slopes[corner, j]


@numba.njit(cache=True, inline="always")
def _scatter(tensor, scale, corners, slopes, out):
    """Add scale * tensor (3, 3) at one point to the corners' rows of out (N, 3)."""
    for corner in range(8):
        node = corners[corner]
        for i in range(3):
            total = 0.0
            for j in range(3):
                total += tensor[i, j] * slopes[corner, j]
            out[node, i] += scale * total


@numba.njit(cache=True, inline="always")
def _product(a, b, out):
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@numba.njit(cache=True, inline="always")
def _rotate(m, r):
    """Fill r (3, 3) with the rotation nearest to m (3, 3)."""
    (r[0, 0], r[0, 1], r[0, 2], r[1, 0], r[1, 1], r[1, 2], r[2, 0], r[2, 1], r[2, 2]) = polar_rotation(
        m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2]
    )


@numba.njit(cache=True)
def local_step(nodes, actuation, hexes, slopes, weights):
    """Right-hand side (N, 3) of the global step: the sum over points of w R A times the corners' slopes."""
    out = np.zeros_like(nodes)
    gradient, moved, rotation = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    for element in range(len(hexes)):
        for point in range(8):
            _gather(nodes, hexes[element], slopes[element, point], gradient)
            _product(gradient, actuation[element], moved)
            _rotate(moved, rotation)
            _product(rotation, actuation[element], moved)
            _scatter(moved, weights[element, point], hexes[element], slopes[element, point], out)
    return out


@numba.njit(cache=True)
def stretches(nodes, hexes, slopes, weights):
    """Symmetric (E, 3, 3): the mean over a cell's points of R^T F, R the rotation nearest to F."""
    out = np.zeros((len(hexes), 3, 3))
    gradient, rotation = np.empty((3, 3)), np.empty((3, 3))
    for element in range(len(hexes)):
        volume = weights[element].sum()
        for point in range(8):
            share = weights[element, point] / volume
            _gather(nodes, hexes[element], slopes[element, point], gradient)
            _rotate(gradient, rotation)
            for i in range(3):
                for j in range(3):
                    value = 0.0
                    for k in range(3):
                        value += rotation[k, i] * gradient[k, j] + rotation[k, j] * gradient[k, i]
                    out[element, i, j] += 0.5 * share * value
    return out


@numba.njit(cache=True)
def linearize(nodes, actuation, hexes, slopes):
    """Rotations R and inverses of tr(S) I - S at all points, both (E, 8, 3, 3)."""
    rotations, inverses = np.empty((len(hexes), 8, 3, 3)), np.empty((len(hexes), 8, 3, 3))
    gradient, moved = np.empty((3, 3)), np.empty((3, 3))
    t = np.empty((3, 3))
    for element in range(len(hexes)):
        for point in range(8):
            _gather(nodes, hexes[element], slopes[element, point], gradient)
            _product(gradient, actuation[element], moved)
            r = rotations[element, point]
            _rotate(moved, r)
            trace = 0.0
            for i in range(3):
                for j in range(3):
                    t[i, j] = -(r[0, i] * moved[0, j] + r[1, i] * moved[1, j] + r[2, i] * moved[2, j])
                trace -= t[i, i]
            for i in range(3):
                t[i, i] += trace
            _invert(t, inverses[element, point])
    return rotations, inverses


@numba.njit(cache=True, inline="always")
def _invert(t, out):
    """Fill out with the inverse of the symmetric t (3, 3); where it is nearly singular or turned over, with zero."""
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        for m in range(3):
            n, o = (m + 1) % 3, (m + 2) % 3
            out[m, i] = t[j, n] * t[k, o] - t[j, o] * t[k, n]
    determinant = t[0, 0] * out[0, 0] + t[0, 1] * out[1, 0] + t[0, 2] * out[2, 0]
    scale = 1.0 / determinant if determinant > 1e-3 else 0.0
    for i in range(3):
        for j in range(3):
            out[i, j] *= scale


@numba.njit(cache=True, inline="always")
def _turn(gradient, actuation, rotation, inverse, omega):
    """Fill omega (3,) with how R turns when F changes by gradient (3, 3)."""
    a = np.empty((3, 3))
    b = np.empty((3, 3))
    _product(gradient, actuation, a)
    for i in range(3):
        for j in range(3):
            b[i, j] = rotation[0, i] * a[0, j] + rotation[1, i] * a[1, j] + rotation[2, i] * a[2, j]
    x, y, z = b[2, 1] - b[1, 2], b[0, 2] - b[2, 0], b[1, 0] - b[0, 1]
    for i in range(3):
        omega[i] = inverse[i, 0] * x + inverse[i, 1] * y + inverse[i, 2] * z


@numba.njit(cache=True, inline="always")
def _turned(rotation, omega, out):
    """Fill out with R [omega]."""
    for i in range(3):
        out[i, 0] = rotation[i, 1] * omega[2] - rotation[i, 2] * omega[1]
        out[i, 1] = rotation[i, 2] * omega[0] - rotation[i, 0] * omega[2]
        out[i, 2] = rotation[i, 0] * omega[1] - rotation[i, 1] * omega[0]


@numba.njit(cache=True)
def softening(change, actuation, rotations, inverses, hexes, slopes, weights):
    """What the turning of R takes off the constant matrix's product with a change of the nodes (N, 3)."""
    out = np.zeros_like(change)
    gradient, turned, force, omega = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    for element in range(len(hexes)):
        for point in range(8):
            _gather(change, hexes[element], slopes[element, point], gradient)
            _turn(gradient, actuation[element], rotations[element, point], inverses[element, point], omega)
            _turned(rotations[element, point], omega, turned)
            _product(turned, actuation[element], force)
            _scatter(force, weights[element, point], hexes[element], slopes[element, point], out)
    return out


@numba.njit(cache=True)
def actuation_gradient(nodes, adjoint, actuation, rotations, inverses, hexes, slopes, weights):
    """Derivative (E, 3, 3) by the tensors for an adjoint (N, 3): symmetric parts of w (R^T G + F^T R [omega(G)])."""
    out = np.zeros((len(hexes), 3, 3))
    gradient, slope, turned, omega = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    for element in range(len(hexes)):
        for point in range(8):
            weight = 0.5 * weights[element, point]
            rotation = rotations[element, point]
            _gather(nodes, hexes[element], slopes[element, point], gradient)
            _gather(adjoint, hexes[element], slopes[element, point], slope)
            _turn(slope, actuation[element], rotation, inverses[element, point], omega)
            _turned(rotation, omega, turned)
            for i in range(3):
                for j in range(3):
                    value = 0.0
                    for k in range(3):
                        value += rotation[k, i] * slope[k, j] + rotation[k, j] * slope[k, i]
                        value += gradient[k, i] * turned[k, j] + gradient[k, j] * turned[k, i]
                    out[element, i, j] += weight * value
    return out
