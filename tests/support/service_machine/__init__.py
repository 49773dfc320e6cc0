"""The state machine of the whole service, by what its rules are about. Put together in tests/properties/tables."""
