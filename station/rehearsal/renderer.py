"""Draws the splash of a rehearsed application, in the rehearsal's child process only."""
