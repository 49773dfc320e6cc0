"""PartiQL as DynamoDB speaks it: text to statements. Pure.

Grammar: DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB" and the pages of its
statements, functions, operators and data types. What a statement does is `services.dynamodb.partiql`'s.
"""
