"""What a live screen needs to know of the whole system, read in a few bounded statements.

`rows` are the plain values, free of Django; `read` asks the database.
"""
