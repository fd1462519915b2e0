"""Incremental potential contact between skin and skin, teeth and eyeballs (paper 001, section 4.4).

The barrier acts on the patch p = W u + detail, so its Hessian H reaches the nodes as W^T H W. Teeth and eyeballs are
obstacles whose motion is given. The linear systems of a step, (K + W^T H W) d = -g, are solved exactly at the cost of
one solve with K and a small dense one, through the compliance of the patch nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy.linalg import cho_solve, get_blas_funcs, get_lapack_funcs, lapack
from scipy.sparse import identity, kron

from .barrier import SurfaceBarrier
from .collision_geometry import CollisionGeometry
from .friction import Friction
from .obstacle import REST_POSE, RigidPose

_SQUEEZED = 0.05
"""Fraction of d-hat below which the forces are so large that the barrier's whole Hessian is needed: with the part along
the line between closest points alone, one leap in nine ended squeezed fast."""
_STRIPES = 4
"""Pieces that the compliance is divided into where several threads read it."""
_MILD = 1e3
"""Ratio of the barrier's stiffness to that of the tissue up to which single precision holds both."""


@dataclass(frozen=True)
class BarrierTerms:
    """Barrier and friction expanded to second order at one pose, on the patch nodes.

    Attributes:
        energy: newton millimeter.
        gradient: (R, 3) by the patch nodes, newton.
        active: (A,) indices into the patch nodes that some contact moves.
        hessian: (3 A, 3 A) positive semidefinite, newton per millimeter.
        drag: (R, 3) change of the gradient when the obstacles take the step they were asked about, newton.
        pairs: number of contacts.
    """

    energy: float
    gradient: np.ndarray
    active: np.ndarray
    hessian: np.ndarray
    drag: np.ndarray
    pairs: int


class Contact:
    """The colliding surfaces of one character and what keeps them apart.

    Args:
        geometry: the surfaces.
        rest_nodes: (N, 3) nodes at rest, where areas are measured.
        distance_mm: d-hat, the distance at which the barrier begins.
        stiffness_mpa: pressure scale of the barrier.

    Attributes:
        barrier: the barrier between the surfaces.
    """

    def __init__(
        self, geometry: CollisionGeometry, rest_nodes: np.ndarray, distance_mm: float, stiffness_mpa: float
    ) -> None:
        self.geometry = geometry
        rest = geometry.surface(rest_nodes, REST_POSE)
        self.barrier = SurfaceBarrier(rest, geometry.faces, len(geometry.skin_vertices), distance_mm, stiffness_mpa)
        self._friction: Friction | None = None
        self._carriers = np.searchsorted(geometry.patch_nodes, geometry.corners).astype(np.int32)

    def intersects(self, nodes: np.ndarray, pose: RigidPose) -> bool:
        """Return whether any two triangles that may collide intersect, at nodes (N, 3) and a pose."""
        return self.barrier.intersects(self.geometry.surface(nodes, pose))

    def begin_frame(self, surface: np.ndarray, friction: float) -> None:
        """Let surfaces rub on each other from where they are; friction is mu, 0 for none."""
        pairs = self.barrier.pairs(surface)
        self._friction = Friction(pairs, surface, friction) if friction > 0.0 and len(pairs) else None

    def expand(self, surface: np.ndarray, obstacle_step: np.ndarray | None = None) -> BarrierTerms:
        """Return barrier and friction to second order at a surface.

        Args:
            surface: all vertices, free of intersection.
            obstacle_step: displacement of all vertices, of which that of the obstacles is read; None if they rest.
        """
        count = len(self.geometry.patch_nodes)
        pairs = self.barrier.pairs(surface)
        if not len(pairs) and self._friction is None:
            nothing = np.zeros((count, 3))
            return BarrierTerms(0.0, nothing, np.zeros(0, dtype=np.int64), np.zeros((0, 0)), nothing, 0)
        step = np.zeros((0, 3)) if obstacle_step is None else np.ascontiguousarray(obstacle_step)
        energy = pairs.energy
        is_squeezed = pairs.distances.min(initial=np.inf) < _SQUEEZED * self.barrier.distance_mm
        curvatures = np.zeros(len(pairs)) if is_squeezed else pairs.curvatures
        terms = pairs.corners, pairs.weights, pairs.normals, pairs.forces, curvatures
        if self._friction is not None:
            rubbing = self._friction.expand(surface)
            energy += rubbing.energy
            more = rubbing.corners, rubbing.weights, rubbing.directions, rubbing.forces, rubbing.curvatures
            terms = [np.concatenate(parts) for parts in zip(terms, more, strict=True)]
        gradient, drag, active, hessian = _on_nodes(*terms, step, self._carriers, self.geometry.weights, count)
        if is_squeezed:
            full = self.barrier.exact_hessian(surface, projected=True)
            skin = 3 * len(self.geometry.skin_vertices)
            rows = (3 * active[:, None] + np.arange(3)).ravel()
            spread = kron(self.geometry.patch_matrix, identity(3), format="csc")[:, rows]
            hessian += (spread.T @ (full[:, :skin] @ spread)).toarray()
            if len(step):
                drag[active] += (spread.T @ (full[:, skin:] @ step.ravel()[skin:])).reshape(-1, 3)
        return BarrierTerms(energy, gradient, active, hessian, drag, len(pairs))

    def energy(self, surface: np.ndarray) -> float:
        """Return the energy of barrier and friction at a surface, newton millimeter."""
        energy = self.barrier.pairs(surface).energy
        return energy if self._friction is None else energy + self._friction.expand(surface).energy


