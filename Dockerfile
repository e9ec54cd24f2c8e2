# One of the four services, or the local cloud:
#   docker build --build-arg SERVICE=song_service -t music-streaming/song-service:1.0.0 .
#   docker build --target local-cloud -t music-streaming/local-cloud:1.0.0 .
ARG PYTHON=3.11
ARG SERVICE=api_gateway

FROM python:${PYTHON}-slim AS python

# ---- Dependencies, in layers that only a change of requirements/ rebuilds. pip is not copied on.
FROM python AS runtime-dependencies
COPY requirements/runtime.txt /requirements.txt
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r /requirements.txt

FROM python AS embedded-dependencies
COPY requirements/embedded.txt /requirements.txt
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes -r /requirements.txt

# ---- Sources with their bytecode. It is never checked against the source: neither changes in an image.
FROM python AS service-sources
ARG SERVICE
WORKDIR /app
COPY deploy/image/livez.py ./
COPY shared shared
COPY ${SERVICE} ${SERVICE}
RUN python -m compileall -q --invalidation-mode unchecked-hash shared ${SERVICE}

FROM python AS local-cloud-sources
WORKDIR /app
COPY deploy/image/livez.py ./
COPY shared shared
COPY user_service user_service
COPY song_service song_service
COPY album_service album_service
COPY api_gateway api_gateway
COPY embedded embedded
RUN python -m compileall -q --invalidation-mode unchecked-hash \
    shared user_service song_service album_service api_gateway embedded \
 && mkdir /data

# ---- Common to all images. /run/settings may hold a file for each setting that is not in the environment.
FROM python AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    SETTINGS_DIR=/run/settings
RUN mkdir /run/settings && chown 10001:10001 /run/settings
WORKDIR /app
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-I", "-S", "/app/livez.py"]
USER 10001:10001

FROM runtime AS local-cloud
ENV PORT=3010
EXPOSE 3010
COPY --from=embedded-dependencies /opt/venv /opt/venv
COPY --from=local-cloud-sources /app /app
COPY --from=local-cloud-sources --chown=10001:10001 /data /data
CMD ["python", "-m", "embedded.stand_ins", "cloud"]
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="music-streaming local-cloud" \
      org.opencontainers.image.description="Stands in for Clerk, Cloudinary and Recombee; for development only" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# ---- The services: port and command of each; SERVICE picks one.
FROM runtime AS user_service
ENV PORT=3001
EXPOSE 3001
CMD ["python", "-m", "user_service.main"]

FROM runtime AS song_service
ENV PORT=3002
EXPOSE 3002
CMD ["python", "-m", "song_service.main"]

FROM runtime AS album_service
ENV PORT=3003
EXPOSE 3003
CMD ["python", "-m", "album_service.main"]

FROM runtime AS api_gateway
ENV PORT=3000
EXPOSE 3000
CMD ["python", "-m", "api_gateway.main"]

FROM ${SERVICE} AS service
COPY --from=runtime-dependencies /opt/venv /opt/venv
COPY --from=service-sources /app /app
ARG SERVICE
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="music-streaming ${SERVICE}" \
      org.opencontainers.image.description="Part of a music streaming backend" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
