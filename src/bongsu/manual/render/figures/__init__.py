"""The drawings of the printed manual: geometry in Python, SVG by a template, Mermaid for Markdown.

A drawing has a wide form and one for a phone; both are laid out at their real size, so that the
letters stay readable when the page shrinks.
"""
