"""Checks config/schemas and config/asyncapi.yaml against each other, the sources, fixtures and real triggers.

usage: check-schemas.py TRIGGERS [OUTPUTS...]
           TRIGGERS has one published trigger a line; the demo's summary line is passed over. OUTPUTS have one published
           event of any kind a line; its type says which schema it must fit.
       check-schemas.py --derive    (writes held.schema.json and open.schema.json anew after trigger.schema.json)

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
WIRE = ROOT / "Tests" / "Fixtures" / "wire"
# For each kind of signal.
MUTANTS_MIN = 30


def fail(text):
    sys.exit(f"FAILED: {text}")


def expect(condition, text):
    if not condition:
        fail(text)


def load(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def validator(name):
    return Draft202012Validator(load(name), format_checker=FormatChecker())


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


# MARK: What is a trigger and more


def derived_held():
    """A held trigger is a trigger with the reason, and with an id that has it."""
    held = load("trigger")
    held |= {
        "$id": "urn:upselld:schema:held:1", "title": "upselld held trigger",
        "description": "A trigger that came true as a signal and was held back: value of a record of upselld.held, a "
        "CloudEvent 1.0. The record's key is the account id. But for reason, disposition, until and trigger its data "
        "is that of a trigger.",
    }
    members = held["properties"]
    members["id"] = {
        "type": "string", "description": "The trigger's id and the reason.", "pattern": "^[0-9a-f]{32}-[a-z_]+$",
    }
    members["type"]["enum"] = [name.replace(".trigger.", ".held.") for name in members["type"]["enum"]]
    temporary, final = hold_reasons()
    data = members["data"]
    own = {
        "reason": {
            "enum": cases("Trigger.swift", "HoldReason"),
            "description": "Why it was held back; the article Outputs of UpsellWire explains each.",
        },
        "disposition": {
            "enum": ["final", "temporary"],
            "description": "temporary: it is judged again; final: it will never be sent.",
        },
        "until": {"type": "string", "format": "date-time", "description": "temporary: when it is judged again."},
        "trigger": {
            "type": "string", "description": "Id that the trigger has, or would have had.", "pattern": "^[0-9a-f]{32}$",
        },
    }
    data["properties"] = {"schemaVersion": data["properties"]["schemaVersion"]} | own | data["properties"]
    data["required"] = ["schemaVersion", "reason", "disposition", "trigger"] + data["required"][1:]

    def when(reasons, then):
        return {"if": {"properties": {"reason": {"enum": reasons}}, "required": ["reason"]}, "then": then}

    data["allOf"] = [
        when(temporary, {"properties": {"disposition": {"const": "temporary"}}}),
        when(final, {"properties": {"disposition": {"const": "final"}, "until": False}}),
        when(["holdout"], {"required": ["experiment"],
                           "properties": {"experiment": {"properties": {"arm": {"const": "holdout"}}}}}),
    ] + data["allOf"]
    for rule in held["allOf"]:
        if "then" in rule:
            kind = rule["then"]["properties"]["type"]
            kind["const"] = kind["const"].replace(".trigger.", ".held.")
    # A ghost of the holdout is held, never sent.
    held["allOf"] = [rule for rule in held["allOf"] if "then" in rule]
    return held


def derived_open():
    """What is open: each trigger with its id, without the time of detection."""
    schema = load("trigger")
    schema |= {
        "$id": "urn:upselld:schema:open:1", "title": "upselld open triggers",
        "description": "What is open of an account, as a banner shows it: value of a record of upselld.open, a "
        "CloudEvent 1.0. The record's key is the account id; a record without value says that nothing is open. But for "
        "id and detectionTime each trigger is the data of its own event.",
    }
    members = schema["properties"]
    members["id"]["description"] = "128-bit hash of the account and of what is open."
    members["type"] = {"const": "upselld.open.v1", "description": "What it is."}
    members["time"]["description"] = "When what is open changed."
    trigger = members["data"]
    version = trigger["properties"].pop("schemaVersion")
    del trigger["properties"]["detectionTime"]
    identity = {"type": "string", "description": "Id of the trigger.", "pattern": "^[0-9a-f]{32}$"}
    trigger["properties"] = {"id": identity} | trigger["properties"]
    trigger["required"] = ["id"] + [name for name in trigger["required"] if name in trigger["properties"]]
    trigger["description"] = "A trigger."
    members["data"] = {
        "type": "object", "description": "What is open.",
        "properties": {
            "schemaVersion": version,
            "triggers": {
                "type": "array", "description": "In the order of their emission.", "items": trigger, "minItems": 1,
            },
        },
        "required": ["schemaVersion", "triggers"], "additionalProperties": False,
    }
    del schema["allOf"]
    return schema


DERIVED = {"held": derived_held, "open": derived_open}


def derive():
    for name, schema in DERIVED.items():
        text = json.dumps(schema(), indent=2, ensure_ascii=False)
        (SCHEMAS / f"{name}.schema.json").write_text(text + "\n")


def check_derived():
    for name, schema in DERIVED.items():
        # As text: the order of members is part of what people read.
        expect(json.dumps(load(name)) == json.dumps(schema()), f"{name}.schema.json differs: check-schemas.py --derive")
    print(f"ok: {len(DERIVED)} schemas follow from the trigger's")


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
    listed = {name: channel["address"] for name, channel in document["channels"].items()}
    expect(listed == defaults, f"topics of asyncapi.yaml {listed} differ from upselld.yaml's {defaults}")
    for name, channel in document["channels"].items():
        expect(channel["bindings"]["kafka"]["topic"] == channel["address"], f"asyncapi.yaml: topic of {name}")
    operated = {operation["channel"]["$ref"].rpartition("/")[2] for operation in document["operations"].values()}
    expect(operated == set(document["channels"]), f"asyncapi.yaml: operations are on {sorted(operated)}")
    examples = 0
    for message, definition in document["components"]["messages"].items():
        reference = definition.get("payload", {}).get("$ref")
        # What has a schema has an example, too; a reference to a dead letter is only bytes and hashes.
        expect(reference is None or message == "deadLetterReference" or definition.get("examples"),
               f"asyncapi.yaml: {message} has no example")
        for example in definition.get("examples", []):
            schema = validator(pathlib.Path(reference).name.removesuffix(".schema.json"))
            error = next(schema.iter_errors(example["payload"]), None)
            expect(error is None, f"asyncapi.yaml: example of {message}: {error and error.message}")
            examples += 1

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
    print(f"ok: asyncapi.yaml: {len(listed)} topics as in upselld.yaml, {len(files)} schemas, {len(reasons)} reasons, "
          f"{examples} examples")


def check_article():
    """Every example of the article is an instance of the schema that it names, written as it goes out."""
    article = (ROOT / "Sources" / "UpsellWire" / "UpsellWire.docc" / "Outputs.md").read_text()
    examples = re.findall(r"^`([a-z-]+)\.schema\.json`.*?^```json\n(.*?)^```", article, re.MULTILINE | re.DOTALL)
    for name, text in examples:
        error = next(validator(name).iter_errors(json.loads(text)), None)
        expect(error is None, f"Outputs.md: {name}: {error and error.json_path}: {error and error.message}")
    missing = {"trigger", "held", "open", "outcome", "feedback", "control"} - {name for name, _ in examples}
    expect(not missing, f"Outputs.md has no example of {sorted(missing)}")

    # Reasons for which a trigger is held: all of them here, and wherever else they are explained the same is said.
    row = re.compile(r"^\| `([a-z_]+)` \| (final|temporary)\b", re.MULTILINE)
    temporary, _ = hold_reasons()
    reasons = cases("Trigger.swift", "HoldReason")
    declared = [(reason, "temporary" if reason in temporary else "final") for reason in reasons]
    explained = row.findall(article)
    expect(explained == declared, f"Outputs.md: reasons {set(explained) ^ set(declared)} differ from HoldReason")
    for path in sorted(ROOT.glob("Sources/*/*.docc/*.md")):
        wrong = set(row.findall(path.read_text())) - set(declared)
        expect(not wrong, f"{path.name}: {sorted(wrong)} is not so by HoldReason")
    print(f"ok: {len(examples)} examples and {len(declared)} reasons of Outputs.md")


# MARK: Sources


def declaration(file, enumeration):
    """Text of a Swift enumeration, and its cases: (name, raw value). `Offer.Kind`: the one inside of that type."""
    text = (ROOT / "Sources" / "UpsellModel" / file).read_text()
    owner, _, enumeration = enumeration.rpartition(".")
    if owner:
        text = re.search(rf"^public struct {owner}\b.*?^\}}", text, re.DOTALL | re.MULTILINE).group(0)
    found = re.search(rf"^( *)public enum {enumeration}: (?:[^\n]*\}}$|.*?^\1\}})", text, re.DOTALL | re.MULTILINE)
    expect(found, f"{file} has no enumeration {enumeration}")
    body = found.group(0).partition("{")[2].rpartition("}")[0]
    values = []
    for line in re.findall(r"(?:^|\s)case ([a-zA-Z][^:\n]*?)\s*$", body, re.MULTILINE):
        for word in line.split(","):
            name, _, raw = word.partition("=")
            values.append((name.strip(), raw.strip().strip('"') or name.strip()))
    expect(values, f"{file}: {enumeration} has no cases")
    return body, values


def cases(file, enumeration):
    """Raw values of a Swift enumeration of strings, in their order."""
    return [raw for _, raw in declaration(file, enumeration)[1]]


def listed_in(file, enumeration, property_name):
    """Raw values that a computed Boolean of an enumeration holds for, in the order of the enumeration."""
    body, values = declaration(file, enumeration)
    rule = re.search(rf"var {property_name}: Bool.*?case (.*?): true", body, re.DOTALL).group(1)
    names = {name.strip().removeprefix(".") for name in rule.split(",")}
    return [raw for name, raw in values if name in names]


def hold_reasons():
    temporary = listed_in("Trigger.swift", "HoldReason", "isTemporary")
    return temporary, [reason for reason in cases("Trigger.swift", "HoldReason") if reason not in temporary]


def signals():
    """Names are computed from the number, and are those of the cases."""
    body, values = declaration("Trigger.swift", "SignalKind")
    names = [name for name, _ in values]
    written = re.findall(r"case \.(\w+): \"(\w+)\"", body)
    # The first case has its number in place of a raw text.
    expect(written == [(name, name) for name in names], "SignalKind: a name differs from its case")
    return names


def check_enumerations():
    trigger = load("trigger")["properties"]["data"]["properties"]
    held = load("held")["properties"]["data"]["properties"]
    outcome = load("outcome")["properties"]["data"]
    remedy = trigger["remedy"]["properties"]
    activity = trigger["activity"]["properties"]
    report = load("feedback")["definitions"]["report"]["properties"]
    profile = load("profile")["properties"]
    statuses = cases("Profile.swift", "Status")
    reasons = cases("Remedy.swift", "Reason")
    kinds = cases("Outcome.swift", "OutcomeKind")
    checks = [
        ("signal", trigger["signal"]["enum"], signals()),
        ("signal of a part", activity["parts"]["items"]["properties"]["signal"]["enum"], signals()),
        ("signal of outcome", outcome["properties"]["signal"]["enum"], signals()),
        ("cause", trigger["cause"]["enum"], cases("Trigger.swift", "Cause")),
        ("rearmed", trigger["rearmed"]["enum"], cases("Trigger.swift", "Rearming")),
        ("arm", trigger["experiment"]["properties"]["arm"]["enum"], cases("Trigger.swift", "HoldoutArm")),
        ("class", trigger["class"]["enum"], cases("Rule.swift", "Rule.Kind")),
        ("recipient", trigger["recipient"]["enum"], cases("Rule.swift", "Recipient")),
        ("reason of held", held["reason"]["enum"], cases("Trigger.swift", "HoldReason")),
        ("thresholdUnit", trigger["thresholdUnit"]["enum"], cases("Signal.swift", "ThresholdUnit")),
        ("status", trigger["status"]["enum"], statuses),
        ("status of profile", profile["status"]["enum"], statuses + [None]),
        ("kind of remedy", remedy["kind"]["enum"], cases("Remedy.swift", "Remedy.Kind")),
        ("reason of remedy", remedy["reason"]["enum"], reasons),
        ("priceReason", remedy["priceReason"]["enum"], reasons),
        ("interval", remedy["interval"]["enum"], cases("Catalogue.swift", "Price.Interval")),
        ("kind of offer", trigger["offer"]["properties"]["kind"]["enum"], cases("Rule.swift", "Offer.Kind")),
        ("kind of outcome", outcome["properties"]["kind"]["enum"], kinds),
        ("closing outcomes", outcome["allOf"][0]["if"]["properties"]["kind"]["enum"],
         listed_in("Outcome.swift", "OutcomeKind", "closes")),
        ("kind of feedback", report["kind"]["enum"], cases("Outcome.swift", "Feedback.Kind")),
        ("reason of dead letter", load("dead-letter-reference")["properties"]["reason"]["enum"],
         cases("Rejection.swift", "RejectionReason")),
        ("action of control", load("control")["properties"]["action"]["enum"], control_actions()),
        ("types of trigger", load("trigger")["properties"]["type"]["enum"],
         [f"upselld.trigger.{name}.v1" for name in signals()]),
        ("types of outcome", load("outcome")["properties"]["type"]["enum"],
         [f"upselld.outcome.{name}.v1" for name in kinds]),
    ]
    for name, listed, declared in checks:
        expect(listed == declared, f"{name}: the schema has {listed}, the code {declared}")
    print(f"ok: {len(checks)} enumerations are those of the code")


def control_actions():
    text = (ROOT / "Sources" / "UpsellWire" / "ControlRecord.swift").read_text()
    return re.findall(r'"(\w+)"', re.search(r"static let names = \[(.*?)\]", text).group(1))


# MARK: Triggers and mutants

# Members that an output may lack, by place; every other one that it has is required. `[signal]` after a place: for that
# kind of signal.
OPTIONAL = {
    "data.rearmed", "data.dimension", "data.percent", "data.remaining", "data.consequence", "data.remedy",
    "data.offer", "data.experiment", "data.step", "data.notBefore", "data.expires", "data.talkingPoints", "data.locale",
    "data.timeZone", "data.attributes", "data.test", "data.input", "data.until",
    "data.message.callToAction",
    "data.offer.value", "data.offer.expires", "data.offer.link",
    "data.remedy.further", "data.remedy.interval", "data.remedy.value", "data.remedy.value.percentOfNewLimit",
    "data.remedy.value.avoided", "data.remedy.features[].from",
    "data.activity.source", "data.activity.feature", "data.activity.score", "data.activity.used[].days",
    "data.evidence[].percent", "data.evidence[].reachedAt", "data.evidence[].feature", "data.evidence[].since",
    "data.evidence[].daysLeft", "data.evidence[].days",
    "data.recipient[outcome]", "data.channel", "data.reason[outcome]", "data.feedback", "data.fromPlan", "data.toPlan",
    "data.mrrChange",
    # A meter without period has none; what is projected is projected onto one.
    "data.period[limit]", "data.period[gate]", "data.period[growth]", "data.period[sustained]",
    "data.activity[growth]", "data.activity.window[growth]",
    # Held by the first of its steps.
    "data.campaign", "data.message",
    # Of `none` they may be there.
    "data.remedy.target[none]", "data.remedy.title[none]", "data.remedy.limits[none]",
    # Whoever is not asked about usage may tell of it or not, but then of all of it.
    "data.activity.window[event]",
}
# Removing one of these is no mistake alone, but another member then lacks what it belongs to.
NEEDED = {"data.campaign": "step", "data.message": "talkingPoints"}
# Lists that may be empty.
EMPTIABLE = {
    "data.channels", "data.segments", "data.activity.used", "data.activity.unused", "data.activity.merged",
    "data.remedy.limits", "data.remedy.features", "data.remedy.benefits", "data.offer.resources",
}
# Places where `null` means something.
NULLABLE = {"data.limit", "data.evidence[].limit", "data.remedy.limits[].from", "data.remedy.limits[].to"}
# What shares the schema of a trigger and does not come about: tests are never held.
NEVER = {("held", "test")}
# Texts that are a channel's own.
FREE = {"data.recipient[outcome]", "data.reason[outcome]"}
# The account's own JSON, of whatever form.
FOREIGN = {"data.attributes"}
# Places whose text has one form: (a wrong text).
WRONG_TEXT = {
    "specversion": "1.1", "id": "E9E27665D344F322BDEAAD405566D70F", "type": "upselld.trigger.whim.v1", "subject": "",
    "source": "", "time": "2026-13-01T00:00:00Z", "datacontenttype": "text/plain", "data.signal": "whim",
    "data.rule": "", "data.meter": "", "data.plan": "", "data.cause": "boredom", "data.thresholdUnit": "permille",
    "data.status": "gone", "data.episode": "yesterday", "data.eventTime": "2026-01-01", "data.rearmed": "magic",
    "data.detectionTime": "2026-01-01T25:00:00Z", "data.period.start": "now", "data.period.end": "",
    "data.period.reset": "2026-02-30T00:00:00Z", "data.evidence[].kind": "rumour", "data.evidence[].unit": "permille",
    "data.class": "urgent", "data.recipient": "everybody", "data.campaign": "first", "data.step": "",
    "data.notBefore": "soon", "data.expires": "never", "data.reason": "mood", "data.disposition": "open",
    "data.until": "later", "data.trigger": "7", "data.locale": "", "data.timeZone": "", "data.channels[]": "a,b",
    "data.segments[]": "", "data.talkingPoints[]": "", "data.message.key": "", "data.message.title": "",
    "data.message.body": "", "data.message.locale": "", "data.message.callToAction": "",
    "data.remedy.kind": "refund", "data.remedy.reason": "mood", "data.remedy.target": "", "data.remedy.title": "",
    "data.remedy.interval": "week", "data.remedy.priceReason": "secret", "data.remedy.price.currency": "eur",
    "data.remedy.difference.currency": "EURO", "data.offer.kind": "gift", "data.offer.expires": "soon",
    "data.offer.link": "https://example.com/a b", "data.offer.resources[]": "", "data.experiment.id": "other",
    "data.experiment.arm": "third", "data.activity.since": "long ago", "data.activity.source": "",
    "data.activity.feature": "", "data.activity.event": "", "data.activity.trialEnd": "soon",
    "data.activity.used[].feature": "", "data.activity.unused[]": "", "data.activity.parts[].signal": "whim",
    "data.activity.merged[].trigger": "7", "data.projection.exhaustion": "soon", "data.projection.method": "",
    "data.kind": "forgotten", "data.emitted": "then",
}
WRONG_NUMBER = {
    "data.schemaVersion": 2, "data.limit": -1, "data.remaining": -1, "data.input.partition": -1,
    "data.input.offset": 0.5, "data.activity.attempts": 0, "data.activity.daysLeft": 0.5,
    "data.activity.used[].uses": -1, "data.activity.used[].days": 0, "data.activity.score": 0.5,
    "data.remedy.quantity": 0, "data.remedy.price.amount": 9.9, "data.remedy.difference.amount": 0.1,
    "data.remedy.value.avoided.amount": 0.5, "data.offer.value": -1, "data.mrrChange.amount": 0.5,
    "data.partition": -1,
}


def wrong_types(value):
    """One value of every other JSON type."""
    samples = ["x", 7, True, [], {}]
    kind = (lambda v: "number" if isinstance(v, (int, float)) and not isinstance(v, bool) else type(v).__name__)
    return [sample for sample in samples if kind(sample) != kind(value)]


def mutants(output):
    """Copies of an output that differ in one member, and what was done."""
    data = output["data"]
    kinds = {data.get("signal"), output["type"].split(".")[1]}
    if "remedy" in data:
        kinds.add(data["remedy"]["kind"])

    def listed(place, table):
        return place in table or any(f"{place}[{kind}]" in table for kind in kinds)

    def edited(path, edit):
        copied = copy.deepcopy(output)
        target = copied
        for step in path[:-1]:
            target = target[step]
        edit(target, path[-1])
        return copied

    def replaced(path, value):
        return edited(path, lambda target, step: target.__setitem__(step, value))

    def removable(place):
        return listed(place, OPTIONAL) and NEEDED.get(place) not in data

    def walk(value, path, place):
        if isinstance(value, dict) and place not in FOREIGN:
            yield f"{place}: unknown member", edited(path + ["unknown"], lambda t, s: t.__setitem__(s, 1))
            for name, member in value.items():
                inner = f"{place}.{name}" if place else name
                if not removable(inner):
                    yield f"{inner}: removed", edited(path + [name], lambda t, s: t.pop(s))
                yield from walk(member, path + [name], inner)
        elif isinstance(value, list):
            if value and place not in EMPTIABLE:
                yield f"{place}: emptied", replaced(path, [])
            for index, element in enumerate(value):
                yield from walk(element, path + [index], f"{place}[]")
        if not path:
            return
        # Where `null` may stand, a number may, too.
        right = (None, 7) if place in NULLABLE else ()
        for wrong in [wrong for wrong in wrong_types(value) + [None] if wrong not in right]:
            yield f"{place}: {json.dumps(wrong)}", replaced(path, wrong)
        for table in (WRONG_TEXT, WRONG_NUMBER):
            if place in table and not listed(place, FREE):
                yield f"{place}: {json.dumps(table[place])}", replaced(path, table[place])
        # Of another kind of signal it is another event.
        if place == "type":
            kind, signal = value.split(".")[1], data.get("signal")
            for other in signals() if kind != "outcome" else cases("Outcome.swift", "OutcomeKind"):
                if other not in (signal, data.get("kind")):
                    yield f"type: {other}", replaced(path, f"upselld.{kind}.{other}.v1")

    yield from walk(output, [], "")


def check_wire():
    """Samples of every output with all its members, as the code writes them, and their mutants."""
    outputs = {
        "triggers": "trigger", "triggers-least": "trigger", "held": "held", "outcomes": "outcome", "open": "open",
    }
    known = {path.name.removesuffix(".jsonl") for path in WIRE.glob("*.jsonl")}
    expect(known == set(outputs), f"Tests/Fixtures/wire has {sorted(known)}")
    valid = refused = 0
    by_signal = dict.fromkeys(signals(), 0)
    seen = {"signal": set(), "reason": set(), "kind": set(), "cause": set(), "remedy": set(), "remedyReason": set(),
            "offer": set(), "evidence": set(), "members": set()}
    for file, name in outputs.items():
        schema = validator(name)
        for number, output in lines(WIRE / f"{file}.jsonl"):
            error = next(schema.iter_errors(output), None)
            expect(error is None, f"{file}:{number}: {error and error.json_path}: {error and error.message}")
            valid += 1
            if name == "open":
                continue
            data = output["data"]
            seen["members"] |= {(name, member) for member in data}
            for member in ("signal", "reason", "kind", "cause"):
                if member in data and (member, name) != ("reason", "outcome"):
                    seen[member].add(data[member])
            seen["remedy"] |= {data["remedy"]["kind"]} if "remedy" in data else set()
            seen["remedyReason"] |= {data["remedy"]["reason"]} if "reason" in data.get("remedy", {}) else set()
            seen["offer"] |= {data["offer"]["kind"]} if "offer" in data else set()
            seen["evidence"] |= {fact["kind"] for fact in data.get("evidence", [])}
            # Tests may lack the facts of their signal.
            if data.get("test"):
                continue
            for what, mutant in mutants(output):
                expect(not schema.is_valid(mutant), f"{file}:{number}: the schema lets a mutant pass: {what}")
                refused += 1
                if file == "triggers":
                    by_signal[data["signal"]] += 1
    trigger = load("trigger")["properties"]["data"]["properties"]
    complete = {
        "signal": signals(), "reason": cases("Trigger.swift", "HoldReason"),
        "kind": cases("Outcome.swift", "OutcomeKind"), "cause": trigger["cause"]["enum"],
        "remedy": trigger["remedy"]["properties"]["kind"]["enum"],
        "remedyReason": trigger["remedy"]["properties"]["reason"]["enum"],
        "offer": trigger["offer"]["properties"]["kind"]["enum"],
        "evidence": [kind["properties"]["kind"]["const"] for kind in trigger["evidence"]["items"]["oneOf"]],
        "members": [(name, member) for name in ("trigger", "held", "outcome")
                    for member in load(name)["properties"]["data"]["properties"]],
    }
    for what, values in complete.items():
        missing = [value for value in values if value not in seen[what] and value not in NEVER]
        expect(not missing, f"no sample has {what} {missing}")
    few = {signal: count for signal, count in by_signal.items() if count < MUTANTS_MIN}
    expect(not few, f"too few mutants: {few}")
    print(f"ok: {valid} samples of {len(outputs)} files fit their schemas and have every member, kind and reason")
    least = min(by_signal.values())
    print(f"ok: {refused} mutants of one member each are refused; of triggers {least} or more for each of "
          f"{len(by_signal)} signals")


def check_triggers(path):
    schema = validator("trigger")
    triggers = [value for _, value in lines(path) if "summary" not in value]
    expect(triggers, f"{path} has no trigger")
    for number, trigger in enumerate(triggers, 1):
        error = next(schema.iter_errors(trigger), None)
        expect(error is None, f"trigger {number}: {error and error.json_path}: {error and error.message}")
    ids = {trigger["id"] for trigger in triggers}
    expect(len(ids) == len(triggers), f"{len(triggers)} triggers have {len(ids)} ids")
    print(f"ok: {len(triggers)} triggers fit the schema, each with its own id")

    # One with a period and one without.
    count = 0
    for has in (True, False):
        trigger = next(t for t in triggers if ("period" in t["data"]) == has)
        for what, mutant in mutants(trigger):
            expect(not schema.is_valid(mutant), f"the schema lets a mutant pass: {what}")
            count += 1
    expect(count >= MUTANTS_MIN, f"only {count} mutants")
    print(f"ok: {count} mutants of a trigger, each of one member, are refused")


def check_outputs(path):
    """Events of any kind, such as what scenarios wrote."""
    schemas = {kind: validator(kind) for kind in ("trigger", "held", "open", "outcome")}
    count = 0
    for number, output in lines(path):
        kind = str(output.get("type")).split(".")[1:2]
        expect(kind and kind[0] in schemas, f"{path}:{number}: no event of ours")
        error = next(schemas[kind[0]].iter_errors(output), None)
        expect(error is None, f"{path}:{number}: {error and error.json_path}: {error and error.message}")
        count += 1
    expect(count > 0, f"{path} has no event")
    print(f"ok: {count} events of {path.name} fit the schemas of their types")


def main():
    if len(sys.argv) < 2 or (sys.argv[1] == "--derive" and len(sys.argv) > 2):
        sys.exit(__doc__)
    if sys.argv[1] == "--derive":
        derive()
    check_schemas()
    check_derived()
    check_fixtures()
    check_enumerations()
    check_wire()
    if sys.argv[1] == "--derive":
        return
    check_asyncapi()
    check_article()
    check_triggers(pathlib.Path(sys.argv[1]))
    for path in sys.argv[2:]:
        check_outputs(pathlib.Path(path))


main()
