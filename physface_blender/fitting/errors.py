"""What can be wrong with what is to be fitted: narrow exceptions whose message is a sentence for the user."""


class FittingError(Exception):
    """Something cannot be fitted; the message says what came, what is allowed and what to do."""


class ScanError(FittingError):
    """A scan cannot be read, or holds no surface that can be fitted."""


class NoFaceError(FittingError):
    """A scan or the landmarks of a photo hold no face, or none that can be told from the rest."""


class PhotoError(FittingError):
    """A photo or its landmarks cannot be used."""


class BindingError(FittingError):
    """A mesh cannot ride on a character."""


class FittingCancelled(FittingError):  # noqa: N818 - an expected outcome, not an error
    """The fit was cancelled."""
