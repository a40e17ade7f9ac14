"""Compare two services: run one script against each, record the answers without secrets, and list the differences."""
