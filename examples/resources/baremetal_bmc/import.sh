# CREDENTIALS@ADDRESS[:PORT], and a pinned certificate behind it
terraform import baremetal_bmc.node1 "rack1@10.0.0.11?fingerprint_sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# By its MAC address, if the agent has heard it
terraform import baremetal_bmc.node2 rack1@52:54:00:12:34:56
