"""JSON Schema, Draft 7, for schemas and data that come from clients.

The messages are those of the ``jsonschema`` library, which has no limits: here nothing is fetched,
a pattern cannot explode, and the work for one check is bounded. ``kinto.schema_validation`` is
what the rest of the application uses.
"""
