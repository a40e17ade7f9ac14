"""Data sources: what RunPod has and what it says of an endpoint, asked for by a program while it runs.

Nothing here is in the state, and nothing is changed on the service. `get_x` takes plain values and answers at once,
in a preview as well; `get_x_output` takes inputs and stays unknown while they are.
"""
