_local = threading.local()
_schema_lock = threading.Lock()
_users = {}
JSON = ("Content-Type", "application/json")
INT8_MAX = 2**63 - 1


def connection():
    """One autocommit connection for each thread, with the statements prepared."""
    cursor = getattr(_local, "cursor", None)
    if cursor is None:
        conn = psycopg2.connect(os.environ["LIMIT_DSN"])
        conn.autocommit = True
        cursor = conn.cursor()
        with _schema_lock:
            cursor.execute("SELECT pg_advisory_lock(7)")
            cursor.execute(SCHEMA)
            cursor.execute("SELECT pg_advisory_unlock(7)")
        for signature, sql in STATEMENTS.items():
            cursor.execute(f"PREPARE {signature} AS {sql}")
        _local.cursor = cursor
    return cursor


def one(sql, params):
    cursor = connection()
    cursor.execute(sql, params)
    return cursor.fetchone()


def user_of(authorization):
    """The user id of a Basic Authorization header (cached: no hashing on later requests)."""
    user = _users.get(authorization)
    if user is None:
        if not authorization or not authorization.startswith("Basic "):
            return None
        raw = base64.b64decode(authorization[6:])
        digest = hmac.new(b"limit-secret", raw, hashlib.sha256).hexdigest()
        user = _users[authorization] = "basicauth:" + digest
    return user


def obj(data_text, ident, ts):
    """A record's JSON with its id and timestamp, from the text of its data."""
    tail = data_text[1:] if data_text == "{}" else "," + data_text[1:]
    return f'{{"id":"{ident}","last_modified":{ts}{tail}'


def answer(status, ts, text, extra=()):
    headers = [JSON, ("ETag", f'"{ts}"'), ("Last-Modified", httpdate(ts)), *extra]
    return status, headers, text.encode()


def httpdate(ts):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(ts / 1000))


DENIED = 403, [JSON], b'{"code":403,"errno":121,"error":"Forbidden"}'
MISSING = 404, [JSON], b'{"code":404,"errno":110,"error":"Not Found"}'


def hello(user):
    info = {"project_name": "limit", "url": "", "settings": {"batch_max_requests": 25}}
    if user:
        info["user"] = {"id": user}
    return 200, [JSON], orjson.dumps(info)


def get_record(user, b, c, rid, if_none_match):
    bucket = f"/buckets/{b}"
    coll = f"{bucket}/collections/{c}"
    allowed, ts, data, perms = one(
        "EXECUTE limit_get(%s,%s,%s,%s,%s)", (user, bucket, coll, f"{coll}/records/{rid}", rid)
    )
    if not allowed:
        return DENIED
    if ts is None:
        return MISSING
    if if_none_match == f'"{ts}"':
        return 304, [("ETag", f'"{ts}"')], b""
    return answer(200, ts, f'{{"data":{obj(data, rid, ts)},"permissions":{perms or "{}"}}}')


def write_record(user, b, c, rid, body, method="PUT"):
    bucket = f"/buckets/{b}"
    coll = f"{bucket}/collections/{c}"
    data = orjson.loads(body)["data"]
    statement = "limit_patch" if method == "PATCH" else "limit_put"
    row = one(
        f"EXECUTE {statement}(%s,%s,%s,%s,%s,%s)",
        (user, bucket, coll, f"{coll}/records/{rid}", rid, orjson.dumps(data).decode()),
    )
    if row is None:
        return DENIED
    _, ts, text, created, perms = row
    perms = perms or f'{{"write":["{user}"]}}'
    return answer(
        201 if created else 200, ts, f'{{"data":{obj(text, rid, ts)},"permissions":{perms}}}'
    )


