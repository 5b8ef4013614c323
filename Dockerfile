# The server on an empty image, without a shell or a libc: only the binary needs updates.
# docker build -t authserver --build-arg VERSION=1.2.3 .
#
# The build pulls Docker Hub's golang image and installs Debian's libssl-dev in it. The
# binary contains libcrypto, which signs RS256 tokens at a quarter of the cost of Go's code
# (docs/signers.md). Because libcrypto is C, the builder runs on the platform of the image,
# under emulation if the machine has another.
FROM golang:1.26 AS build
RUN apt-get update && apt-get install -y --no-install-recommends libssl-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The files of the final image: a user, a /tmp for SQLite's temporary files, and a
# directory for its database. A new named volume copies its owner and mode.
RUN mkdir -p /rootfs/etc/ssl/certs /rootfs/tmp /rootfs/var/lib /data/authserver \
    && echo 'authserver:x:65532:65532:authserver:/var/lib/authserver:/sbin/nologin' > /rootfs/etc/passwd \
    && echo 'authserver:x:65532:' > /rootfs/etc/group \
    && cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
    && chmod 1777 /rootfs/tmp \
    && chmod 0700 /data/authserver
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION
# cloudkms adds the clients of the clouds' key management services for the master key.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build-cache \
    GOCACHE=/go/build-cache CGO_ENABLED=1 \
    go build -trimpath -tags cloudkms,openssl,netgo,osusergo \
    -ldflags "-s -w -X main.version=$VERSION -linkmode external -extldflags -static" -o /rootfs/authserver ./cmd/authserver

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="authserver" \
      org.opencontainers.image.description="OAuth 2.0 authorization server that issues JWT access tokens" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION
COPY --from=build /rootfs/ /
COPY --from=build --chown=65532:65532 /data/ /var/lib/
# No other container can reach loopback, so the server listens on all addresses. The
# operator decides which ports to publish; the ops port should not be one of them.
ENV AUTHSERVER_LISTEN=0.0.0.0:8080 \
    AUTHSERVER_OPS_LISTEN=0.0.0.0:9090
EXPOSE 8080 9090
WORKDIR /var/lib/authserver
USER 65532:65532
# The command asks /readyz of the ops listener, with the same settings as the server.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/authserver", "healthcheck"]
ENTRYPOINT ["/authserver"]
CMD ["serve"]
