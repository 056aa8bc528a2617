//! DHCP as firmware and iPXE do it: DISCOVER, OFFER, REQUEST, ACK (RFC 2131 section 3.1, PXE 2.1
//! section 2.2).

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use model::{Architecture, MacAddr, ServerId};
use netboot::{
    dhcp::{Message, MessageType, options},
    pxe::{HTTP_CLIENT, PXE_CLIENT},
};
use tokio::time::{Instant, timeout_at};

use super::{
    pxe_menu,
    relay::{Circuit, Relay, Transaction},
};

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) uuid: ServerId,
    pub(crate) architecture: Architecture,
    pub(crate) kind: Kind,
}

/// What program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Firmware,
    Ipxe,
}

/// What a server gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) address: Ipv4Addr,
    pub(crate) server_id: Ipv4Addr,
    pub(crate) netmask: Option<Ipv4Addr>,
    pub(crate) router: Option<Ipv4Addr>,
    pub(crate) dns: Option<Ipv4Addr>,
    pub(crate) hostname: Option<String>,
    pub(crate) domain: Option<String>,
    /// Where TFTP goes.
    pub(crate) next_server: Ipv4Addr,
    pub(crate) boot_file: Option<String>,
    /// The text of the menu entry that sends the machine to its disk.
    pub(crate) local_boot: Option<String>,
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no DHCP offer in {tries} tries")]
    NoOffer { tries: u32 },
    #[error("no usable DHCP offer in {tries} tries, the last one had {reason}")]
    NoUsableOffer { tries: u32, reason: &'static str },
    #[error("no answer to the DHCP request for {address}")]
    NoAck { address: Ipv4Addr },
    #[error("the DHCP server refused the address it had offered, {0}")]
    Refused(Ipv4Addr),
    #[error("failed to send to the DHCP server")]
    Send(#[source] std::io::Error),
}

impl Client {
    /// Asks for an address until there is one or the firmware's patience is over: four tries, each
    /// twice as long as the one before.
    pub(crate) async fn acquire(
        &self,
        relay: &Arc<Relay>,
        circuit: &Circuit,
        retry: Duration,
    ) -> Result<Lease, Error> {
        let mut transaction = relay.begin(circuit.clone());
        let offer = self.find(&mut transaction, circuit.mac, retry).await?;
        self.take(&mut transaction, circuit.mac, &offer, retry)
            .await
    }

    async fn find(
        &self,
        transaction: &mut Transaction,
        mac: MacAddr,
        retry: Duration,
    ) -> Result<Message, Error> {
        let mut unusable = None;
        for (secs, wait) in waits(retry) {
            let discover = self.discover(transaction.xid, mac, secs);
            transaction.send(discover).await.map_err(Error::Send)?;
            let deadline = Instant::now() + wait;
            while let Ok(reply) = timeout_at(deadline, transaction.receive()).await {
                if reply.message_type != MessageType::Offer {
                    continue;
                }
                match self.check(&reply) {
                    Ok(()) => return Ok(reply),
                    Err(reason) => unusable = Some(reason),
                }
            }
        }
        Err(match unusable {
            Some(reason) => Error::NoUsableOffer {
                tries: TRIES,
                reason,
            },
            None => Error::NoOffer { tries: TRIES },
        })
    }

    async fn take(
        &self,
        transaction: &mut Transaction,
        mac: MacAddr,
        offer: &Message,
        retry: Duration,
    ) -> Result<Lease, Error> {
        let address = offer.your_address;
        for (secs, wait) in waits(retry) {
            let request = self.request(transaction.xid, mac, secs, offer);
            transaction.send(request).await.map_err(Error::Send)?;
            let deadline = Instant::now() + wait;
            while let Ok(reply) = timeout_at(deadline, transaction.receive()).await {
                match reply.message_type {
                    MessageType::Ack if reply.your_address == address => {
                        return Ok(lease(&reply));
                    }
                    MessageType::Nak => return Err(Error::Refused(address)),
                    _ => {}
                }
            }
        }
        Err(Error::NoAck { address })
    }

    fn discover(&self, xid: u32, mac: MacAddr, secs: u16) -> Message {
        let mut message = Message::request(MessageType::Discover, xid, mac);
        message.secs = secs;
        // EDK2 cannot take a unicast yet; iPXE can.
        message.broadcast = self.kind == Kind::Firmware;
        self.describe(&mut message);
        message
    }

    fn request(&self, xid: u32, mac: MacAddr, secs: u16, offer: &Message) -> Message {
        let mut message = self.discover(xid, mac, secs);
        message.message_type = MessageType::Request;
        message
            .options
            .set(options::REQUESTED_ADDRESS, offer.your_address);
        message.options.set(options::SERVER_ID, server_id(offer));
        message
    }

    /// What a network boot client tells of itself (PXE 2.1 table 2-1, RFC 4578).
    fn describe(&self, message: &mut Message) {
        let code = self.architecture.code();
        let class = if self.architecture.is_http() {
            HTTP_CLIENT
        } else {
            PXE_CLIENT
        };
        let undi = match self.kind {
            Kind::Firmware => "003016",
            Kind::Ipxe => "003010",
        };
        let all = &mut message.options;
        all.set(
            options::VENDOR_CLASS,
            format!("{class}:Arch:{code:05}:UNDI:{undi}"),
        );
        all.set(options::ARCHITECTURE, vec![code]);
        all.set(options::NETWORK_INTERFACE, vec![1, 3, 16]);
        all.set(options::MAX_MESSAGE_SIZE, 1472_u16);
        all.set(options::PARAMETER_REQUEST_LIST, PARAMETERS.to_vec());
        // SMBIOS order, the first three fields little-endian: what firmware finds in its own table.
        let mut id = vec![0];
        id.extend(self.uuid.uuid().to_bytes_le());
        all.set(options::MACHINE_ID, id);
        if self.kind == Kind::Ipxe {
            let mut client_id = vec![1];
            client_id.extend(message.mac.octets());
            all.set(options::CLIENT_ID, client_id);
            all.set(options::USER_CLASS, b"iPXE".to_vec());
            all.set(options::IPXE, IPXE_FEATURES.to_vec());
        }
    }

    /// Whether this client boots from an offer. HTTP boot takes an offer only if it says that it is
    /// for HTTP boot, and PXE firmware only if it names a file or has a menu. iPXE takes any.
    fn check(&self, offer: &Message) -> Result<(), &'static str> {
        if offer.your_address.is_unspecified() {
            return Err("no address");
        }
        if self.kind == Kind::Ipxe {
            return Ok(());
        }
        let menu = !self.architecture.is_http() && local_boot(offer).is_some();
        if boot_file(offer).is_none() && !menu {
            return Err("no boot file");
        }
        let class = offer.options.get(options::VENDOR_CLASS);
        let is_http = class.is_some_and(|class| class.starts_with(HTTP_CLIENT));
        if self.architecture.is_http() && !is_http {
            return Err("another vendor class than HTTPClient");
        }
        Ok(())
    }
}

