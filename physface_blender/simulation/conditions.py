"""What acts on the tissue besides its actuation and its bones: gravity, friction, paralysis, an edited mandible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mandible_shape import MandibleShape

_STRONGEST_N_PER_KG = 1000.0


class ConditionsError(ValueError):
    """Conditions make no sense; nothing was solved."""


@dataclass(frozen=True, eq=False)
class BoneShift:
    """How far edited bones lie off the identity's own, at rest, where tissue is attached to them.

    Attributes:
        skull: (S, 3) millimeters at the attached points of the skull that lie in tissue; None where it is not edited.
        mandible: (M, 3) the same of the mandible, before its scales and the motion of the jaw.
    """

    skull: np.ndarray | None = None
    mandible: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Conditions:
    """The conditions of one frame.

    Attributes:
        gravity: (3,) newton per kilogram in the frame of the head, relative to upright (see `gravity_change`).
        paralysis: (N,) share 0..1 of the actuation that is lost at each node; None loses nothing. Between nodes it is
            trilinear.
        mandible: the edited mandible; None leaves it as it is.
        border_shift: (N, 3) millimeters by which border nodes lie off their targets; None for 0. With an edited
            mandible the skin beyond the tissue has to follow it too.
        friction: coefficient mu, 0..1, where surfaces touch; 0 lets them slide.
        bone_shift: edited bones; None leaves them as they are. Teeth stay where they are.
    """

    gravity: np.ndarray | tuple[float, float, float] = (0.0, 0.0, 0.0)
    paralysis: np.ndarray | None = None
    mandible: MandibleShape | None = None
    border_shift: np.ndarray | None = None
    friction: float = 0.0
    bone_shift: BoneShift | None = None

    def check(self, node_count: int) -> None:
        """Refuse what cannot be simulated.

        Args:
            node_count: N of the character.

        Raises:
            ConditionsError: with a sentence.
        """
        gravity = np.asarray(self.gravity, dtype=np.float64)
        if gravity.shape != (3,) or not np.isfinite(gravity).all() or np.abs(gravity).max() > _STRONGEST_N_PER_KG:
            raise ConditionsError(f"Gravity must be three finite numbers in newton per kilogram, not {self.gravity}.")
        if not 0.0 <= self.friction <= 1.0:
            raise ConditionsError(f"The coefficient of friction must lie between 0 and 1, not at {self.friction}.")
        if self.paralysis is not None:
            if np.shape(self.paralysis) != (node_count,):
                raise ConditionsError(
                    f"The paralysis has the shape {np.shape(self.paralysis)}; this character has {node_count} nodes."
                )
            if not ((self.paralysis >= 0.0) & (self.paralysis <= 1.0)).all():
                raise ConditionsError("Paralysis must lie between 0 and 1 at every node.")
        shift = self.border_shift
        if shift is not None and (np.shape(shift) != (node_count, 3) or not np.isfinite(shift).all()):
            raise ConditionsError(
                f"The shift of the border must be three finite numbers for each of {node_count} nodes."
            )
        for name in ("skull", "mandible"):
            shift = None if self.bone_shift is None else getattr(self.bone_shift, name)
            if shift is not None and (np.ndim(shift) != 2 or np.shape(shift)[1] != 3 or not np.isfinite(shift).all()):
                raise ConditionsError(f"The shift of the {name} must be three finite numbers for each attached point.")
        if self.mandible is not None:
            scale = np.asarray(self.mandible.scale)
            if scale.shape != (3,) or not (np.isfinite(scale) & (scale > 0.0)).all():
                raise ConditionsError(f"The mandible's scales must be three numbers above zero, not {scale}.")
