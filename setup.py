"""Distribution of the streaming fraud detector. `make setup` installs it from the resolved lock."""

import sys
from pathlib import Path

from setuptools import find_packages, setup

sys.path.insert(0, str(Path(__file__).parent))
from build_core import BuildCore, native_core, wheel_options

CORE = [
    "click>=8.1",
    "msgspec==0.22.*",
    "numpy",
    "onnxruntime==1.31.1",
    "pydantic>=2.9",
    "pyyaml>=6",
    "rich>=13",
    "tzdata",
]
KAFKA = [
    "confluent-kafka>=2.16",
    "kafka-python==3.0.12",
]
REDIS = [
    "hiredis>=3",
    "redis==5.3.1",
]
SIGNING = [
    "cryptography>=42",
]
FLINK = [
    "apache-flink==2.3.0",
    *SIGNING,
    *KAFKA,
    *REDIS,
]
CONSOLE = [
    "alembic>=1.14",
    "fastapi>=0.115",
    "fpdf2>=2.8",
    "httptools>=0.6",
    "httpx>=0.27",
    "jinja2>=3.1",
    "joserfc>=1.6",
    "limits>=4",
    "prometheus-client>=0.21",
    "psycopg[binary,pool]>=3.2",
    "pyarrow",
    "sqlalchemy>=2.0.36",
    "structlog>=24.4",
    "uvicorn>=0.32",
    "uvloop>=0.21",
    *SIGNING,
    *KAFKA,
    *REDIS,
]
MYSQL = [
    "pymysql>=1.1",
    "sqlalchemy>=2.0.36",
]
AWS = [
    "boto3==1.44.5",
]
TRAIN = [
    "jinja2>=3.1",
    "matplotlib>=3.9",
    "onnx==1.22.0",
    "optuna>=4",
    "pandas",
    "pyarrow",
    "scikit-learn==1.9.1",
    "scipy",
    "xgboost==3.2.0",
]
DEV = [
    "duckdb>=1.3",
    "hypothesis>=6.100",
    "import-linter>=2",
    "jsonschema>=4.23",
    "moto[server]>=5.1",
    "mypy>=1.13",
    "packaging>=24",
    "pandas-stubs",
    "playwright>=1.50",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "python-hcl2>=7",
    "ruff>=0.8",
    "schemathesis>=4",
    "setuptools>=77",
    "setuptools-rust>=1.12",
    "types-PyYAML",
    "types-boto3[dynamodb,kinesis,sns,sqs,s3]",
    "uv",
]

PACKAGES = (
    "udfs",
    "ingest",
    "customers",
    "reporting",
    "jobs",
    "console",
    "client",
    "cli",
    "models",
    "simulator",
    "benchmarks",
)

setup(
    name="streaming-fraud-detector",
    version="0.1.0",
    description="Scores every payment of a stream for fraud, on Apache Flink",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=[f"{name}*" for name in PACKAGES]),
    package_data={
        "jobs": ["pipeline/java/*.java", "flink_internals/java/*.java"],
        "ingest": ["currencies.txt"],
        "customers": ["conditions.yaml"],
        "udfs": ["core/*.pyi", "records/countries.txt", "rules/packs/*.yaml"],
        "models": ["bundles/*.json", "bundles/default/*"],
        "reporting": ["templates/*"],
        "console": [
            "store/migrations/*.mako",
            "web/*.toml",
            "web/templates/*.html",
            "web/static/*",
            "web/static/vendor/*",
        ],
    },
    rust_extensions=[native_core()],
    cmdclass={"build_rust": BuildCore},
    options={"bdist_wheel": wheel_options()},
    zip_safe=False,
    install_requires=CORE,
    extras_require={
        "flink": FLINK,
        "console": CONSOLE,
        "mysql": MYSQL,
        "aws": AWS,
        "train": TRAIN,
        "dev": DEV + FLINK + CONSOLE + TRAIN + AWS,
    },
    entry_points={"console_scripts": ["fraud = cli.main:main"]},
)
