"""Projective dynamics of many frames of several actors at once, on a GPU: what ``projective`` does one frame at a time.

The actors' meshes differ in where their nodes rest and share everything else, so all of them go through the same few
hundred kernels. In place of a sparse factor every actor has the dense inverse of its constant matrix: a GPU multiplies
by it in less time than the levels of a sparse substitution take to start. All is single precision.

Inside, values of Gauss points are (K, E, 8, 3, 3, B) for K actors, E cells, B frames, and matrices lie there transposed:
the first 3 is the column (rest coordinate), the second the row (coordinate in space).
"""

from collections.abc import Sequence

import scipy.sparse
import torch

from .projective import ProjectiveTissue

NEWTON_STEPS = 6
"""Toward the first invariant of the stretch; from above and monotone, so that what is missing only turns less."""


class ProjectiveBatch:
    """The soft tissue of K actors on the same coarse mesh: E hexahedra, N nodes, with B frames of each."""

    def __init__(self, tissues: Sequence[ProjectiveTissue], device: torch.device) -> None:
        """Take over tissues that share their hexahedra."""

        def stacked(values: list) -> torch.Tensor:
            return torch.stack([torch.as_tensor(value, dtype=torch.float32) for value in values]).to(device)

        self._hexes = torch.as_tensor(tissues[0].hexes, device=device)
        slopes = stacked([tissue.slopes for tissue in tissues])
        weights = stacked([tissue.weights for tissue in tissues])
        count, cells = slopes.shape[:2]
        # (K, E, 8 points * 3, 8 corners), and the weighted way back.
        self._gradient = slopes.transpose(-1, -2).reshape(count, cells, 24, 8).contiguous()
        self._divergence = (
            (weights[..., None, None] * slopes).permute(0, 1, 3, 2, 4).reshape(count, cells, 8, 24).contiguous()
        )
        self._weights = weights
        self._rest = stacked([tissue.rest_nodes for tissue in tissues])
        self._fixed = stacked([tissue.fixed_forces for tissue in tissues])
        self._mandible = stacked([tissue.mandible_forces for tissue in tissues])
        self._matrices = [sparse_matrix(tissue.matrix, device) for tissue in tissues]
        self._inverse = torch.stack([_inverse(tissue.matrix, device) for tissue in tissues])

    def solve(
        self, actuation: torch.Tensor, jaw: torch.Tensor, start: torch.Tensor | None, iterations: int
    ) -> torch.Tensor:
        """Nodes (K, B, N, 3) in equilibrium.

        Args:
            actuation: (K, B, E, 3, 3) symmetric.
            jaw: (K, B, 4, 4) rigid motion of the mandible.
            start: (K, B, N, 3); None starts at rest.
            iterations: local and global steps.
        """
        tensors = actuation.permute(0, 2, 3, 4, 1).unsqueeze(2).contiguous()
        # (K, N, 4) times (K, B, 3, 4): what the mandible pulls at.
        fixed = self._fixed[..., None] + torch.einsum("kna,kbia->knib", self._mandible, jaw[:, :, :3])
        nodes = self._rest[:, None].expand(-1, len(actuation[0]), -1, -1) if start is None else start
        nodes = nodes.permute(0, 2, 3, 1).contiguous()
        for _ in range(iterations):
            moved = _times(tensors, self._gradients(nodes))
            target = _times(tensors, _rotation(moved))
            nodes = self._global_step(fixed + self._assemble(target))
        return nodes.permute(0, 3, 1, 2).contiguous()

    def gradients(
        self, nodes: torch.Tensor, actuation: torch.Tensor, loss: torch.Tensor, iterations: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """How a loss of the nodes changes with the tensors (K, B, E, 3, 3) and the jaw (K, B, 4, 4).

        Args:
            nodes: (K, B, N, 3) in equilibrium under the actuation.
            actuation: (K, B, E, 3, 3) symmetric.
            loss: (K, B, N, 3) derivative of the loss by the nodes.
            iterations: of conjugate gradients, as in ``ProjectiveTissue.gradients``.
        """
        tensors = actuation.permute(0, 2, 3, 4, 1).unsqueeze(2).contiguous()
        deformation = self._gradients(nodes.permute(0, 2, 3, 1).contiguous())
        moved = _times(tensors, deformation)
        rotation = _rotation(moved)
        stiffness = _turning_inverse(rotation, moved)

        residual = loss.permute(0, 2, 3, 1).contiguous()
        adjoint = torch.zeros_like(residual)
        direction = preconditioned = self._global_step(residual)
        energy = (residual * preconditioned).sum((1, 2))
        for _ in range(iterations):
            turned = _turned(tensors, rotation, stiffness, self._gradients(direction))
            product = self._constant(direction) - self._assemble(_times(tensors, turned))
            curvature = (direction * product).sum((1, 2))
            # Squeezed tissue about to snap: what is found so far must do for that frame.
            sound = (curvature > 0.0) & (energy > 0.0)
            step = torch.where(sound, energy / torch.where(sound, curvature, 1.0), 0.0)[:, None, None]
            adjoint = adjoint + step * direction
            residual = residual - step * product
            preconditioned = self._global_step(residual)
            before, energy = energy, (residual * preconditioned).sum((1, 2))
            again = torch.where(sound, energy / torch.where(sound, before, 1.0), 0.0)[:, None, None]
            direction = preconditioned + again * direction
            energy = torch.where(sound, energy, 0.0)
        slope = self._gradients(adjoint)
        turned = _turned(tensors, rotation, stiffness, slope)
        by_actuation = (
            rotation.unsqueeze(4) * slope.unsqueeze(3) + deformation.unsqueeze(4) * turned.unsqueeze(3)
        ).sum(5)
        by_actuation = (self._weights[..., None, None, None] * by_actuation).sum(2)
        by_actuation = 0.5 * (by_actuation + by_actuation.transpose(2, 3))
        by_jaw = torch.zeros(*actuation.shape[:2], 4, 4, device=nodes.device)
        by_jaw[:, :, :3] = torch.einsum("knib,kna->kbia", adjoint, self._mandible)
        return by_actuation.permute(0, 4, 1, 2, 3), by_jaw

    def _gradients(self, nodes: torch.Tensor) -> torch.Tensor:
        """Gradients at all points (K, E, 8, 3, 3, B) of nodes (K, N, 3, B)."""
        corners = nodes[:, self._hexes].flatten(4).flatten(3)
        return (self._gradient @ corners).unflatten(2, (8, 3)).unflatten(4, (3, -1))

    def _assemble(self, points: torch.Tensor) -> torch.Tensor:
        """Forces (K, N, 3, B) of tensors at all points (K, E, 8, 3, 3, B)."""
        forces = self._divergence @ points.flatten(4).flatten(2, 3)
        out = torch.zeros(len(forces), self._rest.shape[1], forces.shape[-1], device=forces.device)
        out.index_add_(1, self._hexes.flatten(), forces.flatten(1, 2))
        return out.unflatten(2, (3, -1))

    def _global_step(self, right: torch.Tensor) -> torch.Tensor:
        return (self._inverse @ right.flatten(2)).unflatten(2, (3, -1))

    def _constant(self, nodes: torch.Tensor) -> torch.Tensor:
        """The constant matrix times nodes (K, N, 3, B)."""
        flat = nodes.flatten(2)
        products = [matrix @ one for matrix, one in zip(self._matrices, flat, strict=True)]
        return torch.stack(products).unflatten(2, (3, -1))


def sparse_matrix(matrix: scipy.sparse.csr_matrix, device: torch.device) -> torch.Tensor:
    """A matrix on a device, in single precision."""
    parts = (torch.as_tensor(part) for part in (matrix.indptr, matrix.indices, matrix.data.astype("float32")))
    return torch.sparse_csr_tensor(*parts, size=matrix.shape).to(device)


def _inverse(matrix: scipy.sparse.csr_matrix, device: torch.device) -> torch.Tensor:
    dense = torch.as_tensor(matrix.toarray(), dtype=torch.float64).to(device)
    return torch.cholesky_inverse(torch.linalg.cholesky(dense)).float()


def _times(actuation: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """F A at all points for A (K, E, 1, 3, 3, B); everything transposed."""
    product = actuation[:, :, :, 0].unsqueeze(4) * points[:, :, :, 0].unsqueeze(3)
    for column in (1, 2):
        product = torch.addcmul(product, actuation[:, :, :, column].unsqueeze(4), points[:, :, :, column].unsqueeze(3))
    return product


def _cofactors(matrix: torch.Tensor) -> torch.Tensor:
    a, b, c = matrix.unbind(3)
    return torch.stack([torch.linalg.cross(x, y, dim=3) for x, y in ((b, c), (c, a), (a, b))], dim=3)


def _rotation(matrix: torch.Tensor) -> torch.Tensor:
    """The rotations nearest to (K, E, 8, 3, 3, B), in the closed form of ``simulation.polar``."""
    cofactors = _cofactors(matrix)
    size, inverse_size = matrix.square().sum((3, 4)), cofactors.square().sum((3, 4))
    determinant = (matrix[:, :, :, 0] * cofactors[:, :, :, 0]).sum(3)
    first = (3.0 * size).sqrt()
    for _ in range(NEWTON_STEPS):
        gap = first.square() - size
        slope = 4.0 * first * gap - 8.0 * determinant
        value = gap.square() - 8.0 * determinant * first - 4.0 * inverse_size
        first = first - value / slope.clamp_min(1e-12)
    second = 0.5 * (first.square() - size)
    scale = 1.0 / torch.maximum(first * second - determinant, 1e-6 * first**3)
    squares = (matrix.unsqueeze(4) * matrix.unsqueeze(3)).sum(5)
    cubes = _times(squares, matrix)
    scale = scale[:, :, :, None, None]
    first, second = first[:, :, :, None, None], second[:, :, :, None, None]
    return scale * ((first.square() - second) * matrix + first * cofactors - cubes)


def _turning_inverse(rotation: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """Inverses (K, E, 8, 3, 3, B) of tr(S) I - S; zero where it is nearly singular or turned over."""
    stretch = (rotation.unsqueeze(4) * moved.unsqueeze(3)).sum(5)
    trace = stretch.diagonal(dim1=3, dim2=4).sum(-1)[:, :, :, None, None]
    matrix = trace * torch.eye(3, device=stretch.device)[..., None] - stretch
    cofactors = _cofactors(matrix)
    determinant = (matrix[:, :, :, 0] * cofactors[:, :, :, 0]).sum(3)
    sound = determinant > 1e-3
    scale = torch.where(sound, 1.0 / torch.where(sound, determinant, 1.0), 0.0)
    return scale[:, :, :, None, None] * cofactors.transpose(3, 4)


def _turned(
    actuation: torch.Tensor, rotation: torch.Tensor, inverse: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor:
    """R [omega] at all points: how the rotations turn when the deformation changes by a gradient."""
    axial = -torch.linalg.cross(rotation, _times(actuation, gradient), dim=3).sum(4)
    omega = (inverse * axial[:, :, :, None]).sum(4)
    return torch.linalg.cross(rotation, omega.unsqueeze(4).expand_as(rotation), dim=3)
