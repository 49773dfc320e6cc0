"""Reachability Analyzer: a path is a question to `casemate.reachability`, an analysis its answer in AWS's terms.

Belongs here: which packet a path stands for (`ends`), and how a verdict reads as path components (`way`) and
explanations (`findings`). Does not belong here: what becomes of the packet; `reachability` alone decides that.

Beyond AWS: a Lambda function is a source, codes beginning with CM_ tell what AWS's analyzer does not model, and
WarningMessage says cause and remedy in words. Short of AWS: a path that names no port, or no address behind a gateway,
is answered by trying the ports and one address that the network's rules speak of, not by solving for all of them.
"""
