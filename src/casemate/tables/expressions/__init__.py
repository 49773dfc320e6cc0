"""Expressions of DynamoDB: parsing and evaluation. Pure."""
