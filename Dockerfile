# An image of the service: see docs/how-to/containers.rst.
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/kinto
RUN /opt/kinto/bin/pip install --constraint constraints.txt '.[postgresql,memcached,redis,monitoring]'

FROM python:3.11-slim
COPY --from=build /opt/kinto /opt/kinto
COPY contrib/docker/kinto.ini /etc/kinto/kinto.ini
ENV PATH=/opt/kinto/bin:$PATH KINTO_INI=/etc/kinto/kinto.ini PORT=8888 PYTHONUNBUFFERED=1
# Nobody on the host, and without a name.
USER 10001:10001
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD python -c "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/v1/__lbheartbeat__' % os.environ['PORT'], timeout=4)"
CMD ["sh", "-c", "kinto migrate && exec kinto start --port \"$PORT\""]
