"""Writes rendered.json and semantics.json: what the reference (jinja2 3.1.6, settings of Hugging Face) renders.

Run with Python 3.11 and jinja2 in this folder. jinja/*.jinja are the templates of published models.
"""
import datetime
import glob
import json
import os

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(lineno)

    @jinja2.pass_eval_context
    def _body(self, context, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)
env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda format: NOW.strftime(format)


def render(source, variables):
    try:
        return {"expected": env.from_string(source).render(**variables)}
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"[:200]}


TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a <place>, \"now\" & later; ümläut 天気",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city's name"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number", "nullable": True}}},
            },
            "required": ["city"],
        },
    },
}
TOOL2 = {
    "type": "function",
    "function": {"name": "ping", "description": "Pings", "parameters": {"type": "object", "properties": {}}},
}
SIMPLE = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers",
        "parameters": {
            "type": "object",
            "properties": {
                "a": {"type": "number", "description": "first", "items": {}, "additionalProperties": False},
                "b": {"type": "object", "description": "second", "additionalProperties": {"type": "string"}},
            },
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        "return": {"type": "number", "description": "the sum"},
    },
}
SYSTEM = {"role": "system", "content": "You are a helpful assistant.\nBe brief."}
USER = {"role": "user", "content": "Hello, what's the weather in Zürich?"}
ASSISTANT = {"role": "assistant", "content": "Hi there! <think>\nhmm\n</think>\n\nIt is sunny."}
USER2 = {"role": "user", "content": "  And tomorrow? 🌦  \n"}


def call(arguments, id="abcdef123"):
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}],
    }


RESULT = {"role": "tool", "tool_call_id": "abcdef123", "name": "get_weather", "content": "{\"temperature\": 21.5}"}
ARGUMENTS = {"city": "Zürich", "days": 2, "tags": ["a", "b"], "exact": True, "none": None, "ratio": 0.1}
CONVERSATIONS = {
    "user": {"messages": [USER]},
    "system": {"messages": [SYSTEM, USER]},
    "turns": {"messages": [SYSTEM, USER, ASSISTANT, USER2]},
    "no-prompt": {"messages": [USER, ASSISTANT], "add_generation_prompt": False},
    "tools": {"messages": [SYSTEM, USER], "tools": [TOOL, TOOL2]},
    "tool-call": {"messages": [USER, call(ARGUMENTS), RESULT], "tools": [TOOL]},
    "tool-call-text": {"messages": [SYSTEM, USER, call(json.dumps(ARGUMENTS)), RESULT, ASSISTANT, USER2], "tools": [TOOL, TOOL2]},
    "two-users": {"messages": [USER, USER2]},
    "thinking": {"messages": [USER, {**ASSISTANT, "reasoning_content": "Let me think.", "thinking": "deep"}, USER2], "enable_thinking": False},
    "documents": {"messages": [SYSTEM, USER], "documents": [{"title": "A", "text": "Alpha"}, {"title": "B", "text": "Beta\nline"}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "text", "text": " here"}]}]},
    "no-messages": {"messages": []},
    "functions": {"messages": [SYSTEM, USER, {**call(ARGUMENTS), "content": ""}, RESULT], "functions": json.dumps([TOOL], indent=4), "datetime": "2024-07-06"},
    "calls": {"messages": [USER, {**call(ARGUMENTS), "content": "Calling"}, RESULT, ASSISTANT, USER2], "tools": [SIMPLE, TOOL2]},
    "calls-text": {"messages": [USER, {**call(json.dumps(ARGUMENTS)), "content": ""}, RESULT, ASSISTANT, USER2], "tools": [SIMPLE]},
}


def conversations():
    cases = []
    for path in sorted(glob.glob("jinja/*.jinja")):
        source = open(path, encoding="utf-8", newline="").read()
        for name, conversation in CONVERSATIONS.items():
            variables = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, **conversation}
            cases.append({"template": os.path.basename(path), "conversation": name, **render(source, variables)})
    return {
        "conversations": {
            name: {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, **c}
            for name, c in CONVERSATIONS.items()
        },
        "cases": cases,
    }


VARIABLES = {
    "s": "Hello World",
    "empty": "",
    "spaces": " \t a b  c \n",
    "uni": "aß🌦ÿ",
    "quotes": "it's \"q\"",
    "n": 7,
    "f": 2.5,
    "t": True,
    "no": None,
    "l": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple"],
    "d": {"b": 1, "a": "x", "items": [1], "nested": {"k": [True, None]}},
    "m": [{"role": "user", "content": "A", "n": 2}, {"role": "tool", "content": "B", "n": 1}, {"role": "user", "content": None}],
}

EXPRESSIONS = open("expressions.txt", encoding="utf-8").read().split("\n")
TEMPLATES = open("templates.txt", encoding="utf-8").read().split("\n====\n")


def semantics():
    cases = []
    for source in ["{{ " + e + " }}" for e in EXPRESSIONS if e and not e.startswith("# ")] + TEMPLATES:
        cases.append({"template": source, **render(source, VARIABLES)})
    return {"variables": VARIABLES, "cases": cases}


if __name__ == "__main__":
    for name, content in (("rendered.json", conversations()), ("semantics.json", semantics())):
        with open(name, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
