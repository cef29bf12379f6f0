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
# A layer of its own for each helper: their bytes rarely change, and the builds of every user mount them.
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-install /pyfile-install
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-index /pyfile-index
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-build /pyfile-build
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-distro /pyfile-distro
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-verify /pyfile-verify
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile-step /pyfile-step
COPY --from=build --chmod=0755 /programs/linux_${TARGETARCH}/pyfile /pyfile
ENTRYPOINT ["/pyfile"]
