"""Set-up of a clone: Python environments, the Pulumi toolchain, system packages. Standard library only, since it runs
before any environment exists."""
