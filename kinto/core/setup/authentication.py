"""Authentication policies with their group finder."""

import warnings
from collections.abc import Sequence

from pyramid.config import Configurator
from pyramid_multiauth import MultiAuthPolicySelected

from kinto.core.authentication import includeme as include_basicauth
from kinto.core.authentication import remember_selected_policy
from kinto.core.security_policy import install_security_policy
from kinto.core.settings import parse_words
from kinto.core.setup.former_packages import resolve_former_package
from kinto.core.setup.refusals import naming_setting, require_callable


def setup_authentication(config: Configurator) -> None:
    """Install the policies that ``multiauth.policies`` lists.

    :raises ConfigurationError: one of them is not to be found.
    """
    settings = config.get_settings()
    names = parse_words(settings.get("multiauth.policies"))
    _check_policies(config, names)
    # pyramid_multiauth splits a text.
    settings["multiauth.policies"] = " ".join(names)
    with warnings.catch_warnings(), naming_setting("multiauth.policies", " ".join(names)):
        warnings.simplefilter("ignore", DeprecationWarning)
        config.include("pyramid_multiauth")
    install_security_policy(config)
    config.add_subscriber(remember_selected_policy, MultiAuthPolicySelected)
    if "basicauth" in names:
        config.include(include_basicauth)
        if not settings.get("userid_hmac_secret"):
            warnings.warn(
                "Setting 'kinto.userid_hmac_secret' is empty: user ids can be guessed.",
                stacklevel=2,
            )


def _check_policies(config: Configurator, names: Sequence[str]) -> None:
    """Find their classes now: pyramid_multiauth does so later, where no setting is named."""
    settings = config.get_settings()
    for name in names:
        setting = f"multiauth.policy.{name}.use"
        if dotted := settings.get(setting):
            dotted = settings[setting] = resolve_former_package(dotted)
            with naming_setting(setting, dotted):
                require_callable(setting, dotted, config.maybe_dotted(dotted))
