"""The local RunPod as a process: its server, its settings, and how commands reach it."""
