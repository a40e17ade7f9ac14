"""The native provider `runpod-serverless`: the second adapter over the lifecycles, for every language of Pulumi."""
