import pytest

from kinto.core.settings import mask_url, mask_value


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@ss:w/rd@h/d", "postgresql://u:***@h/d"),
        ("redis://:p@h", "redis://:***@h"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql:///d?password=p&sslmode=require", "postgresql:///d?password=***&sslmode=require"),
        ("postgresql:///d?sslpassword=p", "postgresql:///d?sslpassword=***"),
        ("", ""),
    ],
)  # fmt: skip
def test_passwords_of_urls_are_masked(url, masked):
    assert mask_url(url) == masked


def test_values_of_secret_settings_are_masked():
    assert mask_value("userid_hmac_secret", "a") == "***"
    assert mask_value("sentry_dsn", "https://a@b") == "***"
    assert mask_value("cache_url", "password without scheme") == "***"
    assert mask_value("paginate_by", 3) == "3"
