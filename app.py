"""The WSGI application, for servers that load a file (uWSGI, Apache) or a module (gunicorn).

The configuration file is the one that KINTO_INI names, else config/kinto.ini in this folder.
"""

from pathlib import Path

from kinto.wsgi import make_application


application = make_application(Path(__file__).parent)
