//! What a DHCP request is answered: RFC 2131 section 4.3, for planned servers alone.
//!
//! Pure: the request, the leases, the server that is planned for the client and the time come in,
//! and an [`Outcome`] comes out. A confirmed lease is in the leases already; it has to be on stable
//! storage before the reply leaves.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use netboot::{
    dhcp::{
        Message, MessageType, Op,
        options::{
            DNS, DOMAIN, HOST_NAME, LEASE_TIME, MESSAGE, NTP, PARAMETER_REQUEST_LIST,
            REBINDING_TIME, RELAY_INFORMATION, RENEWAL_TIME, REQUESTED_ADDRESS, ROUTER, SERVER_ID,
            SUBNET_MASK,
        },
    },
    pxe::Client,
};

use super::boot_file::{BootFile, Loaders};
use crate::{
    boot::Planned,
    config::Subnet,
    leases::{Lease, Leases, Refusal, SubnetLeases},
};

/// What the answers have in common.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The address that clients know this server by.
    pub(crate) server_address: Ipv4Addr,
    /// The TFTP server.
    pub(crate) tftp_address: Ipv4Addr,
    /// Where booting servers find the agent over HTTP, without a trailing slash.
    pub(crate) boot_url: String,
    /// An address of the subnet that requests are from which no relay forwarded.
    pub(crate) link: Ipv4Addr,
    /// The loaders.
    pub(crate) loaders: Loaders,
}

impl Settings {
    /// The agent's own addresses, which it leases to nobody.
    pub(crate) const fn own_addresses(&self) -> [Ipv4Addr; 3] {
        [self.server_address, self.tftp_address, self.link]
    }
}

/// What is done about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answer it.
    Reply(Message),
    /// Store the lease, then answer.
    Confirm {
        /// The answer.
        reply: Message,
        /// What it promises.
        lease: Lease,
    },
    /// Store the lease, which ends now, and then release its address.
    Release(Lease),
    /// Store the lease, which another server gives. Say nothing.
    Heard(Lease),
    /// Forget the lease of the address and keep it out of use: somebody else uses it.
    Decline(Ipv4Addr),
    /// Do nothing.
    Ignore(Reason),
}

/// Why nothing is done about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// It is from a server.
    #[error("not a request")]
    NotARequest,
    /// No server is planned for the client, and it has no lease to go on with.
    #[error("not a planned server")]
    NotPlanned,
    /// The link it is from is in no subnet.
    #[error("{0} is in no subnet")]
    UnknownSubnet(Ipv4Addr),
    /// Every address of the subnet is in use.
    #[error("no free address")]
    NoFreeAddress,
    /// The client chose another server.
    #[error("meant for the server {0}")]
    OtherServer(Ipv4Addr),
    /// It does not say which address it is about.
    #[error("no address")]
    NoAddress,
    /// It asks for no boot file, or there is none for it, and its address is another server's.
    #[error("nothing to boot for it")]
    NotABootClient,
    /// It is about an address that another server leased.
    #[error("another server's")]
    OtherServers,
    /// It gives up an address that it does not have.
    #[error("{0} is not its address")]
    NotItsAddress(Ipv4Addr),
}

/// Answers a request of a client for which the server `planned` is planned.
pub(crate) fn respond(
    settings: &Settings,
    leases: &mut Leases,
    request: &Message,
    planned: Option<&Planned>,
    now: Timestamp,
) -> Outcome {
    if request.op != Op::Request {
        return Outcome::Ignore(Reason::NotARequest);
    }
    let link = link_of(settings, leases, request);
    let Some(subnet) = leases.subnet_of(link) else {
        return Outcome::Ignore(Reason::UnknownSubnet(link));
    };
    let question = Question {
        settings,
        request,
        planned,
        now,
    };
    match request.message_type {
        MessageType::Discover => question.discover(subnet),
        MessageType::Request => question.request(subnet),
        MessageType::Decline => question.decline(subnet),
        MessageType::Release => question.release(subnet),
        MessageType::Inform => question.inform(subnet),
        MessageType::Offer | MessageType::Ack | MessageType::Nak => {
            Outcome::Ignore(Reason::NotARequest)
        }
    }
}

/// An address of the subnet that the client is in.
///
/// A relay says which, by its own address or, where that is in another subnet, by link selection
/// (RFC 3527). A client that renews does so past its relay, with the address it has.
fn link_of(settings: &Settings, leases: &mut Leases, request: &Message) -> Ipv4Addr {
    if request.is_relayed() {
        let information = request.options.get(RELAY_INFORMATION);
        return information
            .and_then(|information| information.link_selection())
            .unwrap_or(request.relay);
    }
    let own = request.client_address;
    if !own.is_unspecified() && leases.subnet_of(own).is_some() {
        own
    } else {
        settings.link
    }
}

struct Question<'a> {
    settings: &'a Settings,
    request: &'a Message,
    planned: Option<&'a Planned>,
    now: Timestamp,
}

