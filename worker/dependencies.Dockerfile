# What the worker's code stands on: Python packages by hash, in one layer of some GB that changes with a lock alone.
#   docker build -f dependencies.Dockerfile -t sdxl-worker-dependencies .
# The base carries no CUDA: torch's wheels bring it, the host brings the driver.
ARG BASE_IMAGE=python:3.12-slim

# The optional secret ca is a bundle of certificates, for builders behind a proxy with an authority of its own; the
# optional secret pip is a pip.conf, whose index is used. Neither is left in a layer.
FROM ${BASE_IMAGE} AS installer
COPY requirements-installer.lock /tmp/
RUN --mount=type=secret,id=ca,required=false \
    --mount=type=secret,id=pip,required=false \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    if [ -s /run/secrets/pip ]; then export PIP_CONFIG_FILE=/run/secrets/pip; fi; \
    python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --require-hashes --no-cache-dir --disable-pip-version-check \
        -r /tmp/requirements-installer.lock

FROM ${BASE_IMAGE}
ARG REQUIREMENTS=requirements.lock
# uv's cache lies beside the environment while this runs, so that it links what it has unpacked instead of copying it.
# The bytecode saves more than half of the import time of every cold start; by hash, so that no changed file time can
# invalidate it.
RUN --mount=type=bind,from=installer,source=/opt/uv,target=/run/uv \
    --mount=type=bind,source=${REQUIREMENTS},target=/run/requirements.lock \
    --mount=type=secret,id=ca,required=false \
    --mount=type=secret,id=pip,required=false \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi; \
    if [ -s /run/secrets/pip ]; then \
        UV_DEFAULT_INDEX=$(PIP_CONFIG_FILE=/run/secrets/pip /run/uv/bin/python3 -m pip config get global.index-url) \
        && export UV_DEFAULT_INDEX; \
    fi; \
    python3 -m venv --without-pip /opt/venv \
    && UV_CACHE_DIR=/opt/.uv /run/uv/bin/python3 -m uv pip install --quiet --python /opt/venv/bin/python3 \
        --require-hashes --link-mode hardlink -r /run/requirements.lock \
    && rm -rf /opt/.uv \
    && /opt/venv/bin/python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib \
    && groupadd --gid 10001 app && useradd --uid 10001 --gid app --create-home app && mkdir /app
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RUNPOD_LOG_LEVEL=INFO \
    HF_HUB_OFFLINE=1 \
    TRANSFORMERS_OFFLINE=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /app
