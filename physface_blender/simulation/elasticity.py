"""Shape targeting on hexahedra: energy, forces and the analytic Hessian.

The energy of paper 001, section 3, in the form  E(x) = sum_q w_q mu |F_q - R_q A_q|^2  over eight quadrature points per
hexahedron, where F is the deformation gradient, A the symmetric actuation tensor and R the rotation nearest to F A,
so that E is invariant under rotation. mu = E / (2 (1 + nu)) is the shear modulus and w the rest volume times the
filled fraction of the cell.

**Actuation consistent with the discretization.** Where a target phi is known at the nodes, A = R(F_phi)^T F_phi is
taken with the same shape functions at the same points; then phi is an exact minimizer wherever the boundary agrees
with it.

The Hessian is |dF|^2 - a^T L^-1 a per point, with a = axial(R^T dF A - A dF^T R) and L = tr(S) I - S, S = R^T F A. It
is positive semidefinite exactly where L >= Q = tr(A^2) I - A^2; where L falls below a fifth of Q, it is raised by the
smallest multiple of I that mends it.

All kernels differentiate by tensor products: the derivative along x at a Gauss point is an interpolation, in y and z
only, of four edge differences. A hexahedron so costs 36 interpolated numbers instead of 8 x 8 x 3.
"""

from __future__ import annotations

import numba
import numpy as np

from .hexahedron import GAUSS_OFFSET, reference_jacobians
from .polar import polar_rotation

_BLOCK = 128
"""Hexahedra that share one piece of scratch memory and one entry in the sum of energies."""

_MULTIPLICITY = 2.0 * np.array([1.0, 2.0, 2.0, 1.0, 2.0, 1.0])
"""Twice the number of times that each stored entry of a symmetric tensor occurs in it."""

_LEAST_SHARE = 0.2
"""Share of Q that L keeps at least, so that no curvature falls below -4 times the stiffness.

Lips pressed together squeeze their tissue until single points have negative curvature while the whole has not. Lifting
each of them to zero makes Newton's method converge linearly there, three times slower (measured: 28 steps instead of
10 to press the lips); conjugate gradients stop by themselves where the whole is not convex.
"""

_NEAR = 1.0 - GAUSS_OFFSET
_FAR = GAUSS_OFFSET


@numba.njit(cache=True, inline="always")
def _differentiate(positions, nodes, out):
    """Fill out (3, 4, 3): derivative along axis (first) at the four Gauss points of the other two axes, times the vector."""
    for c in range(3):
        p0, p1, p2, p3 = positions[nodes[0], c], positions[nodes[1], c], positions[nodes[2], c], positions[nodes[3], c]
        p4, p5, p6, p7 = positions[nodes[4], c], positions[nodes[5], c], positions[nodes[6], c], positions[nodes[7], c]
        for axis in range(3):
            if axis == 0:
                e0, e1, e2, e3 = p1 - p0, p3 - p2, p5 - p4, p7 - p6
            elif axis == 1:
                e0, e1, e2, e3 = p2 - p0, p3 - p1, p6 - p4, p7 - p5
            else:
                e0, e1, e2, e3 = p4 - p0, p5 - p1, p6 - p2, p7 - p3
            f0, f1 = _NEAR * e0 + _FAR * e1, _FAR * e0 + _NEAR * e1
            f2, f3 = _NEAR * e2 + _FAR * e3, _FAR * e2 + _NEAR * e3
            out[axis, 0, c] = _NEAR * f0 + _FAR * f2
            out[axis, 1, c] = _NEAR * f1 + _FAR * f3
            out[axis, 2, c] = _FAR * f0 + _NEAR * f2
            out[axis, 3, c] = _FAR * f1 + _NEAR * f3


