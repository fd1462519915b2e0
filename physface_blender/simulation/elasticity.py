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

A product with the Hessian is bound by what it reads, so that is kept in single precision, while all sums run in double. A
Hessian that is to be exact is kept in double precision.

All kernels differentiate by tensor products: the derivative along x at a Gauss point is an interpolation, in y and z
only, of four edge differences. A hexahedron so costs 36 interpolated numbers instead of 8 x 8 x 3.
"""

from __future__ import annotations

import numba
import numpy as np

from .hexahedron import GAUSS_OFFSET, reference_jacobians
from .point_lanes import (
    ACTUATION,
    CURVATURE,
    GRADIENT,
    INVERSE,
    ROTATION,
    SIZE,
    WEIGHT,
    curvature,
    energy_and_stress,
    gather_from_points,
    spread_to_points,
    stress_change,
    work_by_actuation,
)
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


@numba.njit(cache=True, parallel=True)
def _actuation(positions, hexes, inverse, out):
    """Fill out (E, 6, 8) with R^T F at every quadrature point, entries 00, 01, 02, 11, 12, 22."""
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
                out[e, 0, q] = r00 * f[0, 0] + r10 * f[1, 0] + r20 * f[2, 0]
                out[e, 1, q] = r00 * f[0, 1] + r10 * f[1, 1] + r20 * f[2, 1]
                out[e, 2, q] = r00 * f[0, 2] + r10 * f[1, 2] + r20 * f[2, 2]
                out[e, 3, q] = r01 * f[0, 1] + r11 * f[1, 1] + r21 * f[2, 1]
                out[e, 4, q] = r01 * f[0, 2] + r11 * f[1, 2] + r21 * f[2, 2]
                out[e, 5, q] = r02 * f[0, 2] + r12 * f[1, 2] + r22 * f[2, 2]


@numba.njit(cache=True, parallel=True)
def _relax(activity, actuation):
    """Draw actuation (E, 6, 8) towards I, A <- I + activity (A - I) with activity (E, 8)."""
    for e in numba.prange(len(actuation)):
        for q in range(8):
            share = activity[e, q]
            for k in range(6):
                actuation[e, k, q] *= share
            actuation[e, 0, q] += 1.0 - share
            actuation[e, 3, q] += 1.0 - share
            actuation[e, 5, q] += 1.0 - share


@numba.njit(cache=True, inline="always")
def _copy(source, target, start):
    """Copy source (K,) to target, from a place on."""
    for k in range(len(source)):
        target[start + k] = source[k]


@numba.njit(cache=True, parallel=True)
def _energy_and_forces(positions, hexes, inverse, weights, actuation, energies, forces, rotations, curvatures, level):
    """Fill block energies (B,), corner gradients (E, 8, 3), rotations (E, 72) and L^-1 (E, 48).

    level 0 fills the energies only, 1 the gradients too, 2 also what the Hessian needs, 3 the same without any lift of L.
    """
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, lanes = np.empty((3, 4, 3)), np.empty(SIZE)
        energy = 0.0
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(positions, hexes[e], derivatives)
            spread_to_points(derivatives, lanes)
            _copy(inverse[e], lanes, INVERSE)
            _copy(actuation[e], lanes, ACTUATION)
            _copy(weights[e], lanes, WEIGHT)
            energy += energy_and_stress(lanes)
            if level >= 1:
                gather_from_points(lanes, derivatives)
                _integrate(derivatives, forces[e])
            if level >= 2:
                curvature(lanes, _LEAST_SHARE if level < 3 else -1.0)
                rotations[e] = lanes[ROTATION : ROTATION + 72]
                curvatures[e] = lanes[CURVATURE : CURVATURE + 48]
        energies[block] = energy


@numba.njit(cache=True, parallel=True)
def _hessian_product(direction, hexes, inverse, weights, actuation, rotations, curvatures, forces):
    """Fill forces (E, 8, 3) with the Hessian at the last linearization times direction (N, 3)."""
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, lanes = np.empty((3, 4, 3)), np.empty(SIZE)
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(direction, hexes[e], derivatives)
            spread_to_points(derivatives, lanes)
            _copy(inverse[e], lanes, INVERSE)
            _copy(actuation[e], lanes, ACTUATION)
            _copy(rotations[e], lanes, ROTATION)
            _copy(curvatures[e], lanes, CURVATURE)
            _copy(weights[e], lanes, WEIGHT)
            stress_change(lanes)
            gather_from_points(lanes, derivatives)
            _integrate(derivatives, forces[e])


@numba.njit(cache=True, parallel=True)
def _work_by_actuation(positions, displacement, hexes, inverse, weights, actuation, out):
    """Fill out (E, 6, 8); see `point_lanes.work_by_actuation`."""
    count = len(hexes)
    for block in numba.prange((count + _BLOCK - 1) // _BLOCK):
        derivatives, lanes, deformation = np.empty((3, 4, 3)), np.empty(SIZE), np.empty(72)
        for e in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
            _differentiate(positions, hexes[e], derivatives)
            spread_to_points(derivatives, lanes)
            _copy(inverse[e], lanes, INVERSE)
            _copy(actuation[e], lanes, ACTUATION)
            _copy(weights[e], lanes, WEIGHT)
            energy_and_stress(lanes)
            curvature(lanes, -1.0)
            deformation[:] = lanes[GRADIENT : GRADIENT + 72]
            _differentiate(displacement, hexes[e], derivatives)
            spread_to_points(derivatives, lanes)
            work_by_actuation(lanes, deformation, out[e])


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
        self._inverse_by_points = np.ascontiguousarray(self.inverse_jacobians.reshape(-1, 8, 9).swapaxes(1, 2)).reshape(
            -1, 72
        )
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
        self._actuation = np.zeros((count, 6, 8))
        self._actuation[:, [0, 3, 5]] = 1.0
        self._keep_hessian_in(np.float32)

    def _keep_hessian_in(self, precision: type) -> None:
        """Make room for what `hessian_product` reads."""
        count = len(self.hexes)
        self._rotations = np.zeros((count, 72), dtype=precision)
        self._curvatures = np.zeros((count, 48), dtype=precision)
        self._kept_inverse = self._inverse_by_points.astype(precision, copy=False)
        self._kept_actuation = np.empty((count, 48), dtype=precision)

    @property
    def actuation(self) -> np.ndarray:
        """(E, 8, 3, 3) symmetric actuation tensors now in force (a copy)."""
        return _matrices(self._actuation)

    @property
    def stress_scale(self) -> float:
        """Square root of sum_q 2 w_q mu |A_q|^2: the stress that the actuation can exert, in the norm of K^-1."""
        return float(
            np.sqrt(
                np.einsum(
                    "ekq,ekq,k,eq->", self._actuation, self._actuation, _MULTIPLICITY, self.weights, optimize=True
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
        self._actuation[:] = tensors[..., [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]].swapaxes(1, 2)
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
        precision = np.float64 if exact else np.float32
        if self._rotations.dtype != precision:
            self._keep_hessian_in(precision)
        self._kept_actuation[:] = self._actuation.reshape(-1, 48)
        self._run(nodes, 3 if exact else 2)
        return float(self._block_energies.sum()), self._gathered()

    def hessian_product(self, direction: np.ndarray) -> np.ndarray:
        """Return the Hessian at the last `linearize` times direction (N, 3), in newton; it may be indefinite."""
        _hessian_product(
            np.ascontiguousarray(direction),
            self.hexes,
            self._kept_inverse,
            self.weights,
            self._kept_actuation,
            self._rotations,
            self._curvatures,
            self._forces,
        )
        return self._gathered()

    def work_by_actuation(self, nodes: np.ndarray, displacement: np.ndarray) -> np.ndarray:
        """Return the derivatives (E, 8, 3, 3) by A of minus the work that the stress at nodes does on a displacement.

        Args:
            nodes: (N, 3) millimeters.
            displacement: (N, 3).
        """
        out = np.empty_like(self._actuation)
        _work_by_actuation(
            np.ascontiguousarray(nodes, dtype=np.float64),
            np.ascontiguousarray(displacement, dtype=np.float64),
            self.hexes,
            self._inverse_by_points,
            self.weights,
            self._actuation.reshape(-1, 48),
            out,
        )
        return _matrices(out)

    def _run(self, nodes: np.ndarray, level: int) -> None:
        _energy_and_forces(
            np.ascontiguousarray(nodes),
            self.hexes,
            self._inverse_by_points,
            self.weights,
            self._actuation.reshape(-1, 48),
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


def _matrices(entries: np.ndarray) -> np.ndarray:
    """Return symmetric (E, 8, 3, 3) from entries 00, 01, 02, 11, 12, 22, (E, 6, 8)."""
    return entries.swapaxes(1, 2)[:, :, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 8, 3, 3)
