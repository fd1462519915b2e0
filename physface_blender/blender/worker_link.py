# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell's one worker process: started when first needed, asked by many, polled without waiting.

The link belongs to the running Blender, not to a file: what it knows about characters can be made again from the objects
at any time. Everyone who asks gets a ticket, on which the replies to that request are collected whoever happens to poll.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..backend.client import ClientState, WorkerClient
from ..backend.errors import BackendError
from ..backend.messages import (
    CharacterReady,
    CreateCharacter,
    DropCharacter,
    Failed,
    Posed,
    Progress,
    Reply,
    Request,
    WorkerLost,
)
from ..backend.settings import BackendSettings

SILENCE_SECONDS = 300.0
"""A request without any reply for so long is given up; a single frame at the finest resolution takes far less."""


class LinkError(Exception):
    """The backend did not do what it was asked; the message is a sentence for the user."""


@dataclass(eq=False)
class Ticket:
    """A request under way.

    Attributes:
        request: What was asked.
        serial: The client's number for it.
        progress: The newest progress, if any came.
        under_way: The newest pose on the way to the last, if any came.
        last: The last reply, None until it comes.
    """

    request: Request
    serial: int
    progress: Progress | None = None
    under_way: Posed | None = None
    last: Reply | None = None
    _touched: float = field(default_factory=time.monotonic)

    @property
    def is_done(self) -> bool:
        """Whether the last reply has come."""
        return self.last is not None

    def take(self, reply: Reply) -> None:
        """Note a reply."""
        self._touched = time.monotonic()
        if isinstance(reply, Progress):
            self.progress = reply
        if reply.is_last:
            self.last = reply
        elif isinstance(reply, Posed):
            self.under_way = reply

    @property
    def silent_seconds(self) -> float:
        """Seconds since the request was made or last replied to."""
        return time.monotonic() - self._touched

    def result(self, kind: type[Reply]) -> Reply:
        """The last reply, which must be of this kind.

        Raises:
            LinkError: The request failed or ended otherwise.
        """
        if isinstance(self.last, kind):
            return self.last
        raise LinkError(getattr(self.last, "sentence", "The backend did not answer."))


class WorkerLink:
    """A client and the tickets of its requests."""

    def __init__(self, settings: BackendSettings) -> None:
        """Prepare; the worker starts with the first request."""
        self.settings = settings
        self.notice = ""
        self._client = WorkerClient(settings)
        self._open: dict[int, Ticket] = {}
        self._characters: dict[str, Ticket] = {}

    @property
    def state(self) -> ClientState:
        """Where the client stands."""
        return self._client.state

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._open

    @property
    def process_id(self) -> int | None:
        """The worker's process id, if one runs."""
        return self._client.process_id

    def ask(self, request: Request) -> Ticket:
        """Hand a request in, starting the worker if none runs.

        Raises:
            LinkError: The worker cannot be started.
        """
        try:
            self._client.start()
            ticket = Ticket(request, self._client.request(request))
        except BackendError as error:
            raise LinkError(str(error)) from error
        self._open[ticket.serial] = ticket
        return ticket

    def character(self, request: CreateCharacter) -> Ticket:
        """The ticket of a character made by exactly this request, asked for when there is none.

        Raises:
            LinkError: The worker cannot be started.
        """
        known = self._characters.get(request.character)
        if (
            known is not None
            and known.request == request
            and (known.last is None or isinstance(known.last, CharacterReady))
        ):
            return known
        ticket = self._characters[request.character] = self.ask(request)
        return ticket

    def drop(self, character: str) -> None:
        """Let the worker forget a character, if it knows it."""
        if self._characters.pop(character, None) is not None and self.state in (
            ClientState.STARTING,
            ClientState.RUNNING,
        ):
            self.ask(DropCharacter(character=character))

    def cancel(self, ticket: Ticket) -> None:
        """Ask to stop a request; its last reply still comes."""
        if not ticket.is_done:
            self._client.cancel(ticket.serial)

    def pump(self) -> None:
        """Collect the replies that have come. Never waits."""
        for reply in self._client.poll():
            if isinstance(reply, WorkerLost):
                self.notice = reply.sentence
                continue
            if reply.serial == 0:
                self.notice = reply.sentence if isinstance(reply, Failed) else ""
                continue
            ticket = self._open.get(reply.serial)
            if ticket is not None:
                ticket.take(reply)
                if ticket.is_done:
                    del self._open[reply.serial]

    def await_last(self, ticket: Ticket) -> Iterator[Ticket]:
        """Yield the ticket until its last reply has come; between two values the caller decides what to do.

        Raises:
            LinkError: The backend is silent for ``SILENCE_SECONDS``.
        """
        while True:
            self.pump()
            if ticket.is_done:
                return
            if ticket.silent_seconds > SILENCE_SECONDS:
                self.cancel(ticket)
                raise LinkError(
                    f"The backend has not answered for {SILENCE_SECONDS:.0f} seconds; restart it in the preferences."
                )
            yield ticket

    def close(self) -> None:
        """End the worker; open requests are forgotten."""
        self._open.clear()
        self._characters.clear()
        self._client.close()


_link: WorkerLink | None = None


def get(settings: BackendSettings) -> WorkerLink:
    """The link of this Blender, made anew when the settings have changed and nothing is under way."""
    global _link
    if _link is not None and _link.settings != settings and _link.is_idle:
        close()
    if _link is None:
        _link = WorkerLink(settings)
    return _link


def current() -> WorkerLink | None:
    """The link if there is one; nothing is started."""
    return _link


def close() -> None:
    """End the worker, if there is one."""
    global _link
    if _link is not None:
        _link.close()
        _link = None
