"""Deploys a stage and invites the first owner; repeating it is harmless.

    make deploy CONFIG=prod PARAMETERS='OwnerEmail=… MailFrom=… …'

The first deploy of a stage needs every parameter that has no default; later ones only those that change. The address of
the site is known only after the first pass, so a second pass gives it back to the application, unless SiteUrl is among
PARAMETERS. The owner is invited last; that deed happens once, however often it is asked for.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAM = os.environ.get("SAM", str(pathlib.Path(__file__).resolve().parent / "venv" / "bin" / "sam"))


def sam(*args: str, read: bool = False) -> str:
    done = subprocess.run([SAM, *args], cwd=ROOT, text=True, stdout=subprocess.PIPE if read else None)
    if done.returncode != 0:
        if read:
            sys.stderr.write(done.stdout)
        sys.exit(f"deploy: sam {args[0]} failed; nothing after it was done")
    return done.stdout or ""


def words(text: str) -> dict[str, str]:
    pairs = {}
    for word in shlex.split(text):
        name, is_pair, value = word.partition("=")
        if not is_pair:
            sys.exit(f"deploy: {word!r} in PARAMETERS is not of the form Name=value")
        pairs[name] = value
    return pairs


def main() -> None:
    stage = os.environ.get("CONFIG", "dev")
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    if stage not in config:
        sys.exit(f"deploy: samconfig.toml has no stage {stage!r}")
    settings = config[stage]["deploy"]["parameters"]
    stack = config[stage]["global"]["parameters"]["stack_name"]
    # What is given on the command line would replace the stage's own parameters as a whole.
    given = words(settings.get("parameter_overrides", "")) | words(os.environ.get("PARAMETERS", ""))

    def deploy() -> None:
        overrides = ["--parameter-overrides", *(f"{k}={v}" for k, v in given.items())] if given else []
        sam("deploy", "--config-env", stage, *overrides)

    def outputs() -> dict[str, str]:
        listed = json.loads(sam("list", "stack-outputs", "--stack-name", stack, "--output", "json", read=True))
        return {o["OutputKey"]: o["OutputValue"] for o in listed}

    sam("build", "--config-env", stage)
    deploy()
    if "SiteUrl" not in given:
        given["SiteUrl"] = outputs()["SiteUrl"]
        deploy()
    out = outputs()
    event = json.dumps({"ownerEmail": out["OwnerEmail"]})
    answer = sam("remote", "invoke", "Setup", "--stack-name", stack, "--event", event, "--output", "json", read=True)
    if json.loads(answer).get("FunctionError"):
        sys.exit(f"deploy: the owner could not be invited: {answer}")
    print(f"Onebook answers at {given['SiteUrl']}; {out['OwnerEmail']} is its owner.")
    print(f"Stripe's webhook belongs to {out['WebhookUrl']}: make stripe-webhook URL={out['WebhookUrl']}")


if __name__ == "__main__":
    main()
