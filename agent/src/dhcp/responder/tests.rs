//! Tests of the responder.

mod replies;
mod states;

use super::*;
use crate::{
    config::Pool,
    fixture::{at, mac, server_id, uuid},
};
use model::{Boot, BootMethod, BootPolicy, MacAddr};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const TFTP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

const fn local(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

const fn remote(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, last)
}

fn subnet(net: &str, pool: &str) -> Subnet {
    Subnet::new(net.parse().unwrap(), vec![pool.parse::<Pool>().unwrap()])
}

struct World {
    settings: Settings,
    leases: Leases,
    planned: Option<Planned>,
}

/// `10.0.0.0/24` is our own link, `10.1.0.0/24` is behind a relay; server 1 is planned.
fn world() -> World {
    let mut own = subnet("10.0.0.0/24", "10.0.0.10-10.0.0.11");
    own.router = Some(local(1));
    own.dns = vec![local(53), local(54)];
    own.ntp = vec![local(123)];
    own.domain = Some("rack.example".to_owned());
    let behind = subnet("10.1.0.0/24", "10.1.0.20-10.1.0.29");
    World {
        settings: Settings {
            server_address: SERVER,
            tftp_address: TFTP,
            boot_url: "http://10.0.0.2:8080".to_owned(),
            link: SERVER,
            loaders: Loaders::default(),
        },
        leases: Leases::new(&[own, behind], &[SERVER]),
        planned: Some(planned()),
    }
}

fn planned() -> Planned {
    Planned {
        server_id: server_id(1),
        mac: mac(1),
        hostname: Some("node-1".to_owned()),
        boot: Boot {
            id: uuid(7),
            generation: 1,
            boot_config_id: uuid(8),
            revision: "0123456789ab".to_owned(),
            boot_policy: BootPolicy::Once,
            stages: Vec::new(),
            address: None,
        },
        method: BootMethod::Ipxe,
    }
}

fn message(message_type: MessageType, mac: MacAddr) -> Message {
    Message::request(message_type, 0x1234, mac)
}

fn discover() -> Message {
    message(MessageType::Discover, mac(1))
}

/// A DHCPREQUEST with option 54, option 50 and `ciaddr`, as far as they are there.
fn request(server: Option<Ipv4Addr>, wish: Option<Ipv4Addr>, own: Option<Ipv4Addr>) -> Message {
    let mut request = message(MessageType::Request, mac(1));
    if let Some(server) = server {
        request.options.set(SERVER_ID, server);
    }
    if let Some(wish) = wish {
        request.options.set(REQUESTED_ADDRESS, wish);
    }
    request.client_address = own.unwrap_or(Ipv4Addr::UNSPECIFIED);
    request
}

impl World {
    fn ask(&mut self, request: &Message, seconds: i64) -> Outcome {
        let planned = self.planned.as_ref();
        respond(
            &self.settings,
            &mut self.leases,
            request,
            planned,
            at(seconds),
        )
    }

    #[track_caller]
    fn reply(&mut self, request: &Message, seconds: i64) -> Message {
        match self.ask(request, seconds) {
            Outcome::Reply(reply) | Outcome::Confirm { reply, .. } => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Leases `address` to server 1, as SELECTING does.
    #[track_caller]
    fn lease(&mut self, address: Ipv4Addr, seconds: i64) {
        let outcome = self.ask(&request(Some(SERVER), Some(address), None), seconds);
        assert!(matches!(outcome, Outcome::Confirm { .. }), "{outcome:?}");
    }

    #[track_caller]
    fn check(&mut self, request: &Message, seconds: i64, expected: &str) {
        let found = match self.ask(request, seconds) {
            Outcome::Reply(reply) => format!("{} {}", reply.message_type, reply.your_address),
            Outcome::Confirm { reply, lease } => {
                assert_eq!(reply.your_address, lease.address);
                format!("{} {}", reply.message_type, reply.your_address)
            }
            Outcome::Release(lease) => format!("release {}", lease.address),
            Outcome::Heard(lease) => format!("heard {}", lease.address),
            Outcome::Decline(address) => format!("decline {address}"),
            Outcome::Ignore(reason) => reason.to_string(),
        };
        assert_eq!(found, expected);
    }
}