impl Question<'_> {
    fn discover(&self, subnet: &mut SubnetLeases) -> Outcome {
        if self.planned.is_none() {
            return Outcome::Ignore(Reason::NotPlanned);
        }
        let wish = self.request.options.get(REQUESTED_ADDRESS);
        let Some(address) = subnet.offer(self.request.mac, wish, self.now) else {
            return Outcome::Ignore(Reason::NoFreeAddress);
        };
        let mut reply = self.reply(MessageType::Offer, subnet);
        self.grant(&mut reply, subnet.subnet(), address);
        Outcome::Reply(reply)
    }

    /// The four kinds of DHCPREQUEST, told apart by RFC 2131 table 4.
    fn request(&self, subnet: &mut SubnetLeases) -> Outcome {
        let options = &self.request.options;
        let server = options.get(SERVER_ID);
        if let Some(other) = server.filter(|server| *server != self.settings.server_address) {
            subnet.withdraw(self.request.mac, self.now);
            return Outcome::Ignore(Reason::OtherServer(other));
        }
        // SELECTING and INIT-REBOOT have it in option 50, RENEWING and REBINDING in `ciaddr`.
        let own = Some(self.request.client_address).filter(|own| !own.is_unspecified());
        let Some(address) = own.or_else(|| options.get(REQUESTED_ADDRESS)) else {
            return Outcome::Ignore(Reason::NoAddress);
        };
        let going_on = || match server {
            // SELECTING starts anew, which takes a plan.
            Some(_) => None,
            None => subnet.lease_of(self.request.mac, self.now),
        };
        // Whoever has a lease keeps it while it renews, planned or not: taking the network away
        // from a running system is not for DHCP to decide. Others get no answer, not even a
        // refusal: another server of this network may know them.
        let planned = self.planned.map(|planned| planned.server_id);
        let Some(server_id) = planned.or_else(|| going_on().map(|lease| lease.server_id)) else {
            return Outcome::Ignore(Reason::NotPlanned);
        };
        match subnet.confirm(self.request.mac, server_id, address, self.now) {
            Ok(lease) => {
                let mut reply = self.reply(MessageType::Ack, subnet);
                reply.client_address = self.request.client_address;
                self.grant(&mut reply, subnet.subnet(), address);
                Outcome::Confirm { reply, lease }
            }
            Err(refusal) => Outcome::Reply(self.refuse(refusal)),
        }
    }

    fn decline(&self, subnet: &SubnetLeases) -> Outcome {
        let options = &self.request.options;
        if let Some(other) = options
            .get(SERVER_ID)
            .filter(|server| *server != self.settings.server_address)
        {
            return Outcome::Ignore(Reason::OtherServer(other));
        }
        match options.get(REQUESTED_ADDRESS) {
            None => Outcome::Ignore(Reason::NoAddress),
            Some(address) if subnet.holds(self.request.mac, address, self.now) => {
                Outcome::Decline(address)
            }
            Some(address) => Outcome::Ignore(Reason::NotItsAddress(address)),
        }
    }

    fn release(&self, subnet: &SubnetLeases) -> Outcome {
        let address = self.request.client_address;
        match subnet.lease_of(self.request.mac, self.now) {
            Some(lease) if lease.address == address => Outcome::Release(Lease {
                expires_at: self.now,
                ..lease
            }),
            _ => Outcome::Ignore(Reason::NotItsAddress(address)),
        }
    }

    fn inform(&self, subnet: &SubnetLeases) -> Outcome {
        let known = self.planned.is_some() || subnet.lease_of(self.request.mac, self.now).is_some();
        if !known {
            return Outcome::Ignore(Reason::NotPlanned);
        }
        let mut reply = self.reply(MessageType::Ack, subnet);
        reply.client_address = self.request.client_address;
        Outcome::Reply(reply)
    }

    /// A reply with everything but an address.
    fn reply(&self, message_type: MessageType, leases: &SubnetLeases) -> Message {
        let subnet = leases.subnet();
        let mut reply = self.request.reply(message_type);
        let wanted = self.request.options.get(PARAMETER_REQUEST_LIST);
        let wants = |number| wanted.as_ref().is_none_or(|list| list.contains(&number));
        let options = &mut reply.options;
        options.set(SERVER_ID, self.settings.server_address);
        options.set(SUBNET_MASK, subnet.subnet.netmask());
        if let Some(router) = subnet.router {
            options.set(ROUTER, vec![router]);
        }
        if !subnet.dns.is_empty() && wants(DNS.number()) {
            options.set(DNS, subnet.dns.clone());
        }
        if !subnet.ntp.is_empty() && wants(NTP.number()) {
            options.set(NTP, subnet.ntp.clone());
        }
        if let Some(domain) = &subnet.domain
            && wants(DOMAIN.number())
        {
            options.set(DOMAIN, domain.as_str());
        }
        let claimed = self.planned.and_then(|planned| planned.hostname.as_deref());
        if let Some(hostname) = claimed.or_else(|| leases.hostname_of(self.request.mac))
            && wants(HOST_NAME.number())
        {
            options.set(HOST_NAME, hostname);
        }
        if let Some(planned) = self.planned
            && let Some(client) = Client::of(self.request)
        {
            BootFile::decide(self.settings, &client, planned).write(
                self.request,
                &mut reply,
                self.settings.tftp_address,
            );
        }
        reply
    }

    /// Adds an address and its times. T1 and T2 are those of RFC 2131 section 4.4.5.
    fn grant(&self, reply: &mut Message, subnet: &Subnet, address: Ipv4Addr) {
        let seconds = subnet.lease_seconds;
        reply.your_address = address;
        reply.options.set(LEASE_TIME, seconds);
        reply.options.set(RENEWAL_TIME, seconds / 2);
        reply.options.set(REBINDING_TIME, seconds - seconds / 8);
    }

    /// A DHCPNAK. A relay is asked to broadcast it, because the client's address is wrong
    /// (RFC 2131 section 4.3.2).
    fn refuse(&self, refusal: Refusal) -> Message {
        let mut reply = self.request.reply(MessageType::Nak);
        reply.broadcast |= self.request.is_relayed();
        reply.options.set(SERVER_ID, self.settings.server_address);
        reply.options.set(MESSAGE, refusal.to_string());
        reply
    }
}

#[cfg(test)]
mod tests;
