"""Counting merchants, devices, beneficiaries, IP addresses and categories in hourly buckets; the core reads them."""
