# SPDX-License-Identifier: MIT
"""The service on a database of one's choice, as its restricted role."""
import os

import tap
from service import Service, binary
from webserver import ROOT

ROLE = "authbridge"


def started(cluster, database, folder, base_url, **settings):
    """Migrates first. Not yet ready: the caller calls wait_ready."""
    if not os.access(binary("authbridge"), os.X_OK):
        raise tap.Skip("no authbridge in AUTHBRIDGE_BUILD")
    owner = Service(folder, cluster.url(database), base_url, **settings)
    owner.migrate()
    with open(ROOT + "/sql/grants.sql", encoding="utf-8") as grants:
        text = grants.read()
    cluster.create_role(ROLE)
    cluster.sql(database, "SET authbridge.service_role = '%s';\n%s"
                % (ROLE, text))
    service = Service(folder, cluster.url(database, ROLE), base_url,
                      **settings)
    return service.start(wait=False)
