"""Other engines of DynamoDB as black boxes: the same requests in step, and where the answers differ.

`tables` are what all of them have, `values`, `expressions`, `items` and `settings` write requests, `engines` asks one engine,
`answers` says how two answers differ, `known` why a difference is nothing to mend. None of them is the truth: AWS is.
"""
