# The plain single stage of many tutorials: requirements first, then the code, which runs from where it lies.
FROM python:3.13-slim
ARG PIP_INDEX_URL
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app/src
RUN useradd --uid 10001 app
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install --disable-pip-version-check -r requirements.txt
COPY . .
USER app