@numba.njit(cache=True, inline="always")
def _integrate(stress, out):
    """Fill out (8, 3), the transpose of `_differentiate`, from stress (3, 4, 3)."""
    for c in range(3):
        for corner in range(8):
            out[corner, c] = 0.0
        for axis in range(3):
            s0, s1, s2, s3 = stress[axis, 0, c], stress[axis, 1, c], stress[axis, 2, c], stress[axis, 3, c]
            f0, f1 = _NEAR * s0 + _FAR * s2, _NEAR * s1 + _FAR * s3
            f2, f3 = _FAR * s0 + _NEAR * s2, _FAR * s1 + _NEAR * s3
            e0, e1 = _NEAR * f0 + _FAR * f1, _FAR * f0 + _NEAR * f1
            e2, e3 = _NEAR * f2 + _FAR * f3, _FAR * f2 + _NEAR * f3
            if axis == 0:
                out[0, c] -= e0
                out[1, c] += e0
                out[2, c] -= e1
                out[3, c] += e1
                out[4, c] -= e2
                out[5, c] += e2
                out[6, c] -= e3
                out[7, c] += e3
            elif axis == 1:
                out[0, c] -= e0
                out[2, c] += e0
                out[1, c] -= e1
                out[3, c] += e1
                out[4, c] -= e2
                out[6, c] += e2
                out[5, c] -= e3
                out[7, c] += e3
            else:
                out[0, c] -= e0
                out[4, c] += e0
                out[1, c] -= e1
                out[5, c] += e1
                out[2, c] -= e2
                out[6, c] += e2
                out[3, c] -= e3
                out[7, c] += e3


@numba.njit(cache=True, inline="always")
def _gradient_at(derivatives, q, inverse, f):
    """Fill f (3, 3), the deformation gradient at point q, from `_differentiate` and inverse (3, 3)."""
    a, b, c = q & 1, q >> 1 & 1, q >> 2 & 1
    x, y, z = derivatives[0, b + 2 * c], derivatives[1, a + 2 * c], derivatives[2, a + 2 * b]
    for i in range(3):
        for j in range(3):
            f[i, j] = x[i] * inverse[0, j] + y[i] * inverse[1, j] + z[i] * inverse[2, j]


@numba.njit(cache=True, inline="always")
def _add_stress(p, q, inverse, stress):
    """Add p (3, 3), the derivative of the energy by F at point q, to stress (3, 4, 3)."""
    a, b, c = q & 1, q >> 1 & 1, q >> 2 & 1
    for i in range(3):
        stress[0, b + 2 * c, i] += p[i, 0] * inverse[0, 0] + p[i, 1] * inverse[0, 1] + p[i, 2] * inverse[0, 2]
        stress[1, a + 2 * c, i] += p[i, 0] * inverse[1, 0] + p[i, 1] * inverse[1, 1] + p[i, 2] * inverse[1, 2]
        stress[2, a + 2 * b, i] += p[i, 0] * inverse[2, 0] + p[i, 1] * inverse[2, 1] + p[i, 2] * inverse[2, 2]


@numba.njit(cache=True, inline="always")
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


@numba.njit(cache=True, parallel=True)
def _actuation(positions, hexes, inverse, out):
    """Fill out (E, 8, 6) with R^T F at every quadrature point, entries 00, 01, 02, 11, 12, 22."""
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, f = np.empty((3, 4, 3)), np.empty((3, 3))
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(positions, hexes[e], derivatives)
            for q in range(8):
                _gradient_at(derivatives, q, inverse[e, q], f)
                r00, r01, r02, r10, r11, r12, r20, r21, r22 = polar_rotation(
                    f[0, 0], f[0, 1], f[0, 2], f[1, 0], f[1, 1], f[1, 2], f[2, 0], f[2, 1], f[2, 2]
                )
                out[e, q, 0] = r00 * f[0, 0] + r10 * f[1, 0] + r20 * f[2, 0]
                out[e, q, 1] = r00 * f[0, 1] + r10 * f[1, 1] + r20 * f[2, 1]
                out[e, q, 2] = r00 * f[0, 2] + r10 * f[1, 2] + r20 * f[2, 2]
                out[e, q, 3] = r01 * f[0, 1] + r11 * f[1, 1] + r21 * f[2, 1]
                out[e, q, 4] = r01 * f[0, 2] + r11 * f[1, 2] + r21 * f[2, 2]
                out[e, q, 5] = r02 * f[0, 2] + r12 * f[1, 2] + r22 * f[2, 2]


