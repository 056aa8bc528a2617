//! The UDP socket of the DHCP service.
//!
//! One socket for one link. Linux gives broadcasts only to sockets that listen on every address, so
//! a server that is on the servers' own network listens on `0.0.0.0`, and names its interface if the
//! machine has several: the interface is then what its broadcasts leave by. A server that only
//! relays speak to may listen on one address.

mod hardware;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};

use netboot::dhcp::{CLIENT_PORT, Destination};
use socket2::{Domain, Protocol, Type};
use tokio::net::UdpSocket;

use self::hardware::Hardware;

/// The socket.
#[derive(Debug)]
pub(super) struct Socket {
    udp: UdpSocket,
    hardware: Option<Hardware>,
}

impl Socket {
    /// Binds it, to one interface if one is named. It must be called from within a runtime.
    ///
    /// Addresses are not shared (`SO_REUSEADDR`): of two DHCP servers on one port each would get
    /// some of the packets, and neither operator would know.
    pub(super) fn bind(listen: SocketAddrV4, interface: Option<&str>) -> io::Result<Self> {
        let socket = open(interface)?;
        // After a power cut a whole row of racks asks at once. The kernel may give less.
        let _best_effort = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.bind(&SocketAddr::V4(listen).into())?;
        let hardware = interface.and_then(|interface| {
            Hardware::open(interface)
                .inspect_err(|error| {
                    let error = error as &dyn std::error::Error;
                    tracing::info!(interface, error, "no raw socket, answers are broadcast");
                })
                .ok()
        });
        Ok(Self {
            udp: UdpSocket::from_std(socket.into())?,
            hardware,
        })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// The next datagram: its length and its sender.
    pub(super) async fn recv(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddrV4)> {
        loop {
            let (bytes, sender) = self.udp.recv_from(buffer).await?;
            // An IPv4 socket has no other senders.
            if let SocketAddr::V4(sender) = sender {
                return Ok((bytes, sender));
            }
        }
    }

    /// Sends a datagram. A frame to a hardware address takes a raw socket, and that takes a named
    /// interface and the right to open one; otherwise a broadcast reaches the same client, as RFC
    /// 2131 section 4.1 provides.
    pub(super) async fn send(&self, bytes: &[u8], destination: Destination) -> io::Result<()> {
        let to = match destination {
            Destination::Relay(to) | Destination::Client(to) | Destination::Broadcast(to) => to,
            Destination::Hardware { mac, to } => {
                let sent = self.hardware.as_ref().map(|raw| raw.send(bytes, mac, to));
                if let Some(Ok(())) = sent {
                    return Ok(());
                }
                SocketAddrV4::new(Ipv4Addr::BROADCAST, to.port())
            }
        };
        self.udp.send_to(bytes, SocketAddr::V4(to)).await.map(drop)
    }
}

/// The address of an interface: the one that the kernel would broadcast from.
pub(super) fn interface_address(interface: &str) -> io::Result<Ipv4Addr> {
    let socket = open(Some(interface))?;
    let anybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT);
    socket.connect(&SocketAddr::V4(anybody).into())?;
    let local = socket.local_addr()?.as_socket_ipv4();
    local
        .map(|local| *local.ip())
        .filter(|address| !address.is_unspecified())
        .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn open(interface: Option<&str>) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_broadcast(true)?;
    if let Some(interface) = interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    Ok(socket)
}

const RECEIVE_BUFFER: usize = 4 << 20;
