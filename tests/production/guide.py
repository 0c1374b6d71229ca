"""Configuration of the operator's guide, as operators have it: not a character is ours to change.

Its paths are adapted by the tests, since each runs in a folder of its own.
"""

APACHE = """\
WSGIScriptAlias /         /path/to/kinto/app.wsgi
WSGIPythonPath            /path/to/kinto
SetEnv          KINTO_INI /path/to/kinto.ini

<Directory /path/to/kinto>
  <Files app.wsgi>
    Require all granted
  </Files>
</Directory>
"""

NGINX = """\
upstream kinto {
    server unix:///var/run/uwsgi/kinto.sock;
}

server {
    listen      8000;
    server_name .my-kinto.org; # substitute your machine's IP address or FQDN
    charset     utf-8;

    # max upload size
    client_max_body_size 75M;   # adjust to taste

    location / {
        uwsgi_pass  kinto;
        include     /path/to/uwsgi_params; # the uwsgi_params file previously downloaded
    }
}
"""

NGINX_PRIVATE = """\
location ~ /v1/__(.+)__ {
    allow 127.0.0.1;
    allow 172.31.17.16;
    deny all;
}
"""

NGINX_CACHE = """\
proxy_cache_path /tmp/nginx levels=1:2 keys_zone=my_zone:100m inactive=200m;
proxy_cache_key "$scheme$request_method$host$request_uri$";
"""

UWSGI = """\
[uwsgi]
wsgi-file = app.wsgi
enable-threads = true
socket = /var/run/uwsgi/kinto.sock
chmod-socket = 666
processes =  3
master = true
module = kinto
harakiri = 120
uid = kinto
gid = kinto
virtualenv = .venv
lazy = true
lazy-apps = true
single-interpreter = true
buffer-size = 65535
post-buffering = 65535
plugin = python
"""

PRIVATE_URLS = (
    "__heartbeat__",
    "__lbheartbeat__",
    "__version__",
    "__api__",
    "__flush__",
    "__counters__",
    "__metrics__",
)
