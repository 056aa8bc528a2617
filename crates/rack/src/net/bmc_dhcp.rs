//! DHCP as a BMC does it that starts with a lease it remembers: it asks the network whether the
//! address is still its own (INIT-REBOOT, RFC 2131 section 4.3.2), and uses it if nobody objects.

use std::{io, net::Ipv4Addr, time::Duration};

use netboot::dhcp::{Message, MessageType, options};

use super::relay::Circuit;
use crate::machine::Machine;

/// Asks once. Nobody's answer is waited for.
pub(crate) async fn announce(machine: &Machine, address: Ipv4Addr) -> io::Result<()> {
    let mac = machine.config.bmc_mac();
    let circuit = Circuit {
        mac,
        id: format!("{}-bmc", machine.config.name),
    };
    let transaction = machine.surroundings.relay.begin(circuit);
    let mut message = Message::request(MessageType::Request, transaction.xid, mac);
    message.broadcast = true;
    let all = &mut message.options;
    all.set(options::REQUESTED_ADDRESS, address);
    all.set(options::VENDOR_CLASS, VENDOR_CLASS.to_owned());
    all.set(options::HOST_NAME, format!("{}-bmc", machine.config.name));
    transaction.send(message).await
}

/// Asks again and again, as a client does whose lease nobody renews.
pub(crate) async fn keep_announcing(machine: &Machine, address: Ipv4Addr) {
    loop {
        if let Err(error) = announce(machine, address).await {
            tracing::warn!(server = %machine.config.name, %error, "its BMC failed to ask for an address");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

const VENDOR_CLASS: &str = "Baremetal Rack BMC";
const AGAIN: Duration = Duration::from_secs(10);
