"""Distribution of the streaming fraud detector. `make setup` installs it from the resolved lock."""

import os
import shutil
import sys
import sysconfig
from glob import glob

from setuptools import Extension, find_packages, setup

SERVE = [
    "apache-flink==2.3.0",
    "click>=8.1",
    "confluent-kafka>=2.16",
    "hiredis>=3",
    "kafka-python==3.0.12",
    "msgspec==0.22.*",
    "numpy",
    "onnxruntime==1.31.1",
    "pydantic>=2.9",
    "pyyaml>=6",
    "redis==5.3.1",
    "tzdata",
    "rich>=13",
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
    "hypothesis>=6.100",
    "import-linter>=2",
    "jsonschema>=4.23",
    "moto[server]>=5.1",
    "mypy>=1.13",
    "pandas-stubs",
    "pytest>=8",
    "prometheus-client>=0.21",
    "pytest-timeout>=2.3",
    "python-hcl2>=7",
    "ruff>=0.8",
    "types-PyYAML",
    "types-boto3[dynamodb,kinesis,sns,sqs,s3]",
    "uv",
]

NOT_COMPILED = ("__init__.py", "feature.py", "feature_set.py", "groups.py", "values.py", "words.py")
# What runs for every transaction. Not the structs of msgspec, whose options mypyc drops.
COMPILED = [
    *(
        f"udfs/{name}.py"
        for name in (
            "account_history", "attribute_values", "baseline", "block_list", "broad_risks", "codec", "codes",
            "decision", "entities", "entity_history", "entity_risk", "feature_engine", "flag_days", "flags", "geo",
            "judge", "local_time", "money", "notices", "observation", "packed_hours", "score_blend", "scorer",
            "sorted_times", "stores/cache", "sums", "undecided", "user_state", "window", "windows",
        )
    ),
    *(
        path
        for path in sorted(glob("udfs/features/*.py"))
        if os.path.basename(path) not in NOT_COMPILED
    ),
]  # fmt: skip


def compiled_modules() -> list[Extension]:
    """The hot path in C by mypyc, from the files themselves: `python setup.py build_ext --inplace` (`make setup` does it).

    Without mypyc or a C compiler there is none, and the same files run as Python, a quarter slower.
    """
    try:
        from mypyc.build import mypycify
    except ImportError:
        return []
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if shutil.which(compiler) is None or not os.path.exists(header):
        print(f"not compiled: {compiler} or {header} is missing; all runs as Python, slower", file=sys.stderr)
        return []
    extensions = mypycify(COMPILED, opt_level="3", debug_level="0", group_name="fraud")
    for extension in extensions:  # the modules' functions call each other, and nobody replaces any
        extension.extra_compile_args += ["-fno-semantic-interposition", "-fno-plt"]
    # For Linux; where it cannot be compiled, memory comes in small pages.
    return [*extensions, Extension("udfs._huge_pages", ["udfs/_huge_pages.c"], optional=True)]


PACKAGES = ("udfs", "ingest", "reporting", "jobs", "cli", "models", "simulator", "benchmarks")

setup(
    name="streaming-fraud-detector",
    version="0.1.0",
    description="Scores every payment of a stream for fraud, on Apache Flink",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=[f"{name}*" for name in PACKAGES]),
    package_data={
        "jobs": ["java/*.java"],
        "udfs": ["rules/packs/*.yaml", "*.c", "*.pyi"],
        "models": ["bundles/*.json", "bundles/default/*"],
        "reporting": ["templates/*"],
    },
    ext_modules=compiled_modules() if "build_ext" in sys.argv else [],
    install_requires=SERVE,
    extras_require={"aws": AWS, "train": TRAIN, "dev": DEV + TRAIN + AWS},
    entry_points={"console_scripts": ["fraud = cli.main:main"]},
)
