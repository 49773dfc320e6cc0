"""How long the body of a request may be, by service: known before anything of it is read, and before who sent it.

What an operation takes (a function's code, an event, an item) is its service's to say; here is what the front door takes.
"""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.wire.http import HttpRequest, HttpResponse
from casemate.wire.routing import identify

MAX_BODY = 70 << 20
"""Of any: a 50 MB function package, base64-encoded in JSON."""
_OTHERS = 10 << 20
"""Ten times what any operation of the other services takes (PutLogEvents: 1,048,576 bytes)."""
_LONGEST = {
    "lambda": MAX_BODY,
    # API Reference, BatchWriteItem and BatchGetItem: 16 MB.
    "dynamodb": 16 << 20,
    "dynamodbstreams": 16 << 20,
}


def refuse_long(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that is longer than its service takes: 413 and nothing else, of DynamoDB on record.

    Source: dynalite's recordings (index.js): the status comes ahead of everything that has a request id.
    """
    if len(request.body) <= _OTHERS:
        return None
    try:
        service = identify(request).service
    except AwsError:
        service = ""  # nobody's: it is refused as such, should it be short enough
    if len(request.body) <= _LONGEST.get(service, _OTHERS):
        return None
    return HttpResponse(status=413, headers=(), body=b"")
