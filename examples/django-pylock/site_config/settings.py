"""Settings of a site without a database."""

SECRET_KEY = "not a secret: this example keeps no sessions"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_config.urls"
WSGI_APPLICATION = "site_config.wsgi.application"
USE_TZ = True