@numba.njit(cache=True)
def _on_nodes(corners, weights, directions, forces, curvatures, step, carriers, shares, count):
    """Return gradient (R, 3), drag (R, 3), active nodes (A,) and Hessian (3 A, 3 A) on the patch nodes.

    The vertices of a pair are carried by the same few cells: their shares in a node are added up first.
    """
    gradient, drag = np.zeros((count, 3)), np.zeros((count, 3))
    nodes, parts = np.empty((len(corners), 32), np.int32), np.zeros((len(corners), 32))
    sizes = np.zeros(len(corners), np.int64)
    number = np.full(count, -1, np.int64)
    for pair in range(len(corners)):
        pull = 0.0
        size = 0
        for corner in range(4):
            vertex, weight = corners[pair, corner], weights[pair, corner]
            if vertex >= len(carriers):
                if len(step):
                    for axis in range(3):
                        pull += weight * directions[pair, axis] * step[vertex, axis]
                continue
            for carrier in range(8):
                node, share = carriers[vertex, carrier], shares[vertex, carrier]
                for axis in range(3):
                    gradient[node, axis] += share * forces[pair, corner, axis]
                if weight == 0.0 or share == 0.0:
                    continue
                at = 0
                while at < size and nodes[pair, at] != node:
                    at += 1
                if at == size:
                    nodes[pair, at] = node
                    size += 1
                parts[pair, at] += share * weight
        sizes[pair] = size
        for at in range(size):
            number[nodes[pair, at]] = 0
            for axis in range(3):
                drag[nodes[pair, at], axis] += curvatures[pair] * pull * parts[pair, at] * directions[pair, axis]
    active = np.flatnonzero(number == 0)
    for at in range(len(active)):
        number[active[at]] = at
    hessian = np.zeros((3 * len(active), 3 * len(active)))
    square = np.empty((3, 3))
    for pair in range(len(corners)):
        for i in range(3):
            for j in range(3):
                square[i, j] = curvatures[pair] * directions[pair, i] * directions[pair, j]
        for first in range(sizes[pair]):
            row = 3 * number[nodes[pair, first]]
            for second in range(sizes[pair]):
                column = 3 * number[nodes[pair, second]]
                part = parts[pair, first] * parts[pair, second]
                for i in range(3):
                    for j in range(3):
                        hessian[row + i, column + j] += part * square[i, j]
    return gradient, drag, active, hessian


