"""The skin's own topology: a layout of blocks and rings, laid on the surface of the source face."""
