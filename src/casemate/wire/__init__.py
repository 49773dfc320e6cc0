"""AWS protocols (query, ec2, json, rest-json, rest-xml, rpc-v2-cbor) driven by botocore's models; SigV4. Pure.

Belongs here: bytes of a request -> typed input, output or error -> bytes of a response, signatures. Does not belong
here: sockets, knowledge of any single service. Knows `casemate.model` only.
"""
