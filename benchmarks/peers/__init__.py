"""Other task queues, each in a virtual environment of its own and configured for speed."""
