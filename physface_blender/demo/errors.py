"""What a user of the demo can get wrong, or what can stop it."""


class DemoError(Exception):
    """The demo cannot be made as asked; the message is one sentence for the user."""


class StudioError(Exception):
    """Blender could not make the pictures; the message says where its log is."""