@numba.njit(cache=True, parallel=True)
def _relax(activity, actuation):
    """Draw actuation (E, 8, 6) towards I, A <- I + activity (A - I) with activity (E, 8)."""
    for e in numba.prange(len(actuation)):
        for q in range(8):
            share = activity[e, q]
            for k in range(6):
                actuation[e, q, k] *= share
            actuation[e, q, 0] += 1.0 - share
            actuation[e, q, 3] += 1.0 - share
            actuation[e, q, 5] += 1.0 - share


@numba.njit(cache=True, parallel=True)
def _energy_and_forces(positions, hexes, inverse, weights, actuation, energies, forces, rotations, curvatures, level):
    """Fill block energies (B,), corner gradients (E, 8, 3), rotations (E, 8, 9) and L^-1 (E, 8, 6).

    level 0 fills the energies only, 1 the gradients too, 2 also what the Hessian needs, 3 the same without any lift of L.
    """
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, stress = np.empty((3, 4, 3)), np.empty((3, 4, 3))
        f, p = np.empty((3, 3)), np.empty((3, 3))
        energy = 0.0
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(positions, hexes[e], derivatives)
            stress[:] = 0.0
            for q in range(8):
                inv = inverse[e, q]
                _gradient_at(derivatives, q, inv, f)
                t = actuation[e, q]
                a00, a01, a02, a11, a12, a22 = t[0], t[1], t[2], t[3], t[4], t[5]
                m00 = f[0, 0] * a00 + f[0, 1] * a01 + f[0, 2] * a02
                m01 = f[0, 0] * a01 + f[0, 1] * a11 + f[0, 2] * a12
                m02 = f[0, 0] * a02 + f[0, 1] * a12 + f[0, 2] * a22
                m10 = f[1, 0] * a00 + f[1, 1] * a01 + f[1, 2] * a02
                m11 = f[1, 0] * a01 + f[1, 1] * a11 + f[1, 2] * a12
                m12 = f[1, 0] * a02 + f[1, 1] * a12 + f[1, 2] * a22
                m20 = f[2, 0] * a00 + f[2, 1] * a01 + f[2, 2] * a02
                m21 = f[2, 0] * a01 + f[2, 1] * a11 + f[2, 2] * a12
                m22 = f[2, 0] * a02 + f[2, 1] * a12 + f[2, 2] * a22
                r00, r01, r02, r10, r11, r12, r20, r21, r22 = polar_rotation(
                    m00, m01, m02, m10, m11, m12, m20, m21, m22
                )
                p[0, 0] = f[0, 0] - (r00 * a00 + r01 * a01 + r02 * a02)
                p[0, 1] = f[0, 1] - (r00 * a01 + r01 * a11 + r02 * a12)
                p[0, 2] = f[0, 2] - (r00 * a02 + r01 * a12 + r02 * a22)
                p[1, 0] = f[1, 0] - (r10 * a00 + r11 * a01 + r12 * a02)
                p[1, 1] = f[1, 1] - (r10 * a01 + r11 * a11 + r12 * a12)
                p[1, 2] = f[1, 2] - (r10 * a02 + r11 * a12 + r12 * a22)
                p[2, 0] = f[2, 0] - (r20 * a00 + r21 * a01 + r22 * a02)
                p[2, 1] = f[2, 1] - (r20 * a01 + r21 * a11 + r22 * a12)
                p[2, 2] = f[2, 2] - (r20 * a02 + r21 * a12 + r22 * a22)
                w = weights[e, q]
                square = 0.0
                for i in range(3):
                    for j in range(3):
                        square += p[i, j] * p[i, j]
                        p[i, j] *= 2.0 * w
                energy += w * square
                if level >= 1:
                    _add_stress(p, q, inv, stress)
                if level >= 2:
                    r = rotations[e, q]
                    r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8] = r00, r01, r02, r10, r11, r12, r20, r21, r22
                    s00 = r00 * m00 + r10 * m10 + r20 * m20
                    s01 = r00 * m01 + r10 * m11 + r20 * m21
                    s02 = r00 * m02 + r10 * m12 + r20 * m22
                    s11 = r01 * m01 + r11 * m11 + r21 * m21
                    s12 = r01 * m02 + r11 * m12 + r21 * m22
                    s22 = r02 * m02 + r12 * m12 + r22 * m22
                    # L, and Q from A^2, of which L must keep a share.
                    g00 = a00 * a00 + a01 * a01 + a02 * a02
                    g01 = a00 * a01 + a01 * a11 + a02 * a12
                    g02 = a00 * a02 + a01 * a12 + a02 * a22
                    g11 = a01 * a01 + a11 * a11 + a12 * a12
                    g12 = a01 * a02 + a11 * a12 + a12 * a22
                    g22 = a02 * a02 + a12 * a12 + a22 * a22
                    d00 = s11 + s22 - _LEAST_SHARE * (g11 + g22)
                    d11 = s00 + s22 - _LEAST_SHARE * (g00 + g22)
                    d22 = s00 + s11 - _LEAST_SHARE * (g00 + g11)
                    d01, d02, d12 = _LEAST_SHARE * g01 - s01, _LEAST_SHARE * g02 - s02, _LEAST_SHARE * g12 - s12
                    lift = 0.0
                    bound = min(d00 - abs(d01) - abs(d02), d11 - abs(d01) - abs(d12), d22 - abs(d02) - abs(d12))
                    if bound < 0.0 and level < 3:
                        lift = max(0.0, -_smallest_eigenvalue(d00, d01, d02, d11, d12, d22))
                    l00, l11, l22 = s11 + s22 + lift, s00 + s22 + lift, s00 + s11 + lift
                    l01, l02, l12 = -s01, -s02, -s12
                    k00 = l11 * l22 - l12 * l12
                    k01 = l02 * l12 - l01 * l22
                    k02 = l01 * l12 - l02 * l11
                    determinant = l00 * k00 + l01 * k01 + l02 * k02
                    trace = l00 + l11 + l22
                    scale = 1.0 / determinant if determinant > 1e-12 * trace * trace * trace else 0.0
                    u = curvatures[e, q]
                    u[0], u[1], u[2] = k00 * scale, k01 * scale, k02 * scale
                    u[3] = (l00 * l22 - l02 * l02) * scale
                    u[4] = (l01 * l02 - l00 * l12) * scale
                    u[5] = (l00 * l11 - l01 * l01) * scale
            if level >= 1:
                _integrate(stress, forces[e])
        energies[block] = energy


