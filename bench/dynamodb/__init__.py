"""DynamoDB through the whole stack, beside other local engines: `python -m bench dynamodb`.

`requests` makes the six operations' requests, `load` sends them, `engines` starts who answers, `run` measures and prints.
"""
