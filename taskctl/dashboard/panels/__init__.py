"""One module a panel: its rows, which `tables` has prepared, as lines of an exact width. Pure."""
