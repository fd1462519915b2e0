"""Keeps the captures' lids outside the eyeballs, cornea included.

The source's linear blink cuts up to 2.8 mm deep through its own eyeball. Here the lids slide over it: a vertex keeps
the distance from the eyeball's surface that it has at rest, if that is small, wherever it goes.
"""

from dataclasses import dataclass

import torch

from .rigid_motion_exponential import rigid_exponential
from .template.eyes import PROFILE_DEGREES, Eyeball

FREE_MM = 0.8
"""Vertices that rest farther out than this may come this near."""
LEAST_MM = 0.15
"""A vertex that rests nearer to the eyeball, or in it, is at this distance once it has moved a while."""
MOVED_MM = 3.0
"""How far it has then moved."""


@dataclass(frozen=True)
class LidClearance:
    """One eyeball of all identities.

    Attributes:
        center: (3,) of the mean eyeball, millimetres.
        center_modes: (100, 3) displacement of it per identity coefficient.
        axis: (3,) unit vector through the pupil at rest.
        degrees: (K,) from the axis, where the surface was measured.
        radii: (K,) distance of the surface from the center there, millimetres.
        look: (52, 3) rotation vector in radians at weight 1 of each ARKit weight.
    """

    center: torch.Tensor
    center_modes: torch.Tensor
    axis: torch.Tensor
    degrees: torch.Tensor
    radii: torch.Tensor
    look: torch.Tensor

    @classmethod
    def of(cls, eye: Eyeball, center_modes: torch.Tensor, look: torch.Tensor) -> "LidClearance":
        """Take an eyeball of the mean face to the device of its modes (100, 3) and look directions (52, 3)."""
        center, axis, degrees, radii = (
            torch.as_tensor(values, dtype=torch.float32, device=center_modes.device)
            for values in (eye.center, eye.axis, PROFILE_DEGREES, eye.radii)
        )
        return cls(center, center_modes, axis, degrees, radii, look)

    def push_out(
        self, moved: torch.Tensor, rest: torch.Tensor, identities: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Return moved (B, P, 3) with what had come too near moved away from the center.

        Args:
            moved: positions under the weights, millimetres.
            rest: (B, P, 3) neutral positions.
            identities: (B, 100).
            weights: (B, 52) ARKit weights, of which the gaze turns the cornea.
        """
        center = (self.center + identities @ self.center_modes).unsqueeze(1)
        turn = rigid_exponential(_cross_matrices(weights @ self.look))
        axis_now = (turn @ self.axis).unsqueeze(1)
        gap = (rest - center).norm(dim=2) - self._radius_toward(rest - center, self.axis)
        offset = moved - center
        distance = offset.norm(dim=2)
        share = ((moved - rest).norm(dim=2) / MOVED_MM).clamp(max=1.0)
        wanted = gap + share * (gap.clamp(min=LEAST_MM) - gap)
        least = self._radius_toward(offset, axis_now) + wanted.clamp(max=FREE_MM)
        # At rest, and where nothing moves, the source's own depth is kept.
        least = torch.where(share > 0.0, least, distance)
        factor = (least / distance.clamp(min=1e-3)).clamp(min=1.0)
        return center + offset * factor.unsqueeze(2)

    def _radius_toward(self, offset: torch.Tensor, axis: torch.Tensor) -> torch.Tensor:
        """Distance (B, P) of the surface from the center toward offsets (B, P, 3), for an axis (3,) or (B, 1, 3)."""
        cosine = (offset * axis).sum(dim=2) / offset.norm(dim=2).clamp(min=1e-3)
        degrees = torch.rad2deg(torch.arccos(cosine.clamp(-1.0, 1.0)))
        upper = torch.bucketize(degrees, self.degrees).clamp(1, len(self.degrees) - 1)
        low, high = self.degrees[upper - 1], self.degrees[upper]
        share = (degrees - low) / (high - low)
        return torch.lerp(self.radii[upper - 1], self.radii[upper], share)


def _cross_matrices(vectors: torch.Tensor) -> torch.Tensor:
    """The matrices (B, 3, 3) of the cross product with vectors (B, 3)."""
    x, y, z = vectors.unbind(dim=1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
