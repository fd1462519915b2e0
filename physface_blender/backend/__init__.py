"""A character's session: requests in, vertices out; the worker process and its client."""
