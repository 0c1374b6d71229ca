# Created at ${date}
# Using Kinto version ${version}
#
# A setting that begins with "# kinto." is commented out and shows its default. All of them:
# https://kinto.readthedocs.io/en/latest/configuration/settings.html

[server:main]
use = egg:waitress#main
host = ${host}
port = %(http_port)s

[app:main]
use = egg:kinto

${settings}

#
# Notifications, with "redis" among the event listeners above
#
# kinto.event_listeners.redis.use = kinto.core.listeners.redis
# kinto.event_listeners.redis.url = redis://localhost:6379/0
# kinto.event_listeners.redis.pool_size = 25
# kinto.event_listeners.redis.listname = kinto.core.events
# kinto.event_listeners.redis.actions = create update delete
# kinto.event_listeners.redis.resources = bucket collection

#
# Endpoint switches
#
# kinto.plural_<object>_<method>_enabled = true
# kinto.object_<object>_<method>_enabled = true
# kinto.object_bucket_delete_enabled = false

#
# Running with uWSGI: uwsgi --ini <this file>
#
[uwsgi]
wsgi-file = ${wsgi_file}
need-app = true
enable-threads = true
http-socket = ${host}:8888
# Behind nginx, a socket in a folder that belongs to the user of the service:
# socket = /var/run/uwsgi/kinto.sock
# chmod-socket = 666
processes = 3
master = true
# SIGTERM: stop when what was begun is answered.
hook-master-start = unix_signal:15 gracefully_kill_them_all
harakiri = 120
# uid = kinto
# gid = kinto
# virtualenv = .venv
# Workers load the application by themselves, so that they can be replaced one after another:
# "touch kinto.reload" loses no request.
lazy-apps = true
# touch-chain-reload = kinto.reload
single-interpreter = true
buffer-size = 65535
post-buffering = 65535
# The uwsgi of Debian has Python as a plugin:
# plugin = python3

#
# Logging
#
[loggers]
keys = root, kinto

[handlers]
keys = console

[formatters]
keys = color, json

[logger_root]
level = INFO
handlers = console

[logger_kinto]
level = DEBUG
handlers = console
qualname = kinto
propagate = 0

[handler_console]
class = kinto.core.StreamHandlerWithRequestID
args = (sys.stderr,)
level = NOTSET
formatter = color

[formatter_color]
class = logging_color_formatter.ColorFormatter

[formatter_json]
class = kinto.core.JsonLogFormatter
