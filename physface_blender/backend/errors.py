# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong in the backend: narrow exceptions whose message is a sentence for the user."""


class BackendError(Exception):
    """A request cannot be served; the message says what came, what is allowed and what to do.

    ``kind`` is the stable name that travels in a ``Failed`` reply, for code that wants to react to it.
    """

    kind = "backend"


class ExpressionError(BackendError):
    """An expression is not 52 finite weights between 0 and 1."""

    kind = "expression"


class EffectsError(BackendError):
    """Physical effects name something unknown, are out of range or were painted on another mesh."""

    kind = "effects"


class StyleError(BackendError):
    """A style is unknown, or its weights are not 0..1 with a sum of 1 at most."""

    kind = "style"


class IdentityError(BackendError):
    """Identity coefficients are not 100 finite numbers within the bound."""

    kind = "identity"


class SettingsError(BackendError):
    """A character's settings name something unknown or out of range."""

    kind = "settings"


class UnknownCharacterError(BackendError):
    """A request names a character that was not created, or was dropped."""

    kind = "unknown_character"


class StartStateLostError(BackendError):
    """A frame is to start from an earlier one whose state the backend does not hold any more."""

    kind = "start_state_lost"


class CharacterCancelled(BackendError):  # noqa: N818 - an expected outcome, not an error
    """The making of a character was cancelled."""

    kind = "cancelled"


class DependencyError(BackendError):
    """The Python that runs the backend lacks a library, or cannot load it."""

    kind = "dependency"


class WorkerError(BackendError):
    """The worker process cannot be started or does not answer."""

    kind = "worker"


class ProtocolError(BackendError):
    """Bytes that came are no message of this version."""

    kind = "protocol"
