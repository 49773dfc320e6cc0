"""Questions of authorization that no request asks: what Lambda's pollers and queues do for a role, in their own time."""

from __future__ import annotations

from casemate.gateway.authorization import Authorizer, Situation, refusal
from casemate.gateway.context_keys import forwarded_keys, request_keys
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import CredentialUses
from casemate.servicekit.service import Authorize, Check


class Inside:
    """Implements the port `InsideAuthority`."""

    def __init__(self, authorizer: Authorizer, *, uses: CredentialUses, clock: Clock) -> None:
        self._authorizer = authorizer
        self._uses = uses
        self._clock = clock

    def asking(self, *, service: str, region: str) -> Authorize:
        """Asks for the principal it is given; it comes from no address, and refuses as `service` does."""

        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            assert principal is not None, "where there is no request there is no caller"
            now = self._clock()
            self._uses.used(principal, service=check.action.partition(":")[0], region=region, now=now)
            keys = request_keys(region=region, now=now, tls=True)
            if through is not None:
                keys = forwarded_keys(keys, through, principal)
            situation = Situation(
                service=service, region=region, principal=principal, origin=None, request=keys
            )
            decision = self._authorizer.decide(situation, check)
            if not decision.allowed:
                raise refusal(service, decision)

        return authorize
