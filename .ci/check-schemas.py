"""Checks config/schemas and config/asyncapi.yaml against each other, the sources, fixtures and real triggers.

usage: check-schemas.py TRIGGERS    (a file with one published trigger a line; the demo's summary line is passed over)

Needs check-jsonschema's packages (jsonschema, ruamel.yaml), rfc3339-validator and rfc3986-validator. One line a step.
"""

import copy
import json
import pathlib
import re
import sys

import rfc3339_validator  # noqa: F401  without them jsonschema passes every `format`
import rfc3986_validator  # noqa: F401
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "config" / "schemas"
FIXTURES = ROOT / "Tests" / "Fixtures" / "schema"
MUTANTS_MIN = 30


def fail(text):
    sys.exit(f"FAILED: {text}")


def expect(condition, text):
    if not condition:
        fail(text)


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())


def lines(path):
    """JSON values of a file, one a line; blank lines and lines that begin with # are passed over."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, json.loads(line)


def check_schemas():
    paths = sorted(SCHEMAS.glob("*.json"))
    for path in paths:
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        # AsyncAPI reads payloads as a superset of draft 7.
        Draft7Validator.check_schema(schema)
        name = path.name.removesuffix(".schema.json")
        expect(schema["$id"] == f"urn:upselld:schema:{name}:1", f"{path.name}: $id is {schema['$id']}")
    print(f"ok: {len(paths)} schemas are JSON Schema 2020-12 and draft 7")


def check_fixtures():
    count = 0
    for path in sorted(FIXTURES.glob("*.jsonl")):
        name, verdict, _ = path.name.split(".")
        schema = validator(name)
        for number, value in lines(path):
            expect(schema.is_valid(value) == (verdict == "good"), f"{path.name}:{number} is not {verdict}")
            count += 1
    expect(count > 0, f"no fixtures in {FIXTURES}")
    print(f"ok: {count} fixtures are judged as their file says")


# MARK: AsyncAPI


def resolve(document, reference):
    value = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def references(value):
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "$ref" and isinstance(member, str):
                yield member
            else:
                yield from references(member)
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def check_asyncapi():
    yaml = YAML(typ="safe")
    document = yaml.load(ROOT / "config" / "asyncapi.yaml")
    files = set()
    for reference in references(document):
        if reference.startswith("#/"):
            resolve(document, reference)
        else:
            expect((ROOT / "config" / reference).is_file(), f"asyncapi.yaml: no file {reference}")
            files.add(reference)
    known = {f"schemas/{path.name}" for path in SCHEMAS.glob("*.json")}
    expect(files == known, f"asyncapi.yaml names {sorted(files)}, config has {sorted(known)}")

    topics = yaml.load(ROOT / "config" / "upselld.yaml")["topics"]
    defaults = {key: name for key, name in topics.items() if isinstance(name, str) and name.startswith("upselld.")}
    defaults["usage"] = topics["usage"][0]["name"]
    listed = {name: channel["address"] for name, channel in document["channels"].items()} | document["x-reserved"]
    expect(listed == defaults, f"topics of asyncapi.yaml {listed} differ from upselld.yaml's {defaults}")
    for name, channel in document["channels"].items():
        expect(channel["bindings"]["kafka"]["topic"] == channel["address"], f"asyncapi.yaml: topic of {name}")
    for message, definition in document["components"]["messages"].items():
        reference = definition.get("payload", {}).get("$ref")
        for example in definition.get("examples", []):
            schema = validator(pathlib.Path(reference).name.removesuffix(".schema.json"))
            expect(schema.is_valid(example["payload"]), f"asyncapi.yaml: an example of {message} is not valid")

    headers = document["components"]["schemas"]["errorHeaders"]
    # A record may be without a timestamp; everything else is always there.
    optional = {"__upselld.errors.record.timestamp"}
    always = set(headers["properties"]) - optional
    expect(set(headers["required"]) == always, "asyncapi.yaml: an error header is not required")
    reasons = headers["properties"]["__upselld.errors.reason"]["enum"]
    expect(reasons == cases("Rejection.swift", "RejectionReason"), "asyncapi.yaml: reasons differ from RejectionReason")
    article = (ROOT / "Sources" / "UpsellWire" / "UpsellWire.docc" / "DeadLetters.md").read_text()
    explained = re.findall(r"^\| `([a-z0-9_]+)` \|", article, re.MULTILINE)
    expect(sorted(explained) == sorted(reasons), "DeadLetters.md: its reasons differ from RejectionReason")
    article = (ROOT / "Sources" / "UpsellEngine" / "UpsellEngine.docc" / "SignalsAndArming.md").read_text()
    explained = re.findall(r"^\| `([a-z_]+)` \| (?:final|temporary)", article, re.MULTILINE)
    expect(explained == cases("Trigger.swift", "HoldReason"), "SignalsAndArming.md: its reasons differ from HoldReason")
    print(f"ok: asyncapi.yaml: {len(listed)} topics as in upselld.yaml, {len(files)} schemas, {len(reasons)} reasons")


# MARK: Sources


def cases(file, enumeration):
    """Raw values of a Swift enumeration of strings, in their order."""
    text = (ROOT / "Sources" / "UpsellModel" / file).read_text()
    body = re.search(rf"enum {enumeration}: String.*?\{{(.*?)\}}", text, re.DOTALL).group(1)
    values = []
    for line in re.findall(r"^\s*case (.*?)\s*$", body, re.MULTILINE):
        for word in line.split(","):
            name, _, raw = word.partition("=")
            values.append(raw.strip().strip('"') or name.strip())
    return values


def check_enumerations():
    trigger = json.loads((SCHEMAS / "trigger.schema.json").read_text())["properties"]["data"]["properties"]
    held = json.loads((SCHEMAS / "held.schema.json").read_text())["properties"]["data"]["properties"]
    profile = json.loads((SCHEMAS / "profile.schema.json").read_text())["properties"]
    statuses = cases("Profile.swift", "Status")
    checks = [
        ("cause", trigger["cause"]["enum"], cases("Trigger.swift", "Cause")),
        ("reason of held", held["reason"]["enum"], cases("Trigger.swift", "HoldReason")),
        ("thresholdUnit", trigger["thresholdUnit"]["enum"], cases("Rule.swift", "ThresholdUnit")),
        ("status", trigger["status"]["enum"], statuses),
        ("status of profile", profile["status"]["enum"], statuses + [None]),
    ]
    for name, listed, declared in checks:
        expect(listed == declared, f"{name}: the schema has {listed}, the code {declared}")
    # But for its reason and the trigger's id a held trigger is a trigger.
    expect({k: v for k, v in held.items() if k not in ("reason", "trigger")} == trigger, "held differs from trigger")
    print(f"ok: {len(checks)} enumerations are those of the code")


# MARK: Triggers and mutants

# Members that a trigger may lack, by place; every other one that a trigger has is required.
OPTIONAL = {
    "data.dimension", "data.percent", "data.remaining", "data.period", "data.consequence", "data.input",
    "data.evidence[].percent", "data.evidence[].reachedAt",
}
# Places where `null` means something.
NULLABLE = {"data.limit", "data.evidence[].limit"}
# Places whose text has one form: (a wrong text).
WRONG_TEXT = {
    "specversion": "1.1", "id": "E9E27665D344F322BDEAAD405566D70F", "type": "upselld.trigger.pace.v1", "subject": "",
    "source": "", "time": "2026-13-01T00:00:00Z", "datacontenttype": "text/plain", "data.signal": "pace",
    "data.rule": "", "data.meter": "", "data.plan": "", "data.cause": "boredom", "data.thresholdUnit": "permille",
    "data.status": "gone", "data.episode": "yesterday", "data.eventTime": "2026-01-01",
    "data.detectionTime": "2026-01-01T25:00:00Z", "data.period.start": "now", "data.period.end": "",
    "data.period.reset": "2026-02-30T00:00:00Z", "data.evidence[].kind": "rumour", "data.evidence[].unit": "permille",
}
WRONG_NUMBER = {
    "data.schemaVersion": 2, "data.limit": -1, "data.remaining": -1, "data.input.partition": -1,
    "data.input.offset": 0.5,
}


def wrong_types(value):
    """One value of every other JSON type."""
    samples = ["x", 7, True, [], {}]
    kind = (lambda v: "number" if isinstance(v, (int, float)) and not isinstance(v, bool) else type(v).__name__)
    return [sample for sample in samples if kind(sample) != kind(value)]


def mutants(trigger):
    """Copies of a trigger that differ in one member, and what was done."""

    def edited(path, edit):
        copied = copy.deepcopy(trigger)
        target = copied
        for step in path[:-1]:
            target = target[step]
        edit(target, path[-1])
        return copied

    def replaced(path, value):
        return edited(path, lambda target, step: target.__setitem__(step, value))

    def walk(value, path, place):
        if isinstance(value, dict):
            yield f"{place}: unknown member", edited(path + ["unknown"], lambda t, s: t.__setitem__(s, 1))
            for name, member in value.items():
                inner = f"{place}.{name}" if place else name
                if inner not in OPTIONAL:
                    yield f"{inner}: removed", edited(path + [name], lambda t, s: t.pop(s))
                yield from walk(member, path + [name], inner)
        elif isinstance(value, list):
            yield f"{place}: emptied", replaced(path, [])
            for index, element in enumerate(value):
                yield from walk(element, path + [index], f"{place}[]")
        if not path:
            return
        for wrong in wrong_types(value) + ([] if place in NULLABLE else [None]):
            yield f"{place}: {json.dumps(wrong)}", replaced(path, wrong)
        for table in (WRONG_TEXT, WRONG_NUMBER):
            if place in table:
                yield f"{place}: {json.dumps(table[place])}", replaced(path, table[place])

    yield from walk(trigger, [], "")


def check_triggers(path):
    schema = validator("trigger")
    triggers = [value for _, value in lines(path) if "summary" not in value]
    expect(triggers, f"{path} has no trigger")
    places = set()
    for number, trigger in enumerate(triggers, 1):
        error = next(schema.iter_errors(trigger), None)
        expect(error is None, f"trigger {number}: {error and error.json_path}: {error and error.message}")
        places |= set(trigger["data"])
    ids = {trigger["id"] for trigger in triggers}
    expect(len(ids) == len(triggers), f"{len(triggers)} triggers have {len(ids)} ids")
    print(f"ok: {len(triggers)} triggers fit the schema, each with its own id")

    # One with a period and one without, so that every optional member is mutated.
    chosen = [next(t for t in triggers if ("period" in t["data"]) == has) for has in (True, False)]
    count = 0
    for trigger in chosen:
        for what, mutant in mutants(trigger):
            expect(not schema.is_valid(mutant), f"the schema lets a mutant pass: {what}")
            count += 1
    expect(count >= MUTANTS_MIN, f"only {count} mutants")
    print(f"ok: {count} mutants of a trigger, each of one member, are refused")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check_schemas()
    check_fixtures()
    check_asyncapi()
    check_enumerations()
    check_triggers(pathlib.Path(sys.argv[1]))


main()
