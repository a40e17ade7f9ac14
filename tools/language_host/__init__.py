"""Pulumi language host for Python programs, used where the official `pulumi-language-python` cannot be had.

It drives the official exec script unmodified and answers the engine as the official host does; what it does not do
(poetry, debugger, code generation) it refuses by name.
"""
