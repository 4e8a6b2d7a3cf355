"""Makes the completion scripts beside it from the commands of taskctl: `python -m completions.generate`.

The registry says which commands and flags there are, `kinds` what their values are completed with, and each
shell has a module that says all that in its own words.
"""
