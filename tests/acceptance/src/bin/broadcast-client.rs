//! A DHCP client as simple as firmware's: an interface without an address, broadcasts, no relay.
//!
//! `broadcast-client INTERFACE MAC` asks for answers by broadcast and prints the address it is
//! leased and the boot file. With `frames` as a third argument it takes answers in frames to its MAC
//! address alone.

#![allow(clippy::print_stdout, reason = "what it prints is its result")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "it is part of a test"
)]

use std::{
    io::Read as _,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (interface, mac) = (arguments.next(), arguments.next());
    let (interface, mac) = (interface.expect("INTERFACE"), mac.expect("MAC"));
    let mac: Vec<u8> = mac
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).expect("a MAC address"))
        .collect();
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
    socket.set_broadcast(true).expect("broadcasts");
    socket
        .bind_device(Some(interface.as_bytes()))
        .expect("the interface");
    let client = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    socket.bind(&client.into()).expect("port 68");
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout");
    let client = Client {
        ear: (arguments.next().as_deref() == Some("frames")).then(ear),
        udp: UdpSocket::from(socket),
        mac,
    };

    let offer = client.ask(&client.request(DISCOVER, &[]), OFFER);
    let mut choice = vec![50, 4];
    choice.extend(&offer[16..20]);
    choice.extend([54, 4]);
    choice.extend(option(&offer, 54).expect("a server identifier"));
    let ack = client.ask(&client.request(REQUEST, &choice), ACK);
    let address: [u8; 4] = ack[16..20].try_into().expect("four bytes");
    let file = String::from_utf8_lossy(option(&ack, 67).expect("a boot file"));
    println!("{} {file}", Ipv4Addr::from(address));
}

/// A socket that sees the frames on every interface; there is one.
fn ear() -> Socket {
    let ipv4 = Protocol::from(i32::from(0x0800_u16.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(ipv4)).expect("a raw socket");
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout");
    socket
}

struct Client {
    udp: UdpSocket,
    ear: Option<Socket>,
    mac: Vec<u8>,
}

impl Client {
    /// A request of UEFI firmware (RFC 2131 figure 1).
    fn request(&self, kind: u8, options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 240];
        bytes[..8].copy_from_slice(&[1, 1, 6, 0, 0, 0, 0, 7]);
        if self.ear.is_none() {
            bytes[10] = 0x80;
        }
        bytes[28..34].copy_from_slice(&self.mac);
        bytes[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        bytes.extend([53, 1, kind, 93, 2, 0, 7, 60, 9]);
        bytes.extend(b"PXEClient");
        bytes.extend(options);
        bytes.push(255);
        bytes
    }

    /// The answer of type `kind`. What gets lost is sent again.
    fn ask(&self, request: &[u8], kind: u8) -> Vec<u8> {
        for _ in 0..10 {
            self.udp
                .send_to(request, (Ipv4Addr::BROADCAST, 67))
                .expect("a broadcast");
            while let Some(answer) = self.hear() {
                if answer.len() > 240 && option(&answer, 53) == Some(&[kind]) {
                    return answer;
                }
            }
        }
        panic!("no answer of type {kind}");
    }

    /// The next DHCP message; nothing if there is none for half a second. It is empty if it is not
    /// for this client.
    fn hear(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 1600];
        let Some(ear) = &self.ear else {
            let length = self.udp.recv(&mut bytes).ok()?;
            bytes.truncate(length);
            return Some(bytes);
        };
        let length = (&mut &*ear).read(&mut bytes).ok()?;
        bytes.truncate(length);
        // Ethernet's header is 14 bytes, IP's 20 without options, UDP's 8.
        let port = bytes.get(36..38);
        if bytes[..6] == self.mac && port == Some(&68_u16.to_be_bytes()) {
            Some(bytes.split_off(42))
        } else {
            Some(Vec::new())
        }
    }
}

fn option(message: &[u8], number: u8) -> Option<&[u8]> {
    let mut rest = message.get(240..)?;
    loop {
        match rest {
            [0, after @ ..] => rest = after,
            [255, ..] | [] | [_] => return None,
            [code, length, after @ ..] => {
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                if *code == number {
                    return Some(value);
                }
                rest = after;
            }
        }
    }
}

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
