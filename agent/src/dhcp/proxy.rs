//! What the agent says beside another DHCP server: the boot file alone (PXE 2.1, proxyDHCP).
//!
//! The other server leases the addresses. A client is offered a boot file and no address; what it
//! then asks of the other server tells its address, and what it asks on port 4011 is answered with
//! the boot file again. To the rest of the agent, what was overheard is a lease: whoever can pretend
//! to be a client can also ask for a lease in its name. Such a one can name another client's address
//! too, which then is refused its script until it asks again itself.
//!
//! Pure, like the responder.

use std::{net::Ipv4Addr, time::Duration};

use jiff::Timestamp;
use netboot::{
    dhcp::{
        Message, MessageType, Op,
        options::{REQUESTED_ADDRESS, SERVER_ID},
    },
    pxe::Client,
};

use super::{
    boot_file::BootFile,
    responder::{Outcome, Reason, Settings},
};
use crate::{boot::Planned, leases::Lease};

/// Which port a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// 67, where every DHCP client asks.
    Dhcp,
    /// 4011, where a PXE client asks that has its address already.
    Pxe,
}

/// Answers a request of a client for which the server `planned` is planned.
pub(super) fn respond(
    settings: &Settings,
    port: Port,
    request: &Message,
    planned: Option<&Planned>,
    now: Timestamp,
) -> Outcome {
    if request.op != Op::Request {
        return Outcome::Ignore(Reason::NotARequest);
    }
    let Some(planned) = planned else {
        return Outcome::Ignore(Reason::NotPlanned);
    };
    let lease = |address| Lease {
        mac: request.mac,
        address,
        server_id: planned.server_id,
        expires_at: now + HEARD_FOR,
    };
    let wish = request.options.get(REQUESTED_ADDRESS);
    let own = Some(request.client_address).filter(|own| !own.is_unspecified());
    match (request.message_type, port) {
        (MessageType::Discover, Port::Dhcp) => {
            match reply(settings, request, planned, MessageType::Offer) {
                Some(offer) => Outcome::Reply(offer),
                None => Outcome::Ignore(Reason::NotABootClient),
            }
        }
        // SELECTING, INIT-REBOOT and REBINDING are broadcast, and name the address.
        (MessageType::Request, Port::Dhcp) => match wish.or(own) {
            Some(address) if is_of_a_host(address) => Outcome::Heard(lease(address)),
            Some(_) | None => Outcome::Ignore(Reason::NoAddress),
        },
        (MessageType::Request | MessageType::Inform | MessageType::Discover, Port::Pxe) => {
            let Some(reply) = reply(settings, request, planned, MessageType::Ack) else {
                return Outcome::Ignore(Reason::NotABootClient);
            };
            match own {
                Some(address) if is_of_a_host(address) => Outcome::Confirm {
                    reply,
                    lease: lease(address),
                },
                Some(_) | None => Outcome::Reply(reply),
            }
        }
        (MessageType::Inform | MessageType::Release | MessageType::Decline, _) => {
            Outcome::Ignore(Reason::OtherServers)
        }
        (MessageType::Offer | MessageType::Ack | MessageType::Nak, _) => {
            Outcome::Ignore(Reason::NotARequest)
        }
    }
}

/// Whether a host can have this address.
const fn is_of_a_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
}

/// A reply with the boot file and nothing else; `None` if the client takes none.
fn reply(
    settings: &Settings,
    request: &Message,
    planned: &Planned,
    message_type: MessageType,
) -> Option<Message> {
    let client = Client::of(request)?;
    let file = BootFile::decide(settings, &client, planned);
    if file == BootFile::Nothing {
        return None;
    }
    let mut reply = request.reply(message_type);
    reply.client_address = request.client_address;
    reply.your_address = Ipv4Addr::UNSPECIFIED;
    reply.options.set(SERVER_ID, settings.server_address);
    file.write_as_proxy(request, &mut reply, settings.tftp_address);
    Some(reply)
}

/// How long an overheard address counts. A lease's own time is the other server's to know; a boot
/// asks anew.
const HEARD_FOR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
