"""Rules of the HTTP API, as pure functions of values."""
