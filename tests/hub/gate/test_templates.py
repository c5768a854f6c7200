"""Chat templates: those of the usual models pass, those that reach or run away are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.hub.gate.checks.templates import template_faults
from headstart.hub.gate.model import Finding

# In the manner of the usual models; written here, with the constructs that theirs use.
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HEADERS = """{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not date_string is defined %}
  {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}
  {%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
  {%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{%- if tools is not none %}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- endif %}
{%- for message in messages %}
  {%- if 'tool_calls' in message %}
    {%- if not message.tool_calls|length == 1 %}
      {{- raise_exception("One tool call at a time!") }}
    {%- endif %}
    {%- set tool_call = message.tool_calls[0].function %}
    {%- for name, value in tool_call.arguments | items %}{{- name + '="' + value + '"' }}
      {%- if not loop.last %}{{- ", " }}{%- endif %}{%- endfor %}
  {%- elif message.role == "tool" or message.role == "ipython" %}
    {%- if message.content is mapping or message.content is iterable %}
      {{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
  {%- else %}{{- '<|start|>' + message['role'] + '\n' + message['content'] | trim }}{%- endif %}
{%- endfor %}"""
THINKING = """{%- macro shown(content) %}{%- if content is string %}{{- content }}
{%- elif content is iterable and content is not mapping %}
  {%- for item in content %}{{- item.text }}{%- endfor %}{%- endif %}{%- endmacro %}
{%- set ns = namespace(multi_step_tool=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
  {%- set index = (messages|length - 1) - loop.index0 %}
  {%- if ns.multi_step_tool and message.role == "user" and message.content is string
      and not (message.content.startswith('<r>') and message.content.endswith('</r>')) %}
    {%- set ns.multi_step_tool = false %}{%- set ns.last = index %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
  {%- set content = shown(message.content) %}
  {%- if '</think>' in content %}
    {%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1] %}
    {%- set content = content.split('</think>')[-1].lstrip('\n') %}
  {%- endif %}
  {%- if loop.index0 > ns.last and (loop.last or not loop.first) %}
    {{- '<|im_start|>' ~ message.role ~ '\n' ~ content }}
  {%- else %}{{- content.strip() }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}
{{- '<think>\n\n</think>' }}{%- endif %}"""
TRAINING = (
    "{% for m in messages if m.role in ['user', 'assistant'] %}{% generation %}"
    "{{ m.content | default('') | replace('a', 'b') | upper }}{% endgeneration %}"
    "{% if loop.index0 % 2 == 0 %}{% continue %}{% endif %}"
    "{% for i in range(0, messages | selectattr('role', 'equalto', 'user') | list | length) %}"
    "{{ i }}{% endfor %}{% endfor %}"
)


@pytest.mark.parametrize("template", [CHATML, HEADERS, THINKING, TRAINING, ""])
def test_templates_of_the_usual_kinds_pass(template: str) -> None:
    assert list(template_faults(template)) == []


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ ''.__class__.__mro__ }}", "attribute '__class__'"),
        ("{{ messages['__class__'] }}", "internal to Python"),
        ("{{ messages[('__cla' ~ 'ss__')] }}", "computed from text"),
        ("{{ messages['__cla' + 'ss__'] }}", "computed from text"),
        ("{{ messages|attr('x') }}", "filter 'attr'"),
        ("{{ messages|map('attr', 'x')|list }}", "'map' uses a name"),
        ("{{ messages|map(x)|list }}", "'map' uses a name"),
        ("{{ messages|map(attribute='__class__')|list }}", "internal to Python"),
        ("{{ cycler.__init__.__globals__ }}", "attribute '__globals__'"),
        ("{{ lipsum() }}", "function 'lipsum'"),
        ("{{ x.system('id') }}", "method 'system'"),
        ("{{ '{0.x}'.format(y) }}", "method 'format'"),
        ("{{ ('a' if x else y)() }}", "computed value"),
        ("{% include 'secret' %}", "'Include'"),
        ("{% import 'x' as y %}", "'Import'"),
        ("{% extends 'x' %}", "'Extends'"),
        ("{{ 9 ** 9 ** 9 }}", "'Pow'"),
        ("{{ 'a' * 999999999 }}", "a number larger"),
        ("{{ caller.mro }}", "attribute 'mro'"),
        ("{{ 'a' * 99999 * 99999 }}", "text too long"),
        ("{% for i in range(99999) %}" * 4 + "{% endfor %}" * 4, "steps"),
        ("{% for i in range(9) %}" * 9 + "{% endfor %}" * 9, "loops within"),
        (
            "{% set n = namespace(x='aa') %}"
            "{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            "a text of",
        ),
        (
            "{% set n = namespace(x='aa') %}"
            "{% for i in range(99) %}{% set n.x = n.x.replace('a', n.x) %}{% endfor %}",
            "a text of",
        ),
        (
            "{% set n = namespace(x=9) %}"
            "{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
            "number too large",
        ),
        ("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}", "f"),
        ("{{ x | tojson", "no Jinja template"),
        ("{% frob %}", "no Jinja template"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ 1 }}" * 40_000, "longer than"),
    ],
)  # fmt: skip
def test_what_reaches_or_runs_away_is_refused(template: str, words: str) -> None:
    faults = list(template_faults(template))
    assert faults
    assert words in " ".join(faults)


@given(st.text(alphabet="{}%()[]|.'_ax1~+* \n", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    assert all(isinstance(fault, str) for fault in template_faults("{{" + text + "}}"))


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("chat_template.jinja", None),
        ("additional_chat_templates/tool.jinja", None),
        ("tokenizer_config.json", "TEXT"),
        ("tokenizer_config.json", [{"name": "default", "template": "TEXT"}]),
        ("tokenizer_config.json", {"default": "TEXT"}),
        ("chat_template.json", "TEXT"),
        ("processor_config.json", "TEXT"),
    ],
)
def test_a_template_is_found_wherever_it_lies(
    model: Path, judge: Callable[..., Finding], file: str, value: object
) -> None:
    for template, passes in ((HEADERS, True), ("{{ ''.__class__ }}", False)):
        text = template
        if value is not None:
            quoted = json.dumps(template)[1:-1]
            text = json.dumps({"chat_template": value}).replace("TEXT", quoted)
        (model / file).parent.mkdir(exist_ok=True)
        (model / file).write_text(text)
        finding = judge("templates")
        assert finding.passed is passes, finding.words
        assert finding.details["templates"] == 1
        if not passes:
            assert file in finding.words
        assert judge("configuration").passed
