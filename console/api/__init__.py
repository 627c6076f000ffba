"""The HTTP API: routes, access, limits and their answers. `app.create_app` puts it together."""
