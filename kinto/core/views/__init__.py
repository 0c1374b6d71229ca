"""Endpoints of every application: hello, heartbeats, batch, version, OpenAPI, errors."""
