"""A step of the second stage on a GPU: many frames of all actors at once, with all their cells."""

from collections.abc import Sequence

import torch

from ...networks.actuation import ActuationModel, symmetric_tensor, warp
from .projective_batch import ProjectiveBatch, sparse_matrix
from .stage_one import ACTUATION_WEIGHT, JAW_WEIGHT, Lesson, Variant, coordinates_for, jaw_distance
from .stage_two import ADJOINT_ITERATIONS, FOLLOWING_ITERATIONS, ROUNDING_MM

SETTLING_ITERATIONS = 12
"""From rest toward a pose in equilibrium, once for every frame."""


class ManyFrames:
    """See ``stage_two.TakeFrames``; K actors with B frames of each in a step."""

    def __init__(self, lessons: Sequence[Lesson], variant: Variant, frames: int, device: torch.device) -> None:
        """Take over what is known of the actors, who share the coarse mesh."""
        self.device, self._variant, self._frames = device, variant, frames
        lessons = [lesson.on(device) for lesson in lessons]
        performers = [lesson.performer for lesson in lessons]
        self._tensors = [lesson.tensors for lesson in lessons]
        self._tissue = ProjectiveBatch([performer.active for performer in performers], device)
        self._coordinates = torch.stack([coordinates_for(performer, variant) for performer in performers])
        self._rotations = torch.stack([performer.cell_rotations for performer in performers])
        self._skin = [sparse_matrix(performer.skin, device) for performer in performers]
        self._skin_back = [sparse_matrix(performer.skin.T.tocsr(), device) for performer in performers]
        # Where the nodes would have to carry the skin of a still face, without what they do not carry of it.
        self._still = [
            torch.as_tensor(performer.actor.neutral[performer.carried] - performer.detail, dtype=torch.float32).to(
                device
            )
            for performer in performers
        ]
        frame = torch.stack([torch.as_tensor(performer.jaw_frame, dtype=torch.float32) for performer in performers])
        self._jaw_frame, self._jaw_back = frame.to(device), torch.linalg.inv(frame).to(device)
        self._poses: list[torch.Tensor] = []

    def __call__(self, model: ActuationModel, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """See ``stage_two.TakeFrames``."""
        if not self._poses:
            self._settle(model)
        rows = [
            torch.randint(len(one.expression), (self._frames,), generator=generator, device=self.device)
            for one in self._tensors
        ]
        motion, tensors = self._output(model, rows)
        wanted = torch.stack([one.jaw[row] for one, row in zip(self._tensors, rows, strict=True)])
        loss = JAW_WEIGHT * jaw_distance(motion.flatten(0, 1), wanted.flatten(0, 1))
        loss = loss + ACTUATION_WEIGHT * (tensors - torch.eye(3, device=self.device)).square().sum((-1, -2)).mean()
        turned = self._jaw_frame[:, None] @ motion @ self._jaw_back[:, None]
        with torch.no_grad():
            start = torch.stack([poses[row] for poses, row in zip(self._poses, rows, strict=True)])
            nodes = self._tissue.solve(tensors, turned, start, FOLLOWING_ITERATIONS)
            for poses, row, one in zip(self._poses, rows, nodes, strict=True):
                poses[row] = one
            distance, by_nodes = self._distance(nodes, rows)
            by_tensors, by_jaw = self._tissue.gradients(nodes, tensors, by_nodes, ADJOINT_ITERATIONS)
        pulled = (tensors * by_tensors).sum() + (turned * by_jaw).sum()
        return loss + pulled / (len(rows) * self._frames), distance

    def _distance(self, nodes: torch.Tensor, rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The skin's mean distance in mm, and the derivative (K, B, N, 3) of each frame's own rounded one by its nodes."""
        distances, slopes = [], []
        for index, (one, row) in enumerate(zip(self._tensors, rows, strict=True)):
            # Frames beside each other, (N, B 3), as a sparse product wants them.
            flat = nodes[index].transpose(0, 1).flatten(1)
            skin = (self._skin[index] @ flat).unflatten(1, (len(row), 3))
            gap = skin - (self._still[index][:, None] + one.displacement[row].transpose(0, 1))
            square = gap.square().sum(-1, keepdim=True)
            distances.append(square.sqrt().mean())
            slope = gap / (square + ROUNDING_MM**2).sqrt() / len(gap)
            slopes.append((self._skin_back[index] @ slope.flatten(1)).unflatten(1, (len(row), 3)).transpose(0, 1))
        return torch.stack(distances).mean(), torch.stack(slopes)

    def _output(self, model: ActuationModel, rows: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Jaw (K, B, 4, 4) in canonical coordinates and tensors (K, B, E, 3, 3) in the actors' material spaces."""
        count = len(rows[0])
        expression = torch.cat([one.expression[row] for one, row in zip(self._tensors, rows, strict=True)])
        code = model.code(expression, model.styles[: len(rows)].repeat_interleave(count, dim=0))
        tensors = symmetric_tensor(model.field(self._coordinates.repeat_interleave(count, dim=0), code))
        tensors = tensors.unflatten(0, (len(rows), count))
        if self._variant.warp:
            tensors = warp(tensors, self._rotations[:, None])
        return model.jaw_motion(code).unflatten(0, (len(rows), count)), tensors

    @torch.no_grad()
    def _settle(self, model: ActuationModel) -> None:
        """Bring every frame from rest to its pose under the model as it is."""
        counts = [len(one.expression) for one in self._tensors]
        found: list[list[torch.Tensor]] = [[] for _ in counts]
        for begin in range(0, max(counts), self._frames):
            # The shorter ones' last frame is repeated, and not kept.
            rows = [
                torch.arange(begin, begin + self._frames, device=self.device).clamp_max(count - 1) for count in counts
            ]
            motion, tensors = self._output(model, rows)
            turned = self._jaw_frame[:, None] @ motion @ self._jaw_back[:, None]
            for kept, one in zip(found, self._tissue.solve(tensors, turned, None, SETTLING_ITERATIONS), strict=True):
                kept.append(one)
        self._poses = [torch.cat(kept)[:count] for kept, count in zip(found, counts, strict=True)]
