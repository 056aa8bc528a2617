# A server that another state registered, by the UUID on its asset record.
import {
  to = baremetal_server.node1
  id = provider::baremetal::normalize_uuid("4C4C4544-0042-3510-8057-B7C04F4B4D32")
}

resource "baremetal_server" "node1" {
  bmc = baremetal_bmc.node1.connection
}
