# The batch image: one binary that needs glibc and libstdc++ (the embedded engine is C++), no shell scripts, no service.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY audit audit
COPY cmd cmd
COPY sql sql
ARG VERSION=dev
RUN CGO_ENABLED=1 go build -tags disable_grpc_modules -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/featureaudit ./cmd/featureaudit

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libstdc++6 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin featureaudit
COPY --from=build /out/featureaudit /usr/local/bin/featureaudit
COPY cmd/featureaudit/NOTICE LICENSE /usr/share/doc/featureaudit/
ARG VERSION=dev
LABEL org.opencontainers.image.title="featureaudit" \
      org.opencontainers.image.description="Audits an offline feature store: staleness, duplicates, time zones" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 10001
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/featureaudit"]
CMD ["help"]
