"""What a user may change about the simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import Enum


class SettingsError(ValueError):
    """A setting of the simulation has a value that cannot be simulated."""


class Method(Enum):
    """Ways to minimize the energy; all share one factor of K, the same kernels and the same contact."""

    LOCAL_GLOBAL = "local_global"
    """Projective dynamics: the reference of the papers."""
    NEWTON = "newton"
    """Newton's method with the analytic Hessian, solved by conjugate gradients that K preconditions."""


@dataclass(frozen=True)
class SimulationSettings:
    """Settings of the soft-tissue simulation.

    Attributes:
        young_modulus_mpa: Young's modulus of the tissue; 5 kPa as in paper 002.
        poisson_ratio: Poisson's ratio; enters through the shear modulus alone.
        attachment_stiffness: stiffness of the tissue's attachment to bone, in multiples of Young's modulus per
            millimeter and square millimeter of bone. It is part of K, so it costs nothing: over nine poses of the
            built-in performance 3000 and a million took 160 and 148 Newton steps, and tissue slipped on the mandible by
            0.24 and 0.007 mm at most. Half a million leaves room for single precision at small cells.
        contact: whether lips, cheeks and teeth collide.
        barrier_ratio: distance at which contact begins (d-hat of IPC), as a fraction of the diagonal of the face's
            box; 0.2 mm on an adult face, where the paper has 0.001 of the diameter.
        barrier_stiffness: pressure scale of the barrier in multiples of Young's modulus.
        method: how the energy is minimized.
        max_iterations: bound on the iterations of one solve; of every five degrees where the jaw leaps farther.
        max_linear_iterations: bound on the conjugate-gradient iterations of one Newton step.
        linear_tolerance: a Newton step is solved until its corrections are shorter than this fraction of it.
        tolerance_mm: a solve has converged when no point of the skin would move farther than this in the next step.
        threads: threads of the hot loops; None for all that numba offers.
    """

    young_modulus_mpa: float = 0.005
    poisson_ratio: float = 0.47
    attachment_stiffness: float = 500_000.0
    contact: bool = True
    barrier_ratio: float = 0.0007
    barrier_stiffness: float = 0.2
    method: Method = Method.NEWTON
    max_iterations: int = 100
    max_linear_iterations: int = 50
    linear_tolerance: float = 0.3
    tolerance_mm: float = 0.01
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values without meaning.

        Raises:
            SettingsError: with a sentence that names the setting.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise SettingsError(f"The simulation setting {field.name} must be a finite number, not {value}.")
        positive = (
            "young_modulus_mpa", "attachment_stiffness", "barrier_ratio", "barrier_stiffness", "tolerance_mm",
            "max_iterations", "max_linear_iterations", "linear_tolerance",
        )  # fmt: skip
        for name in positive:
            if not getattr(self, name) > 0:
                raise SettingsError(f"The simulation setting {name} must be above zero, not {getattr(self, name)}.")
        if not -1.0 < self.poisson_ratio < 0.5:
            raise SettingsError(f"Poisson's ratio must lie between -1 and 0.5, not at {self.poisson_ratio}.")
        if self.threads is not None and self.threads < 1:
            raise SettingsError(f"The simulation needs at least one thread, not {self.threads}.")

    @property
    def shear_modulus_mpa(self) -> float:
        """Mu = E / (2 (1 + nu)), newton per square millimeter."""
        return self.young_modulus_mpa / (2.0 * (1.0 + self.poisson_ratio))
