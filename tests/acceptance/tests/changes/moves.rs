//! BMCs that move, and machines that change places.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use acceptance::{Site, Workspace, configuration};
use model::PowerState;
use rack::MachineHandle;
use tokio::net::{TcpListener, TcpStream};

use super::{again, values};

/// A port of loopback behind which the BMC of one machine answers, and then that of another.
struct Port {
    number: u16,
    target: Arc<Mutex<SocketAddr>>,
}

impl Port {
    async fn open(machine: &MachineHandle) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let number = listener.local_addr().unwrap().port();
        let target = Arc::new(Mutex::new(machine.bmc_address()));
        let to = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let address = *to.lock().unwrap();
                tokio::spawn(async move {
                    let mut bmc = TcpStream::connect(address).await.unwrap();
                    // Either end may go away; that is the end of the connection.
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut bmc).await;
                });
            }
        });
        Self { number, target }
    }

    fn connect(&self, machine: &MachineHandle) {
        *self.target.lock().unwrap() = machine.bmc_address();
    }
}

/// A BMC and its server behind `port`, whatever certificate is there.
fn behind(port: u16, server: &str) -> String {
    format!(
        r#"
resource "baremetal_bmc" "node" {{
  address     = "127.0.0.1"
  port        = {port}
  credentials = "default"
  tls         = {{ insecure = true }}
}}

resource "baremetal_server" "node" {{
  bmc = baremetal_bmc.node.connection
  {server}
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_behind_a_bmcs_address_is_drift_that_can_be_replaced() {
    let site = Site::start("swap", 2).await;
    let (old, new) = (site.machine(0), site.machine(1));
    let port = Port::open(old).await;
    let claimed = [
        behind(port.number, ""),
        configuration::boot_config(&site.rack, configuration::IGNITION),
        configuration::claim(""),
    ]
    .concat();
    let workspace = Workspace::with(&claimed, site.environment());
    workspace.apply().success();

    port.connect(new);
    let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 2, "{}", plan.text);
    for part in ["mismatched", old.serial(), new.serial()] {
        assert!(plan.text.contains(part), "{part}\n{}", plan.text);
    }
    again(&workspace).failure(&["Another BMC answers here", new.serial()]);
    workspace
        .run(&["destroy", "-auto-approve", "-input=false"])
        .failure(&[
            "Another server answers at this BMC",
            &new.uuid().to_string(),
        ]);
    assert_eq!(old.power_state(), PowerState::On);
    assert_eq!(new.boots(), 0, "the other machine was not touched");

    port.connect(old);
    workspace.assert_clean();
    workspace.write("main.tf", &behind(port.number, ""));
    again(&workspace).success();
    port.connect(new);
    workspace
        .run(&[
            "apply",
            "-auto-approve",
            "-input=false",
            "-replace=baremetal_bmc.node",
            "-replace=baremetal_server.node",
        ])
        .success();
    workspace.assert_clean();
    let server = values(&workspace, "baremetal_server");
    assert_eq!(server["id"], new.uuid().to_string());
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_moves_to_another_address_in_place_if_it_is_the_same_one() {
    let site = Site::start("move", 2).await;
    let (machine, other) = (site.machine(0), site.machine(1));
    let (first, second) = (Port::open(machine).await, Port::open(machine).await);
    let with = |port: &Port| {
        [
            behind(
                port.number,
                "system_uuid = baremetal_bmc.node.systems[0].uuid",
            ),
            configuration::boot_config(&site.rack, configuration::IGNITION),
            configuration::claim(""),
        ]
        .concat()
    };
    let workspace = Workspace::with(&with(&first), site.environment());
    workspace.apply().success();

    second.connect(other);
    workspace.write("main.tf", &with(&second));
    again(&workspace).failure(&[
        "Another BMC answers at the new address",
        &machine.uuid().to_string(),
        &other.uuid().to_string(),
    ]);
    second.connect(machine);
    let plan = workspace.run(&["plan", "-input=false"]).success();
    assert!(
        plan.text.contains("2 to change, 0 to destroy"),
        "{}",
        plan.text
    );
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}