class ContactSolution:
    """Solves with a stiffness matrix to which the Hessian of the barrier was added.

    With C the compliance of the patch nodes, (C^-1 + H) x = C^-1 c has on the active nodes a the solution x_a =
    (C_aa^-1 + H)^-1 C_aa^-1 c_a, and elsewhere contact takes C H x_a off c. C_aa is the same for x, y and z, so its
    inverse costs little, and what is left is one symmetric positive definite system.

    Args:
        compliance: (R, R) millimeter per newton.
        terms: the barrier's expansion.
    """

    def __init__(self, compliance: np.ndarray, terms: BarrierTerms) -> None:
        active = terms.active
        self._active = active
        # The compliance is symmetric: rows lie together in memory, columns do not.
        self._rows = compliance[active]
        local, _ = lapack.dpotrf(self._rows[:, active].T.astype(np.float64), lower=1, overwrite_a=1)
        inverse, _ = lapack.dpotri(local, lower=1, overwrite_c=1)
        self._stiffness = np.tril(inverse) + np.tril(inverse, -1).T
        # As precise as the factor of the stiffness, for a preconditioner need not be better; unless surfaces are so near
        # that single precision cannot hold barrier and tissue at once.
        is_mild = terms.hessian.diagonal().max() < _MILD * self._stiffness.diagonal().max()
        self._hessian = terms.hessian.astype(compliance.dtype if is_mild else np.float64, copy=False)
        self._factor = _factor(_stiffened(self._hessian, self._stiffness), self._hessian.dtype)
        (self._product,) = get_blas_funcs(("symv",), (self._hessian,))

    def __call__(self, free: np.ndarray) -> np.ndarray:
        """Return what contact takes off the displacement free (R, 3) that the patch nodes would have without it."""
        load = (self._stiffness @ free[self._active]).astype(self._hessian.dtype)
        moved = cho_solve(self._factor, load.ravel(), check_finite=False)
        forces = self._product(1.0, self._hessian.T, moved).reshape(-1, 3)
        return _combined(self._rows, np.ascontiguousarray(forces.T, dtype=self._rows.dtype)).T


@numba.njit(cache=True, parallel=True)
def _stiffened(hessian, stiffness):
    """Return hessian (3 A, 3 A) plus stiffness (A, A) for each of x, y and z."""
    system = np.empty_like(hessian)
    for node in numba.prange(len(stiffness)):
        for axis in range(3):
            row, sums = hessian[3 * node + axis], system[3 * node + axis]
            sums[:] = row
            for other in range(len(stiffness)):
                sums[3 * other + axis] += stiffness[node, other]
    return system


@numba.njit(cache=True, parallel=True, fastmath={"reassoc", "contract", "nsz"})
def _combined(rows, factors):
    """Return factors (3, A) times rows (A, R)."""
    count, width = rows.shape
    out = np.zeros((3, width), rows.dtype)
    for part in numba.prange(_STRIPES):
        low, high = part * width // _STRIPES, (part + 1) * width // _STRIPES
        first, second, third = out[0, low:high], out[1, low:high], out[2, low:high]
        node = 0
        while node + 4 <= count:
            a, b, c, d = (
                rows[node, low:high],
                rows[node + 1, low:high],
                rows[node + 2, low:high],
                rows[node + 3, low:high],
            )
            a0, b0, c0, d0 = factors[0, node], factors[0, node + 1], factors[0, node + 2], factors[0, node + 3]
            a1, b1, c1, d1 = factors[1, node], factors[1, node + 1], factors[1, node + 2], factors[1, node + 3]
            a2, b2, c2, d2 = factors[2, node], factors[2, node + 1], factors[2, node + 2], factors[2, node + 3]
            for r in range(high - low):
                u, v, w, t = a[r], b[r], c[r], d[r]
                first[r] += u * a0 + v * b0 + w * c0 + t * d0
                second[r] += u * a1 + v * b1 + w * c1 + t * d1
                third[r] += u * a2 + v * b2 + w * c2 + t * d2
            node += 4
        while node < count:
            a, a0, a1, a2 = rows[node, low:high], factors[0, node], factors[1, node], factors[2, node]
            for r in range(high - low):
                first[r] += a[r] * a0
                second[r] += a[r] * a1
                third[r] += a[r] * a2
            node += 1
    return out


def _factor(system: np.ndarray, precision: type) -> tuple[np.ndarray, bool]:
    """Return the Cholesky factor of a positive definite matrix (N, N), which is left as it is, for `cho_solve`.

    Where rounding has made it indefinite, it is raised by the least of some powers of ten times its largest entry: it
    only preconditions, so that costs iterations and nothing else.
    """
    largest = system.diagonal().max()
    for kind, lift in ((precision, 0.0), (np.float64, 0.0), *((np.float64, 10.0**power) for power in range(-14, 0))):
        raised = system.astype(kind)  # symmetric: its transpose is what LAPACK takes without another copy
        raised.flat[:: len(system) + 1] += lift * largest
        (potrf,) = get_lapack_funcs(("potrf",), (raised,))
        lower, info = potrf(raised.T, lower=True, overwrite_a=True, clean=False)
        if info == 0:
            return lower, True
    raise ArithmeticError("The contact forces hold numbers that are not finite.")