@numba.njit(cache=True, parallel=True)
def _hessian_product(direction, hexes, inverse, weights, actuation, rotations, curvatures, forces):
    """Fill forces (E, 8, 3) with the Hessian at the last linearization times direction (N, 3)."""
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, stress = np.empty((3, 4, 3)), np.empty((3, 4, 3))
        f, p = np.empty((3, 3)), np.empty((3, 3))
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(direction, hexes[e], derivatives)
            stress[:] = 0.0
            for q in range(8):
                inv = inverse[e, q]
                _gradient_at(derivatives, q, inv, f)
                t, r, u = actuation[e, q], rotations[e, q], curvatures[e, q]
                a00, a01, a02, a11, a12, a22 = t[0], t[1], t[2], t[3], t[4], t[5]
                r00, r01, r02, r10, r11, r12, r20, r21, r22 = r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]
                b00 = r00 * f[0, 0] + r10 * f[1, 0] + r20 * f[2, 0]
                b01 = r00 * f[0, 1] + r10 * f[1, 1] + r20 * f[2, 1]
                b02 = r00 * f[0, 2] + r10 * f[1, 2] + r20 * f[2, 2]
                b10 = r01 * f[0, 0] + r11 * f[1, 0] + r21 * f[2, 0]
                b11 = r01 * f[0, 1] + r11 * f[1, 1] + r21 * f[2, 1]
                b12 = r01 * f[0, 2] + r11 * f[1, 2] + r21 * f[2, 2]
                b20 = r02 * f[0, 0] + r12 * f[1, 0] + r22 * f[2, 0]
                b21 = r02 * f[0, 1] + r12 * f[1, 1] + r22 * f[2, 1]
                b22 = r02 * f[0, 2] + r12 * f[1, 2] + r22 * f[2, 2]
                # axial vector of B A - A B^T, then the angular velocity of R.
                x = b20 * a01 + b21 * a11 + b22 * a12 - (b10 * a02 + b11 * a12 + b12 * a22)
                y = b00 * a02 + b01 * a12 + b02 * a22 - (b20 * a00 + b21 * a01 + b22 * a02)
                z = b10 * a00 + b11 * a01 + b12 * a02 - (b00 * a01 + b01 * a11 + b02 * a12)
                o0 = u[0] * x + u[1] * y + u[2] * z
                o1 = u[1] * x + u[3] * y + u[4] * z
                o2 = u[2] * x + u[4] * y + u[5] * z
                # [o]x A, rotated and taken off dF.
                d00, d01, d02 = o1 * a02 - o2 * a01, o1 * a12 - o2 * a11, o1 * a22 - o2 * a12
                d10, d11, d12 = o2 * a00 - o0 * a02, o2 * a01 - o0 * a12, o2 * a02 - o0 * a22
                d20, d21, d22 = o0 * a01 - o1 * a00, o0 * a11 - o1 * a01, o0 * a12 - o1 * a02
                w = 2.0 * weights[e, q]
                p[0, 0] = w * (f[0, 0] - (r00 * d00 + r01 * d10 + r02 * d20))
                p[0, 1] = w * (f[0, 1] - (r00 * d01 + r01 * d11 + r02 * d21))
                p[0, 2] = w * (f[0, 2] - (r00 * d02 + r01 * d12 + r02 * d22))
                p[1, 0] = w * (f[1, 0] - (r10 * d00 + r11 * d10 + r12 * d20))
                p[1, 1] = w * (f[1, 1] - (r10 * d01 + r11 * d11 + r12 * d21))
                p[1, 2] = w * (f[1, 2] - (r10 * d02 + r11 * d12 + r12 * d22))
                p[2, 0] = w * (f[2, 0] - (r20 * d00 + r21 * d10 + r22 * d20))
                p[2, 1] = w * (f[2, 1] - (r20 * d01 + r21 * d11 + r22 * d21))
                p[2, 2] = w * (f[2, 2] - (r20 * d02 + r21 * d12 + r22 * d22))
                _add_stress(p, q, inv, stress)
            _integrate(stress, forces[e])


