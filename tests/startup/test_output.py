import logging

from kinto.cli.output import setup_logging


def test_requests_are_shown_on_one_line(make_app, capsys):
    app = make_app()
    setup_logging(logging.INFO)

    app.get("/v1/?a=b")
    app.post_json("/v1/batch", {"requests": [{"path": "/"}]})

    # Python warnings come there as well.
    lines = capsys.readouterr().err.splitlines()
    first, second, third = [line for line in lines if line.startswith("INFO")]
    assert first.startswith('INFO   "GET   /v1/?a=b" 200 (')
    assert second.startswith('INFO   "GET   /v1/" 200 (')
    assert third.startswith('INFO   "POST  /v1/batch" 200 (')


def test_other_messages_are_shown_as_they_are(capsys):
    setup_logging(logging.INFO)

    logging.getLogger("some.library").error("%s happened", "this")

    assert "ERROR  this happened" in capsys.readouterr().err.splitlines()
