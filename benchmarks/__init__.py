"""Measures of speed, each beside its floor and, if asked for, beside other task queues."""