@numba.njit(cache=True, parallel=True)
def _gather(forces, starts, entries, out):
    """Sum the corner vectors forces (8 E, 3) of every node into out (N, 3), always in the same order."""
    for node in numba.prange(len(out)):
        x, y, z = 0.0, 0.0, 0.0
        for k in range(starts[node], starts[node + 1]):
            entry = entries[k]
            x += forces[entry, 0]
            y += forces[entry, 1]
            z += forces[entry, 2]
        out[node, 0], out[node, 1], out[node, 2] = x, y, z


class ShapeTargeting:
    """The elastic energy of one character's soft tissue.

    Args:
        rest_nodes: (N, 3) millimeters.
        hexes: (E, 8) node indices.
        fill: (E,) fraction of each cell that is tissue; counted as at least 0.2, so that no cell is left without
            stiffness.
        shear_modulus_mpa: mu, newton per square millimeter.
        stiffness: (E,) multiples of mu, one for each cell; None for 1 everywhere.

    Attributes:
        volumes: (E, 8) cubic millimeters of the cell at rest that a quadrature point stands for, filled or not.
        weights: (E, 8) mu times volume at the quadrature points, newton millimeter.
        inverse_jacobians: (E, 8, 3, 3) 1/mm.

    Raises:
        RestShapeError: if a cell has no volume.
    """

    def __init__(
        self,
        rest_nodes: np.ndarray,
        hexes: np.ndarray,
        fill: np.ndarray,
        shear_modulus_mpa: float,
        stiffness: np.ndarray | None = None,
    ) -> None:
        self.hexes = np.ascontiguousarray(hexes, dtype=np.int32)
        self.inverse_jacobians, self.volumes = reference_jacobians(rest_nodes, self.hexes)
        self.inverse_jacobians = np.ascontiguousarray(self.inverse_jacobians)
        self.weights = shear_modulus_mpa * self.volumes * np.clip(fill, 0.2, 1.0)[:, None]
        if stiffness is not None:
            self.weights *= stiffness[:, None]
        self.node_count = len(rest_nodes)
        corners = self.hexes.ravel()
        self._entries = np.argsort(corners, kind="stable").astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(corners, minlength=self.node_count))]).astype(
            np.int64
        )
        count = len(self.hexes)
        self._block_energies = np.zeros((count + _BLOCK - 1) // _BLOCK)
        self._forces = np.zeros((count, 8, 3))
        self._rotations = np.zeros((count, 8, 9))
        self._curvatures = np.zeros((count, 8, 6))
        self._actuation = np.zeros((count, 8, 6))
        self._actuation[:, :, [0, 3, 5]] = 1.0

    @property
    def actuation(self) -> np.ndarray:
        """(E, 8, 3, 3) symmetric actuation tensors now in force (a copy)."""
        return self._actuation[:, :, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 8, 3, 3)

    @property
    def stress_scale(self) -> float:
        """Square root of sum_q 2 w_q mu |A_q|^2: the stress that the actuation can exert, in the norm of K^-1."""
        return float(
            np.sqrt(
                np.einsum(
                    "eqk,eqk,k,eq->", self._actuation, self._actuation, _MULTIPLICITY, self.weights, optimize=True
                )
            )
        )

    def set_actuation(self, tensors: np.ndarray, activity: np.ndarray | None = None) -> None:
        """Set A from symmetric tensors.

        Args:
            tensors: (E, 8, 3, 3) or broadcastable; only the upper triangle is read.
            activity: (E, 8) share 0..1 of A - I that is left at each quadrature point; None leaves all of it.
        """
        tensors = np.broadcast_to(tensors, (len(self.hexes), 8, 3, 3))
        self._actuation[:] = tensors[..., [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
        if activity is not None:
            _relax(np.ascontiguousarray(activity), self._actuation)

    def set_target(self, target_nodes: np.ndarray, activity: np.ndarray | None = None) -> None:
        """Set A = R(F)^T F of the deformation that moves the rest nodes to target_nodes (N, 3) millimeters.

        Args:
            target_nodes: (N, 3) millimeters.
            activity: (E, 8) share 0..1 of A - I that is left at each quadrature point; None leaves all of it.
        """
        _actuation(
            np.ascontiguousarray(target_nodes, dtype=np.float64), self.hexes, self.inverse_jacobians, self._actuation
        )
        if activity is not None:
            _relax(np.ascontiguousarray(activity), self._actuation)

    def energy(self, nodes: np.ndarray) -> float:
        """Return the energy at nodes (N, 3) in newton millimeter."""
        self._run(nodes, 0)
        return float(self._block_energies.sum())

    def energy_and_gradient(self, nodes: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the energy in newton millimeter and its gradient (N, 3) in newton."""
        self._run(nodes, 1)
        return float(self._block_energies.sum()), self._gathered()

    def linearize(self, nodes: np.ndarray, *, exact: bool = False) -> tuple[float, np.ndarray]:
        """Return energy and gradient, and keep what `hessian_product` needs at nodes (N, 3).

        Args:
            nodes: (N, 3) millimeters.
            exact: keep the true Hessian, whose negative curvature has no bound.
        """
        self._run(nodes, 3 if exact else 2)
        return float(self._block_energies.sum()), self._gathered()

    def hessian_product(self, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian at the last `linearize` times direction (N, 3), in newton; it may be indefinite."""
        _hessian_product(
            np.ascontiguousarray(direction),
            self.hexes,
            self.inverse_jacobians,
            self.weights,
            self._actuation,
            self._rotations,
            self._curvatures,
            self._forces,
        )
        return self._gathered()

    def _run(self, nodes: np.ndarray, level: int) -> None:
        _energy_and_forces(
            np.ascontiguousarray(nodes),
            self.hexes,
            self.inverse_jacobians,
            self.weights,
            self._actuation,
            self._block_energies,
            self._forces,
            self._rotations,
            self._curvatures,
            level,
        )

    def _gathered(self) -> np.ndarray:
        out = np.empty((self.node_count, 3))
        _gather(self._forces.reshape(-1, 3), self._starts, self._entries, out)
        return out
