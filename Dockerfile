# One image, one process. Inside a container loopback reaches nobody, so the port is open to whoever the
# container's publisher lets in: publish it to loopback (-p 127.0.0.1:8050:8050) until there is sign-in.
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY control_room control_room
COPY alerts alerts
COPY layouts layouts
COPY callbacks callbacks
COPY feeds feeds
COPY assets assets
RUN useradd --system --uid 10001 control && mkdir /data && chown control /data
USER control
VOLUME /data
# 8060: the public screens (`experience --host 0.0.0.0 --from http://dashboard:8050/public/stream`), from the same image.
EXPOSE 8050 8060
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8050/healthz', timeout=3)"]
ENTRYPOINT ["python", "-m", "control_room"]
CMD ["serve", "--host", "0.0.0.0", "--open-demo", "--feeds", "/data/feeds.yaml", "--data", "/data"]
