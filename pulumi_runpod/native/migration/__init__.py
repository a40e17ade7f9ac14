"""The way to native resources: states of the dynamic provider, and those that other tools have written."""
