"""Reports written in the forms people ask for."""
