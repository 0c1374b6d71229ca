"""A session of SQLAlchemy that takes part in the transaction of a request."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session


class JoinedSession(Session):
    """A session within the request's transaction, which only the request can end.

    :param doom: called when somebody rolls back: the request must then not be committed.
    """

    def __init__(self, *, bind: Any, doom: Callable[[], None]) -> None:
        super().__init__(bind=bind)
        self._doom = doom

    def commit(self) -> None:
        """Send what is pending; it is made durable when the request is."""
        self.flush()

    def rollback(self) -> None:
        """Undo: in a transaction shared with others, that is all of it."""
        self._doom()

    def close(self) -> None:
        """Forget the objects loaded; the connection stays that of the request."""
        self.expunge_all()

    def abandon(self) -> None:
        """Forget what was not sent: an exception ended the block."""
        super().close()

    def finish(self) -> None:
        """Send what is pending; the session is of no use afterwards."""
        self.flush()
        super().close()