fn lease(ack: &Message) -> Lease {
    let first = |addresses: Option<Vec<Ipv4Addr>>| addresses?.into_iter().next();
    let server_id = server_id(ack);
    let named = ack
        .options
        .get(options::TFTP_SERVER)
        .and_then(|name| name.parse().ok());
    let next_server = if ack.next_server.is_unspecified() {
        named.unwrap_or(server_id)
    } else {
        ack.next_server
    };
    Lease {
        address: ack.your_address,
        server_id,
        netmask: ack.options.get(options::SUBNET_MASK),
        router: first(ack.options.get(options::ROUTER)),
        dns: first(ack.options.get(options::DNS)),
        hostname: ack.options.get(options::HOST_NAME),
        domain: ack.options.get(options::DOMAIN),
        next_server,
        boot_file: boot_file(ack),
        local_boot: local_boot(ack),
    }
}

/// The server that an offer is from; one without option 54 is taken at its next server's word.
fn server_id(offer: &Message) -> Ipv4Addr {
    offer
        .options
        .get(options::SERVER_ID)
        .unwrap_or(offer.next_server)
}

/// Some firmware ends the name with a zero byte, and so do some servers.
fn boot_file(message: &Message) -> Option<String> {
    let option = message.options.get(options::BOOT_FILE);
    [option, Some(message.file.clone())]
        .into_iter()
        .flatten()
        .map(|file| file.trim_end_matches('\0').to_owned())
        .find(|file| !file.is_empty())
}

fn local_boot(message: &Message) -> Option<String> {
    let vendor = message.options.get(options::VENDOR_SPECIFIC)?;
    pxe_menu::local_boot(&vendor)
}

/// Seconds since the start, and the time to wait then.
fn waits(retry: Duration) -> impl Iterator<Item = (u16, Duration)> {
    (0..TRIES).map(move |try_number| {
        let factor = 2_u32.pow(try_number);
        let since = retry * (factor - 1);
        let secs = u16::try_from(since.as_secs()).unwrap_or(u16::MAX);
        (secs, retry * factor)
    })
}

