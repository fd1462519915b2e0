# SPDX-License-Identifier: GPL-3.0-or-later
"""Physical effects on a face: gravity, friction, stiffness, paralysis, an edited mandible; plain numbers, immutable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from ..anatomy.facial_nerve import NERVE_REGIONS
from .errors import EffectsError

STIFFNESS_RANGE = (0.1, 10.0)
JAW_SCALE_RANGE = (0.7, 1.3)
JAW_SHIFT_RANGE_MM = (-10.0, 10.0)
SCULPT_RANGE_MM = (-40.0, 40.0)


@dataclass(frozen=True)
class Effects:
    """What changes a simulated face besides its expression.

    Attributes:
        head_degrees: pitch, yaw and roll of the head from upright, degrees. Gravity pulls as it does on a head turned
            so, while the face is still given in the head's own frame. Positive pitch nods (90: face down, -90: on
            the back), positive yaw turns to the character's left (which gravity does not see), positive roll leans to
            the right.
        stiffness: multiple of Young's modulus everywhere, attachments and contact included: it shows in what gravity
            does and in nothing else, since the actuation is consistent with the discretization and scales with it.
        painted_stiffness: (V,) further multiples, one for each skin vertex, carried on into the tissue; empty for 1.
        paralysis: pairs of a region of the facial nerve (``NERVE_REGIONS``) and the share 0..1 of the actuation that
            it loses; where regions overlap the shares add up to 1 at most.
        painted_paralysis: (V,) further shares, one for each skin vertex; empty for 0.
        jaw_scale: of the mandible about its condyles: length, width and height.
        jaw_shift_mm: of the mandible's body with chin and teeth, toward the character's left; the joints stay.
        friction: coefficient mu where lips, lining, lids, teeth and eyeballs touch (with contact only); 0 lets them slide.
            It acts from one frame to the next, so it shows in a performance and not in a pose by itself.
        sculpted_skull: (3 V,) millimeters by which each vertex of the skull was sculpted away from the identity's own,
            x, y and z of each in turn, in the head's frame at rest; empty for none.
        sculpted_mandible: (3 V,) the same of the mandible's vertices. Teeth and joint stay where they are.
    """

    head_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    stiffness: float = 1.0
    painted_stiffness: tuple[float, ...] = ()
    paralysis: tuple[tuple[str, float], ...] = ()
    painted_paralysis: tuple[float, ...] = ()
    jaw_scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    jaw_shift_mm: float = 0.0
    friction: float = 0.0
    sculpted_skull: tuple[float, ...] = ()
    sculpted_mandible: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            EffectsError: with a sentence.
        """
        object.__setattr__(self, "head_degrees", _numbers("head's rotation", self.head_degrees, (-180.0, 180.0), 3))
        object.__setattr__(self, "stiffness", _numbers("stiffness", (self.stiffness,), STIFFNESS_RANGE)[0])
        painted = _numbers("painted stiffness", self.painted_stiffness, STIFFNESS_RANGE)
        object.__setattr__(self, "painted_stiffness", painted)
        object.__setattr__(self, "paralysis", _shares(self.paralysis))
        painted = _numbers("painted paralysis", self.painted_paralysis, (0.0, 1.0))
        object.__setattr__(self, "painted_paralysis", painted)
        object.__setattr__(self, "jaw_scale", _numbers("scale of the jaw", self.jaw_scale, JAW_SCALE_RANGE, 3))
        shift = _numbers("shift of the jaw", (self.jaw_shift_mm,), JAW_SHIFT_RANGE_MM)[0]
        object.__setattr__(self, "jaw_shift_mm", shift)
        object.__setattr__(self, "friction", _numbers("friction", (self.friction,), (0.0, 1.0))[0])
        for name in ("sculpted_skull", "sculpted_mandible"):
            moved = _numbers(name.replace("_", " "), getattr(self, name), SCULPT_RANGE_MM)
            object.__setattr__(self, name, moved)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The effects of a request: attributes that differ from their defaults, by name.

        Raises:
            EffectsError: a name is unknown or a value makes no sense.
        """
        known = [entry.name for entry in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise EffectsError(f"There is no effect {', '.join(unknown)}; there are {', '.join(known)}.")
        return cls(**values)

    def check_vertex_counts(self, counts: Mapping[str, int]) -> None:
        """See that what is painted or sculpted fits a face.

        Args:
            counts: vertices of the skin and of the bones.

        Raises:
            EffectsError: it was made on another mesh.
        """
        for name in ("painted_stiffness", "painted_paralysis"):
            found = len(getattr(self, name))
            if found not in (0, counts["skin"]):
                raise EffectsError(
                    f"The {name.replace('_', ' ')} has {found} values; the skin of a face has {counts['skin']} vertices."
                )
        for bone in ("skull", "mandible"):
            found = len(getattr(self, f"sculpted_{bone}"))
            if found not in (0, 3 * counts[bone]):
                raise EffectsError(
                    f"The sculpted {bone} has {found} coordinates; that of a face has {counts[bone]} vertices of three."
                )


def _numbers(name: str, values: Any, bounds: tuple[float, float], count: int | None = None) -> tuple[float, ...]:
    """The values as floats, all of them finite and within bounds."""
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise EffectsError(f"The {name} must be given in numbers.") from error
    if count is not None and len(numbers) != count:
        raise EffectsError(f"The {name} takes {count} numbers, not {len(numbers)}.")
    low, high = bounds
    for number in numbers:
        if not (math.isfinite(number) and low <= number <= high):
            raise EffectsError(f"The {name} must lie between {low:g} and {high:g}; {number:g} does not.")
    return numbers


def _shares(paralysis: Any) -> tuple[tuple[str, float], ...]:
    """Pairs of a region and its share."""
    try:
        pairs = [(str(region), share) for region, share in paralysis]
    except (TypeError, ValueError) as error:
        raise EffectsError("Paralysis takes pairs of a region and a share of 0 to 1.") from error
    for region, _ in pairs:
        if region not in NERVE_REGIONS:
            raise EffectsError(f"There is no region {region!r} to paralyze; there are {', '.join(NERVE_REGIONS)}.")
    return tuple((region, _numbers(f"paralysis {region}", (share,), (0.0, 1.0))[0]) for region, share in pairs)


NO_EFFECTS = Effects()
