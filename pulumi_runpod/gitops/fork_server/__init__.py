"""Several previews at once without an interpreter of its own for each program and provider.

Of a preview's processor time, half goes into starting Python and importing the Pulumi SDK: for the language host, for
the program and for each provider process, and once more for each stack. Here one process (`__main__`) imports it once
and is forked instead. `pulumi` reaches it in two ways, both its own: `--client`, by which the Automation API runs
inline programs, names the language runtime (`language_runtime`), and the official shim of dynamic providers starts the
Python of `PULUMI_RUNTIME_VIRTUALENV`, where a stand-in (`client`) hands its arguments over.

Programs still run through Pulumi's own exec script and providers through its own module, each in a process of its own.
For previews alone: what is forked is ended at once when its preview ends.
"""

from __future__ import annotations
