"""Writes the deployment as plain CloudFormation to build/expanded: what the SAM transform makes of template.yaml,
with the nested stacks beside it, so that cfn-lint sees every resource that is made in the end.

    .ci/tools/venv/bin/python .ci/tools/expand.py [folder]
"""

import json
import os
import pathlib
import shutil
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samcli.yamlhelper import yaml_parse
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build" / "expanded"
    template = yaml_parse((root / "template.yaml").read_text())
    # A deploy uploads the code first; here only its place in the template matters.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code.zip"
    try:
        plain = Translator({}, Parser()).translate(template, {})
    except InvalidDocumentException as e:
        for cause in e.causes:
            print(f"template.yaml: {cause.message}", file=sys.stderr)
        return 1
    shutil.rmtree(out, ignore_errors=True)
    (out / "infra").mkdir(parents=True)
    (out / "template.json").write_text(json.dumps(plain, indent=1))
    for stack in sorted((root / "infra").glob("*.yaml")):
        shutil.copy(stack, out / "infra" / stack.name)
    print(f"{out.relative_to(root) if out.is_relative_to(root) else out}: {len(plain['Resources'])} resources")
    return 0


if __name__ == "__main__":
    sys.exit(main())
