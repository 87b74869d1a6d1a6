"""The README as an index of packages shows it, where what it links to does not lie beside it."""

import re
from pathlib import Path

from setuptools import setup

README = Path(__file__).with_name("README.md").read_text("utf-8")
BESIDE = r"\((?!https?:)[^)]+\)"  # the target of a relative link

text = re.sub(rf"^!\[.*?\]{BESIDE}\n", "", README, flags=re.MULTILINE)
text = re.sub(rf"\[([^]]+)\]{BESIDE}", r"\1", text)
setup(long_description=text, long_description_content_type="text/markdown")
