"""The command line of django-task-worker. Importing this package imports nothing."""
