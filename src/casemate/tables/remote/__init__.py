"""Tables that live elsewhere: any DynamoDB-compatible endpoint, called over HTTP with credentials of its own.

Here: connections, signatures, retries, what the remote lacks. What is forwarded, `services.dynamodb.remote` decides.
"""
