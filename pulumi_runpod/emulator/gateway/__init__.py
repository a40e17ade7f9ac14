"""Who may come in: API keys, quota and the request log, before any route is looked at."""
