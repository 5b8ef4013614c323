"""A Django application to which people sign in with mozilla-django-oidc.

The arguments are the address to listen on, the issuer, the client_id and the client_secret. The
application stores its users and sessions in the current folder."""

import sys
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
from django.conf import settings

ADDRESS, ISSUER, CLIENT, SECRET = sys.argv[1:]
SERVER = requests.get(ISSUER + "/.well-known/openid-configuration", timeout=30).json()

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    AUTHENTICATION_BACKENDS=["djangoapp.Backend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mozilla_django_oidc"],
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
    },
    LOGIN_REDIRECT_URL="/",
    LOGIN_REDIRECT_URL_FAILURE="/out",
    LOGOUT_REDIRECT_URL="/out",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "mozilla_django_oidc.middleware.SessionRefresh",
    ],
    OIDC_OP_AUTHORIZATION_ENDPOINT=SERVER["authorization_endpoint"],
    OIDC_OP_JWKS_ENDPOINT=SERVER["jwks_uri"],
    OIDC_OP_LOGOUT_URL_METHOD="djangoapp.logout_at_the_server",
    OIDC_OP_TOKEN_ENDPOINT=SERVER["token_endpoint"],
    OIDC_OP_USER_ENDPOINT=SERVER["userinfo_endpoint"],
    OIDC_RP_CLIENT_ID=CLIENT,
    OIDC_RP_CLIENT_SECRET=SECRET,
    OIDC_RP_SCOPES="openid profile email",
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_STORE_ACCESS_TOKEN=True,
    OIDC_STORE_ID_TOKEN=True,
    ROOT_URLCONF="djangoapp",
    SECRET_KEY="a-secret-of-this-test",
)

if __name__ == "__main__":
    sys.modules["djangoapp"] = sys.modules["__main__"]
    import django

    django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # noqa: E402


class Backend(OIDCAuthenticationBackend):
    """The backend of the library. It also stores the values that the application shows."""

    def get_token(self, payload):
        token = super().get_token(payload)
        self.request.session["refresh_token"] = token["refresh_token"]
        return token

    def verify_token(self, token, **kwargs):
        claims = super().verify_token(token, **kwargs)
        self.request.session["id_claims"] = claims
        return claims

    def get_userinfo(self, access_token, id_token, payload):
        info = super().get_userinfo(access_token, id_token, payload)
        self.request.session["userinfo"] = info
        return info


def logout_at_the_server(request):
    return SERVER["end_session_endpoint"] + "?" + urlencode({
        "id_token_hint": request.session["oidc_id_token"], "post_logout_redirect_uri": f"http://{ADDRESS}/out", "state": "out"})


@login_required(login_url="/oidc/authenticate/")
def home(request):
    names = ("id_claims", "userinfo", "oidc_access_token", "refresh_token")
    return JsonResponse({"email": request.user.email} | {name: request.session[name] for name in names})


def expire(request):
    """At the next page, the library asks the server whether the person is still signed in."""
    request.session["oidc_id_token_expiration"] = 0
    return HttpResponseRedirect("/")


urlpatterns = [
    path("", home),
    path("expire", expire),
    path("out", lambda request: HttpResponse("signed out")),
    path("oidc/", include("mozilla_django_oidc.urls")),
]


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    host, port = ADDRESS.split(":")
    make_server(host, int(port), get_wsgi_application(), handler_class=Quiet).serve_forever()
