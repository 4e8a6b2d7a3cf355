"""The settings of a plain project; what changes from test to test comes from the environment.

TEST_DATABASE: a URL (see `databases`). REDIS_URL: empty or missing = no Redis. TEST_TASK_WORKER: the dict
TASK_WORKER as JSON.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from config.databases import entry

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("TEST_SECRET_KEY", "not-a-secret-in-tests")
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "config.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_task_worker",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": entry(os.environ.get("TEST_DATABASE", f"sqlite://{BASE_DIR}/db.sqlite3"))}
REDIS_URL = os.environ.get("REDIS_URL") or None
REDIS_PASSWORD = os.environ.get("REDIS_PASSWORD") or None
TASK_WORKER = json.loads(os.environ.get("TEST_TASK_WORKER", "{}"))
