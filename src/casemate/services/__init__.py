"""One vertical slice per AWS service. Services never import each other; what they need of one another are ports
of `casemate.servicekit`, wired in `casemate.app`.
"""
