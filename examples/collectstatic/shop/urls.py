"""One page, which needs a translation and the name of a collected file."""

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import path
from django.utils.translation import gettext


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{gettext('Good day')}, {static('shop/site.css')}")


urlpatterns = [path("", home)]
