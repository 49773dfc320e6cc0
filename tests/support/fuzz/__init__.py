"""Hostile input to the tables: valid requests, and what can be made of them.

`seeds` has a valid request for every operation, `grammar` writes expressions and statements at random, `junk` what
belongs nowhere, `mutations` joins them; `service` answers in this process, `sockets` is a client without manners.
"""
