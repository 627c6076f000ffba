"""Distribution of the streaming fraud detector. `make setup` installs it from the resolved lock."""

from setuptools import find_packages, setup

SERVE = [
    "apache-flink==2.3.0",
    "click>=8.1",
    "msgspec==0.22.*",
    "numpy",
    "onnxruntime==1.31.1",
    "pydantic>=2.9",
    "pyyaml>=6",
    "tzdata",
    "rich>=13",
]
TRAIN = [
    "jinja2>=3.1",
    "matplotlib>=3.9",
    "onnx==1.22.0",
    "pandas",
    "pyarrow",
    "scikit-learn==1.9.1",
    "scipy",
    "xgboost==3.2.0",
]
DEV = [
    "hypothesis>=6.100",
    "import-linter>=2",
    "mypy>=1.13",
    "pandas-stubs",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "ruff>=0.8",
    "types-PyYAML",
    "uv",
]

PACKAGES = ("udfs", "ingest", "reporting", "jobs", "cli", "models", "simulator", "benchmarks")

setup(
    name="streaming-fraud-detector",
    version="0.1.0",
    description="Scores every payment of a stream for fraud, on Apache Flink",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=[f"{name}*" for name in PACKAGES]),
    package_data={
        "udfs": ["rules/packs/*.yaml"],
        "models": ["bundles/*.json", "bundles/default/*"],
        "reporting": ["templates/*"],
    },
    install_requires=SERVE,
    extras_require={"train": TRAIN, "dev": DEV + TRAIN},
    entry_points={"console_scripts": ["fraud = cli.main:main"]},
)
