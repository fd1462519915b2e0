"""Effects from the words of a command line."""

from __future__ import annotations

from ..backend.effects import Effects
from ..backend.errors import EffectsError


def effects_from_words(
    gravity: str | None,
    stiffness: float,
    paralysis: str | None,
    jaw_scale: str | None,
    jaw_shift_mm: float,
    friction: float,
) -> Effects:
    """The effects that the demo's options ask for.

    Args:
        gravity: rotation of the head in degrees, ``PITCH,ROLL`` or ``PITCH,YAW,ROLL``.
        stiffness: multiple of Young's modulus.
        paralysis: regions of the facial nerve with shares, ``left:0.7,right.buccal``; a share of 1 can be left out.
        jaw_scale: ``LENGTH`` or ``LENGTH,WIDTH,HEIGHT``.
        jaw_shift_mm: toward the character's left.
        friction: coefficient, 0 to 1.

    Raises:
        EffectsError: the words cannot be followed.
    """
    head, scale = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if gravity is not None:
        angles = _numbers("--gravity", gravity, (2, 3))
        head = (angles[0], 0.0, angles[1]) if len(angles) == 2 else angles
    if jaw_scale is not None:
        scales = _numbers("--jaw-scale", jaw_scale, (1, 3))
        scale = (scales[0], 1.0, 1.0) if len(scales) == 1 else scales
    pairs = []
    for word in () if paralysis is None else paralysis.split(","):
        region, colon, share = word.strip().partition(":")
        pairs.append((region, _numbers("--paralysis", share, (1,))[0] if colon else 1.0))
    return Effects(
        head_degrees=head,
        stiffness=stiffness,
        paralysis=tuple(pairs),
        jaw_scale=scale,
        jaw_shift_mm=jaw_shift_mm,
        friction=friction,
    )


def _numbers(option: str, text: str, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Numbers between commas, as many as one of the counts."""
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise EffectsError(f"{option} takes numbers between commas, not {text!r}.") from None
    if len(numbers) not in counts:
        raise EffectsError(f"{option} takes {' or '.join(map(str, counts))} numbers, not {len(numbers)}.")
    return numbers
