# SPDX-License-Identifier: MIT
"""The register of cases; each belongs to one configuration (variant)."""
SECRET = "conformance-secret-conformance-secret-0123456789"
OLD = "an-earlier-secret-an-earlier-secret-0123456789"
TRUSTED = ["http://exact.test:8080", "https://*.wild.test", "*.host.test",
           "https://q?.test", "myapp://", "other://pages/in",
           "https://Case.Test:443"]

# mode: NODE_ENV of the reference. config: keys of the service that mean what
# `reference` means to the reference.
VARIANTS = {
    "dev": {"base_url": "http://127.0.0.1:3100",
            "reference": {"trustedOrigins": TRUSTED},
            "config": {"trusted_origins": ", ".join(TRUSTED),
                       "rate_limit": "off"}},
    "eddsa": {"base_url": "http://127.0.0.1:3100", "reference": {},
              "config": {"rate_limit": "off", "jwt_alg": "EdDSA"}},
    # A database of its own for cases that change the table of keys.
    "keys": {"base_url": "http://127.0.0.1:3100", "reference": {},
             "config": {"rate_limit": "off", "jwt_alg": "EdDSA"}},
    "secrets": {"base_url": "http://127.0.0.1:3100",
                "reference": {"secrets": [{"version": 2, "value": SECRET},
                                          {"version": 1, "value": OLD}]},
                "config": {"rate_limit": "off", "jwt_alg": "EdDSA",
                           "secret": None,
                           "secrets": "2:%s,1:%s" % (SECRET, OLD)}},
    "https": {"base_url": "https://auth.example.test", "reference": {},
              "config": {"rate_limit": "off"}},
    "switches": {"base_url": "http://127.0.0.1:3100",
                 "reference": {"deleteUser": True, "changeEmail": True},
                 "config": {"rate_limit": "off", "delete_user": "on",
                            "change_email": "on"}},
    "production": {"base_url": "http://127.0.0.1:3100", "mode": "production",
                   "reference": {},
                   "config": {"trusted_proxies": "127.0.0.1",
                              "rate_limit": "on"}},
}

CASES = []


def case(variant="dev", *more):
    """Decorator: the function's name is the case's."""
    def register(function):
        name = function.__name__.replace("_", "-")
        for each in (variant,) + more:
            CASES.append((each, name, function))
        return function
    return register


def table(name, method, path, rows, variant="dev", **common):
    """One case of independent requests: rows of (label, options)."""
    def run(world):
        for label, options in rows:
            world.request(**{"method": method, "path": path, "cookie": None,
                             "keep": False, "label": label, **common,
                             **options})
    CASES.append((variant, name, run))
