"""Authentication policies with their group finder."""

import warnings

from pyramid.config import Configurator
from pyramid_multiauth import MultiAuthPolicySelected

from kinto.core.authentication import includeme as include_basicauth
from kinto.core.authentication import remember_selected_policy


def setup_authentication(config: Configurator) -> None:
    """Install the policies that ``multiauth.policies`` lists."""
    settings = config.get_settings()
    policies = settings.get("multiauth.policies") or ""
    names = policies.split() if isinstance(policies, str) else list(policies)
    # pyramid_multiauth splits a text.
    settings["multiauth.policies"] = " ".join(names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        config.include("pyramid_multiauth")
    config.add_subscriber(remember_selected_policy, MultiAuthPolicySelected)
    if "basicauth" in names:
        config.include(include_basicauth)
        if not settings.get("userid_hmac_secret"):
            warnings.warn(
                "Setting 'userid_hmac_secret' is empty: user ids can be guessed.", stacklevel=2
            )
