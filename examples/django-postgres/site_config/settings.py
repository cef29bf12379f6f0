"""Settings of a site with a database. libpq reads its address from PGHOST and PGPORT, and a password from PGPASSWORD."""

import os

SECRET_KEY = "not a secret: this example keeps no sessions"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_config.urls"
WSGI_APPLICATION = "site_config.wsgi.application"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("PGDATABASE", "postgres"),
        "USER": os.environ.get("PGUSER", "postgres"),
    },
}
