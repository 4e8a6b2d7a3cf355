"""What the shell completes from: names of this project, kept in a file so that Tab needs no database."""
