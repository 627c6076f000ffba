"""The rule language, rule sets, rule maps and population statistics; packs/ has the shipped rule sets."""
