# The four-stage pattern: wheels are built in the full image, installed in the slim one, and the application's wheel comes last.
# Downloads of pip are kept in a cache mount.
FROM python:3.13 AS dep-builder
ARG PIP_INDEX_URL
WORKDIR /build
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip wheel --disable-pip-version-check -r requirements.txt -w /wheels

FROM python:3.13-slim AS base
RUN useradd --uid 10001 app
COPY --from=dep-builder /wheels /wheels
COPY requirements.txt /
RUN pip install --disable-pip-version-check --no-cache-dir --no-index --find-links /wheels -r /requirements.txt && rm -rf /wheels /requirements.txt

FROM python:3.13 AS app-builder
ARG PIP_INDEX_URL
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip pip wheel --disable-pip-version-check --no-deps -w /dist .

FROM base AS final
COPY --from=app-builder /dist /dist
RUN pip install --disable-pip-version-check --no-cache-dir --no-index --no-deps /dist/*.whl && rm -rf /dist
USER app