def delete_record(user, b, c, rid):
    bucket = f"/buckets/{b}"
    coll = f"{bucket}/collections/{c}"
    row = one("EXECUTE limit_delete(%s,%s,%s,%s,%s)", (user, bucket, coll, f"{coll}/records/{rid}", rid))
    if row is None:
        return MISSING
    return answer(200, row[1], f'{{"data":{{"id":"{rid}","last_modified":{row[1]},"deleted":true}}}}')


def list_records(user, b, c, path, query, if_none_match, head=False):
    bucket = f"/buckets/{b}"
    coll = f"{bucket}/collections/{c}"
    if if_none_match or head:
        allowed, ts = one("EXECUTE limit_etag(%s,%s,%s)", (user, bucket, coll))
        if allowed and if_none_match == f'"{ts}"':
            return 304, [("ETag", f'"{ts}"')], b""
    args = {k: v[0] for k, v in parse_qs(query).items()} if query else {}
    limit = min(int(args.pop("_limit", 10000)), 10000)
    if "_since" in args:
        row = one("EXECUTE limit_since(%s,%s,%s,%s)", (user, bucket, coll, int(args["_since"].strip('"'))))
    elif "_sort" in args:
        del args["_sort"]
        want = {k: int(v) if v.isdigit() else v for k, v in args.items()}
        row = one("EXECUTE limit_filter(%s,%s,%s,%s,%s)", (user, bucket, coll, orjson.dumps(want).decode(), limit))
    else:
        before = int(args.get("_token", INT8_MAX))
        row = one("EXECUTE limit_list(%s,%s,%s,%s,%s)", (user, bucket, coll, limit, before))
    allowed, ts, total, last, n, rows = row
    if not allowed:
        return DENIED
    extra = [("Total-Objects", str(total or 0))]
    if n == limit and limit < 10000:
        extra.append(("Next-Page", f"http://x{path}?_limit={limit}&_token={last}"))
    return answer(200, ts or 0, f'{{"data":{rows or "[]"}}}', extra)


def put_container(user, parts, body):
    """Buckets, collections and groups: only for seeding, so not optimised."""
    data = orjson.loads(body) if body else {}
    uri = "/" + "/".join(parts)
    cursor = connection()
    cursor.execute("INSERT INTO limit_aces VALUES (%s,'write',%s) ON CONFLICT DO NOTHING", (uri, user))
    for perm, principals in data.get("permissions", {}).items():
        for principal in principals:
            cursor.execute("INSERT INTO limit_aces VALUES (%s,%s,%s) ON CONFLICT DO NOTHING",
                           (uri, perm, principal))
    for member in data.get("data", {}).get("members", []):
        cursor.execute("INSERT INTO limit_members VALUES (%s,%s) ON CONFLICT DO NOTHING", (member, uri))
    return 200, [JSON], b'{"data":{},"permissions":{}}'


def batch(user, body):
    """PUTs of records of one collection: one statement, one transaction."""
    requests = orjson.loads(body)["requests"]
    parts = requests[0]["path"].split("/")
    ids = [r["path"].rpartition("/")[2] for r in requests]
    datas = [orjson.dumps(r["body"]["data"]).decode() for r in requests]
    bucket = f"/buckets/{parts[3]}"
    coll = f"{bucket}/collections/{parts[5]}"
    cursor = connection()
    cursor.execute("EXECUTE limit_bulk(%s,%s,%s,%s,%s::jsonb[])", (user, bucket, coll, ids, datas))
    done = {row[0]: row for row in cursor.fetchall()}
    out = []
    for r, rid in zip(requests, ids):
        _, ts, text, created = done[rid]
        out.append(
            f'{{"status":{201 if created else 200},"path":"{r["path"]}","headers":{{"ETag":'
            f'"\\"{ts}\\"","Last-Modified":"{httpdate(ts)}","Content-Type":"application/json"}},'
            f'"body":{{"data":{obj(text, rid, ts)},"permissions":{{"write":["{user}"]}}}}}}'
        )
    return 200, [JSON], f'{{"responses":[{",".join(out)}]}}'.encode()


