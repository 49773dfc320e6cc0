"""Backups of tables and point-in-time recovery: records, descriptions, operations.

Items are copied by `casemate.tables.backups`; here is what is said of the copies and who may have them.
"""
