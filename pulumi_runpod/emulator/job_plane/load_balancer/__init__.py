"""LOAD_BALANCER endpoints: HTTP requests go straight to the server that each worker runs; nothing becomes a job.

Sources: the service's pages on load balancing (overview, worker affinity), and the endpoint type's own text in the
published document.
"""