const TRIES: u32 = 4;
/// The options a client asks for: mask, router, DNS, host name, domain, root path, vendor, server,
/// vendor class, TFTP server, boot file, and PXE's own.
const PARAMETERS: [u8; 18] = [
    1, 3, 6, 12, 15, 17, 43, 54, 60, 66, 67, 97, 128, 129, 130, 131, 132, 175,
];
/// iPXE's encapsulated options: priority, then the features that decide what a server offers:
/// HTTP, bzImage, EFI, menu, DNS, TFTP.
const IPXE_FEATURES: [u8; 21] = [
    0x01, 0x01, 0x00, 0x13, 0x01, 0x01, 0x18, 0x01, 0x01, 0x24, 0x01, 0x01, 0x27, 0x01, 0x01, 0x17,
    0x01, 0x01, 0x11, 0x01, 0x01,
];

#[cfg(test)]
mod tests {
    use netboot::pxe::{self, Stage};

    use super::*;

    const MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);

    fn client(architecture: Architecture, kind: Kind) -> Client {
        Client {
            uuid: "4c4c4544-0042-3510-8057-b7c04f4b4d32".parse().unwrap(),
            architecture,
            kind,
        }
    }

    /// What a server makes of this client's first message.
    #[track_caller]
    fn check(architecture: Architecture, kind: Kind, stage: Stage) {
        let client = client(architecture, kind);
        let bytes = client.discover(7, MAC, 0).encode();
        let seen = pxe::Client::of(&Message::decode(&bytes).unwrap()).unwrap();
        assert_eq!(seen.architecture, Some(architecture));
        assert_eq!(seen.stage, stage);
        assert_eq!(seen.http, architecture.is_http());
        assert!(seen.uuid.unwrap().matches(client.uuid));
    }

    #[test]
    fn a_server_sees_who_asks() {
        check(Architecture::X64Uefi, Kind::Firmware, Stage::Firmware);
        check(Architecture::X86Bios, Kind::Firmware, Stage::Firmware);
        check(Architecture::Arm64Uefi, Kind::Firmware, Stage::Firmware);
        check(Architecture::X64UefiHttp, Kind::Firmware, Stage::Firmware);
        check(Architecture::X64Uefi, Kind::Ipxe, Stage::Ipxe);
    }

    #[test]
    fn an_offer_is_taken_by_who_can_boot_from_it() {
        let offer = |file: &str, class: &str| {
            let mut offer =
                Message::request(MessageType::Discover, 7, MAC).reply(MessageType::Offer);
            offer.your_address = Ipv4Addr::new(127, 80, 0, 10);
            if !file.is_empty() {
                offer.options.set(options::BOOT_FILE, file);
            }
            if !class.is_empty() {
                offer.options.set(options::VENDOR_CLASS, class);
            }
            offer
        };
        let firmware = client(Architecture::X64Uefi, Kind::Firmware);
        let http = client(Architecture::X64UefiHttp, Kind::Firmware);
        let ipxe = client(Architecture::X64Uefi, Kind::Ipxe);
        let bare = offer("", "");
        let pxe = offer("snponly.efi", "PXEClient");
        let url = offer("http://a/snponly.efi", "HTTPClient");
        assert_eq!(firmware.check(&bare), Err("no boot file"));
        assert_eq!(firmware.check(&pxe), Ok(()));
        assert!(http.check(&pxe).is_err());
        assert_eq!(http.check(&url), Ok(()));
        assert_eq!(ipxe.check(&bare), Ok(()));
    }

    #[test]
    fn the_waits_are_those_of_firmware() {
        let waits: Vec<_> = waits(Duration::from_secs(4)).collect();
        let seconds: Vec<_> = waits
            .iter()
            .map(|(at, wait)| (*at, wait.as_secs()))
            .collect();
        assert_eq!(seconds, [(0, 4), (4, 8), (12, 16), (28, 32)]);
    }

    #[test]
    fn the_next_server_is_siaddr_or_option_66_or_the_server_itself() {
        let mut ack = Message::request(MessageType::Request, 7, MAC).reply(MessageType::Ack);
        ack.options
            .set(options::SERVER_ID, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(lease(&ack).next_server, Ipv4Addr::new(10, 0, 0, 1));
        ack.options.set(options::TFTP_SERVER, "10.0.0.2");
        assert_eq!(lease(&ack).next_server, Ipv4Addr::new(10, 0, 0, 2));
        ack.next_server = Ipv4Addr::new(10, 0, 0, 3);
        assert_eq!(lease(&ack).next_server, Ipv4Addr::new(10, 0, 0, 3));
    }
}
