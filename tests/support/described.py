"""What docs/openapi.yaml says of an answer, for tests that hold live answers against it."""
import json
import pathlib
import re

import jsonschema
import yaml

DESCRIPTION = pathlib.Path(__file__).resolve().parents[2] / "docs/openapi.yaml"


class Description:
    def __init__(self, text):
        self.tree = yaml.safe_load(text)

    def whole(self, node):
        while "$ref" in node:
            name, node = node["$ref"], self.tree
            for step in name.removeprefix("#/").split("/"):
                node = node[step]
        return node

    def operations(self):
        """[(METHOD, path, operation)]"""
        for path, methods in self.tree["paths"].items():
            for method, operation in methods.items():
                if method != "parameters":
                    yield method.upper(), path, operation

    def operation(self, method, path):
        """Of a path as it was asked for; that with the fewest parameters in it."""
        found = [
            (pattern.count("{"), operation)
            for verb, pattern, operation in self.operations()
            if verb == method and re.fullmatch("[^/]+".join(re.escape(p) for p in re.split(r"\{[^}]*\}", pattern)), path.split("?")[0])
        ]
        return min(found, key=lambda f: f[0])[1] if found else None

    def strict(self, node):
        """A JSON schema: what is not described may not be there, what is not said to be absent has to be."""
        node = self.whole(node)
        if "allOf" in node:
            parts = [self.whole(n) for n in node["allOf"]]
            node = {"type": "object", "properties": {k: v for p in parts for k, v in p["properties"].items()}}
        schema = {k: v for k, v in node.items() if k in ("type", "enum", "minimum", "maximum", "maxLength", "pattern")}
        if node.get("format") == "date-time":
            schema["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
        if "properties" in node:
            schema["properties"] = {k: self.strict(v) for k, v in node["properties"].items()}
            schema["additionalProperties"] = False
            schema["required"] = [k for k, v in node["properties"].items() if "absent" not in v.get("description", self.whole(v).get("description", ""))]
        elif "additionalProperties" in node:
            schema["additionalProperties"] = self.strict(node["additionalProperties"])
        if "items" in node:
            schema["items"] = self.strict(node["items"])
        if not node.get("nullable"):
            return schema
        return {"anyOf": [schema, {"type": "null"}]}

    def faults(self, method, path, status, headers, body):
        """What of an answer is not as it is described; [] if all is. `headers` has get()."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        answers = {str(k): v for k, v in operation["responses"].items()}
        if str(status) not in answers and "default" not in answers:
            return [f"{method} {path} answers {status}, which is not described"]
        answer = self.whole(answers.get(str(status)) or answers["default"])
        kind = (headers.get("Content-Type") or "").split(";")[0].strip()
        content = answer.get("content", {})
        wrong = []
        if content and kind not in content:
            wrong.append(f"the body is {kind or 'of no type'}, not {' or '.join(content)}")
        if status >= 400 and not re.fullmatch(r"0x[0-9A-F]{8} \w+", headers.get("Dirca-Error") or ""):
            wrong.append(f"Dirca-Error is {headers.get('Dirca-Error')}")
        if status == 405 and not headers.get("Allow"):
            wrong.append("there is no Allow")
        if kind == "application/json" and kind in content:
            validator = jsonschema.Draft7Validator(self.strict(content[kind]["schema"]))
            wrong += [f"{'/'.join(str(p) for p in e.absolute_path)}: {e.message[:300]}" for e in validator.iter_errors(json.loads(body))]
        return [f"{method} {path} {status}: {w}" for w in wrong]
