//! Configurations that journeys share.

use rack::{MachineHandle, Rack};

use crate::Site;

/// The BMC and the server of `machine`, both called `node`.
pub fn server(machine: &MachineHandle) -> String {
    format!(
        r#"
resource "baremetal_bmc" "node" {{
  address     = "{}"
  port        = {}
  credentials = "default"
  tls         = {{ fingerprint_sha256 = "{}" }}
}}

resource "baremetal_server" "node" {{
  bmc = baremetal_bmc.node.connection
}}
"#,
        machine.bmc_address().ip(),
        machine.bmc_port(),
        machine.fingerprint_sha256(),
    )
}

/// A boot config called `node` with the rack's images; `extra` are more of its attributes.
pub fn boot_config(rack: &Rack, extra: &str) -> String {
    let (kernel, initrd) = rack.images();
    let url = rack.images_url();
    format!(
        r#"
resource "baremetal_boot_config" "node" {{
  kernel  = {{ url = "{url}/kernel", sha256 = "{kernel}" }}
  initrds = [{{ url = "{url}/initrd", sha256 = "{initrd}" }}]
  {extra}
}}
"#
    )
}

/// The attributes of a boot config whose Ignition is write-only and empty.
pub const IGNITION: &str = r#"
  ignition_wo         = jsonencode({ ignition = { version = "3.4.0" } })
  ignition_wo_version = 1
"#;

/// A claim called `node`; `extra` are more of its attributes.
pub fn claim(extra: &str) -> String {
    format!(
        r#"
resource "baremetal_host_claim" "node" {{
  server_id      = baremetal_server.node.id
  boot_config_id = baremetal_boot_config.node.id
  {extra}
}}
"#
    )
}

/// Everything for one booted server.
pub fn host(site: &Site, index: usize, extra: &str) -> String {
    [
        server(site.machine(index)),
        boot_config(&site.rack, IGNITION),
        claim(extra),
    ]
    .concat()
}
