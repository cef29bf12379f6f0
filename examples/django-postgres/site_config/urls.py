"""One page, which asks the database."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path


def home(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000, %s * 7", [6])
        version, answer = cursor.fetchone()
    return HttpResponse(f"PostgreSQL {version} says {answer}")


urlpatterns = [path("", home)]
