"""Modules that do not let themselves be imported."""
