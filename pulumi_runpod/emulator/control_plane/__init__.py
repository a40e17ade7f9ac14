"""REST v2: collections with their rules, the catalog and billing. Never imports the job plane."""
