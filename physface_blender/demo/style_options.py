"""A style from the words of a command line."""

from __future__ import annotations

from ..backend.errors import StyleError
from ..backend.style_input import checked_shares


def style_from_words(text: str | None) -> dict[str, float]:
    """The weights in words such as ``actor_3:0.6,actor_5:0.4``; a weight of 1 can be left out. None is no style.

    Raises:
        StyleError: the words cannot be followed.
    """
    shares: dict[str, float] = {}
    for word in () if text is None else text.split(","):
        name, colon, share = word.strip().rpartition(":")
        if not colon:
            name, share = share, "1"
        if not name:
            raise StyleError(f"--style takes names with weights, such as actor_3:0.6,actor_5:0.4, not {text!r}.")
        try:
            shares[name] = float(share)
        except ValueError:
            raise StyleError(f"The weight of style {name} must be a number, not {share!r}.") from None
    return checked_shares(shares)
