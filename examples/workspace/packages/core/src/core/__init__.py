"""The page that every member shows."""

import jinja2

PAGE = jinja2.Template("{% for line in lines %}{{ line }}\n{% endfor %}", keep_trailing_newline=True)


def page(lines: list[str]) -> str:
    return PAGE.render(lines=lines)
