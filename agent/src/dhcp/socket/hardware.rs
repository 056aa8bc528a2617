//! Frames to the hardware address of a client that does not answer ARP yet.

use std::{io, net::SocketAddrV4};

use model::MacAddr;
use netboot::dhcp::{SERVER_PORT, packet};
use rustix::net::netdevice;
use socket2::{Domain, SockAddr, SockAddrStorage, Type};

/// A raw socket for one interface. It receives nothing.
#[derive(Debug)]
pub(super) struct Hardware {
    socket: socket2::Socket,
    interface: i32,
    from: SocketAddrV4,
}

impl Hardware {
    /// Opens it, which takes `CAP_NET_RAW`.
    pub(super) fn open(interface: &str) -> io::Result<Self> {
        // Without a protocol, nothing is delivered to it.
        let socket = socket2::Socket::new(Domain::PACKET, Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        let index = netdevice::name_to_index(&socket, interface)?;
        Ok(Self {
            interface: i32::try_from(index).map_err(io::Error::other)?,
            from: SocketAddrV4::new(super::interface_address(interface)?, SERVER_PORT),
            socket,
        })
    }

    /// Sends a datagram with `message` to `to`, in a frame to `mac`.
    pub(super) fn send(&self, message: &[u8], mac: MacAddr, to: SocketAddrV4) -> io::Result<()> {
        let packet = packet(self.from, to, message).ok_or(io::ErrorKind::InvalidInput)?;
        let to = self.link_address(mac);
        self.socket.send_to(&packet, &to).map(drop)
    }

    /// The address of a network card on this interface, as `packet(7)` has it.
    #[expect(unsafe_code, reason = "no crate in the tree makes such an address")]
    #[expect(clippy::cast_possible_truncation, reason = "they are small constants")]
    fn link_address(&self, mac: MacAddr) -> SockAddr {
        let mut sll_addr = [0; 8];
        sll_addr[..6].copy_from_slice(&mac.octets());
        let link = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: (libc::ETH_P_IP as u16).to_be(),
            sll_ifindex: self.interface,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 6,
            sll_addr,
        };
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: `sockaddr_ll` is an address of a socket, so the storage has its size and its
        // alignment, and what is written has the family that says what it is.
        unsafe {
            *storage.view_as::<libc::sockaddr_ll>() = link;
            SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        }
    }
}
