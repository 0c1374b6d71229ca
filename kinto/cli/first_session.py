"""Settings of ``kinto start`` when there is no configuration file."""

from kinto.config.template import PLUGIN_SETTINGS, PLUGINS, POLICIES


# Its default folder; the secret is made there, with the data.
EMBEDDED_URL = "embedded:"


def first_session_settings() -> dict[str, str]:
    """Settings for somebody who just wants to try: everything in an embedded PostgreSQL."""
    settings = {
        "includes": " ".join(PLUGINS),
        "multiauth.policies": " ".join(POLICIES),
        **PLUGIN_SETTINGS,
    }
    for kind in ("storage", "cache", "permission"):
        settings[f"{kind}_backend"] = f"kinto.core.{kind}.postgresql"
        settings[f"{kind}_url"] = EMBEDDED_URL
    return settings
