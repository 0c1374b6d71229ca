"""What clients of Firefox Accounts have to know.

Source: "Firefox Accounts" in the settings documentation.
"""

from typing import Any

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.service import Service
from kinto.plugins.fxa.accounts import find_accounts
from kinto.plugins.fxa.clients import requested_scope


params = Service(
    name="fxa-oauth-params",
    path="/fxa-oauth/params",
    description="Parameters of Firefox Accounts",
    tags=["Firefox Accounts"],
)


@params.get(permission=NO_PERMISSION_REQUIRED, operation_id="get_fxa_params")
def get_params(request: Request) -> dict[str, Any]:
    """For a client that gets its token by itself."""
    fxa = find_accounts(request.registry).settings
    return {
        "client_id": fxa.client_id,
        "oauth_uri": fxa.oauth_uri,
        "scope": requested_scope(fxa),
    }
