"""One supervisor process claims and settles; its child processes run the functions."""
