import logging

from kinto.cli.output import setup_logging


def test_requests_are_shown_on_one_line(make_app, capsys):
    app = make_app()
    setup_logging(logging.INFO)

    app.get("/v1/?a=b")
    app.post_json("/v1/batch", {"requests": [{"path": "/"}]})

    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith('INFO   "GET   /v1/?a=b" 200 (')
    assert second.startswith('INFO   "GET   /v1/" 200 (')
    assert third.startswith('INFO   "POST  /v1/batch" 200 (')


def test_other_messages_are_shown_as_they_are(capsys):
    setup_logging(logging.INFO)

    logging.getLogger("some.library").error("%s happened", "this")

    assert capsys.readouterr().err == "ERROR  this happened\n"
