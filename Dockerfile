# The frontend image: static programs and two labels. The builder stage runs on the builder's own platform and cross-compiles.
# `make image` replaces the stage by programs that the host's Go made, with the same flags and therefore the same bytes.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make programs ARCHES=$TARGETARCH PROGRAMS=/programs

FROM scratch
ARG TARGETARCH
# Without these labels buildx hands --call, --build-context and bake contexts to Docker's own frontend.
LABEL moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring"
# The helpers, which the builds of every user mount, are one layer: together they compress to two thirds of what they take one by one, and a
# daemon unpacks layers one after another. They rarely change, so that a new release is mostly the layer of the frontend.
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-* /
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile /pyfile
ENTRYPOINT ["/pyfile"]
