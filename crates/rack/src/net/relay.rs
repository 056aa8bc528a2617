//! The rack's relay agent (RFC 1542 section 4, RFC 3046): what the top-of-rack switch does for the
//! machines' broadcasts.
//!
//! All machines share one socket on an ephemeral port. The server answers that port and not port 67
//! because the relay says so (RFC 8357), and the relay gives a reply to the machine whose
//! transaction and hardware address it carries.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use model::MacAddr;
use netboot::dhcp::{Message, Op, RelayInformation, SubOption, options};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{net::UdpSocket, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::Network;

/// The relay of a rack.
#[derive(Debug)]
pub(crate) struct Relay {
    socket: UdpSocket,
    address: Ipv4Addr,
    server: SocketAddr,
    /// Who waits for the replies to which transaction.
    waiting: Mutex<HashMap<(u32, MacAddr), mpsc::UnboundedSender<Message>>>,
    next_xid: AtomicU32,
}

/// The port of the switch that a machine is plugged into.
#[derive(Clone, Debug)]
pub(crate) struct Circuit {
    pub(crate) mac: MacAddr,
    pub(crate) id: String,
}

/// One transaction of one machine. Dropping it ends the waiting for replies.
#[derive(Debug)]
pub(crate) struct Transaction {
    relay: Arc<Relay>,
    circuit: Circuit,
    pub(crate) xid: u32,
    replies: mpsc::UnboundedReceiver<Message>,
}

impl Relay {
    pub(crate) async fn bind(network: &Network) -> io::Result<Self> {
        let mut random = [0; 4];
        // Two racks behind one server must not begin with the same transaction; without random
        // numbers they still differ in their machines' addresses.
        let first = SystemRandom::new()
            .fill(&mut random)
            .map_or(0, |()| u32::from_be_bytes(random));
        Ok(Self {
            socket: UdpSocket::bind((network.relay, 0)).await?,
            address: network.relay,
            server: network.dhcp_server,
            waiting: Mutex::new(HashMap::new()),
            next_xid: AtomicU32::new(first),
        })
    }

    /// Hands out replies until `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let received = tokio::select! {
                received = self.socket.recv_from(&mut buffer) => received,
                () = shutdown.cancelled() => return,
            };
            match received {
                Ok((length, from)) => self.hand_out(&buffer[..length], from),
                Err(error) => tracing::warn!(%error, "the relay failed to receive"),
            }
        }
    }

    /// Begins a transaction of the machine at `circuit`.
    pub(crate) fn begin(self: &Arc<Self>, circuit: Circuit) -> Transaction {
        let xid = self.next_xid.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = mpsc::unbounded_channel();
        self.waiting().insert((xid, circuit.mac), sender);
        Transaction {
            relay: Arc::clone(self),
            circuit,
            xid,
            replies,
        }
    }

    fn hand_out(&self, datagram: &[u8], from: SocketAddr) {
        let message = match Message::decode(datagram) {
            Ok(message) => message,
            Err(error) => return tracing::warn!(%from, %error, "a reply cannot be read"),
        };
        let Some(message) = inward(message, self.address) else {
            return tracing::warn!(%from, "a message is no reply for this relay");
        };
        let waiting = self.waiting();
        let Some(machine) = waiting.get(&(message.xid, message.mac)) else {
            return tracing::debug!(xid = message.xid, mac = %message.mac, "nobody waits for it");
        };
        if machine.send(message).is_err() {
            tracing::debug!("the machine stopped waiting");
        }
    }

    fn waiting(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<(u32, MacAddr), mpsc::UnboundedSender<Message>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    /// Broadcasts `message`; the relay takes it to the server.
    pub(crate) async fn send(&self, message: Message) -> io::Result<()> {
        let message = outward(message, self.relay.address, &self.circuit.id);
        self.relay
            .socket
            .send_to(&message.encode(), self.relay.server)
            .await
            .map(|_bytes| ())
    }

    /// The next reply. It waits for ever if there is none.
    pub(crate) async fn receive(&mut self) -> Message {
        match self.replies.recv().await {
            Some(message) => message,
            // The relay holds the sender until this transaction is dropped.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let key = (self.xid, self.circuit.mac);
        self.relay.waiting().remove(&key);
    }
}

/// What the relay makes of a client's message on its way to the server.
fn outward(mut message: Message, relay: Ipv4Addr, circuit: &str) -> Message {
    message.hops += 1;
    // Only the first relay says where the message came from (RFC 3046 section 2.1.1).
    if !message.is_relayed() {
        message.relay = relay;
        let information = RelayInformation::new([
            SubOption::CircuitId(circuit.as_bytes().to_vec()),
            SubOption::SourcePort,
        ]);
        message.options.set(options::RELAY_INFORMATION, information);
    }
    message
}

/// What the relay makes of a server's message on its way to the client, unless it is for another
/// relay. A client never sees the relay's own information (RFC 3046 section 2.1).
fn inward(mut message: Message, relay: Ipv4Addr) -> Option<Message> {
    if message.op != Op::Reply || message.relay != relay {
        return None;
    }
    message.options.remove(options::RELAY_INFORMATION);
    Some(message)
}

#[cfg(test)]
mod tests {
    use netboot::dhcp::MessageType;

    use super::*;

    const RELAY: Ipv4Addr = Ipv4Addr::new(127, 80, 0, 1);

    #[test]
    fn a_request_goes_out_with_the_relays_address_and_information() {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let message = Message::request(MessageType::Discover, 7, mac);
        let out = outward(message, RELAY, "r1-m1");
        assert_eq!((out.hops, out.relay), (1, RELAY));
        let information = out.options.get(options::RELAY_INFORMATION).unwrap();
        assert_eq!(information.circuit_id(), Some(b"r1-m1".as_slice()));
        assert!(information.source_port());
        assert_eq!(Message::decode(&out.encode()).as_ref(), Ok(&out));
    }

    #[test]
    fn a_reply_comes_in_without_the_relays_information_and_only_from_a_server() {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let request = outward(Message::request(MessageType::Discover, 7, mac), RELAY, "r");
        let reply = request.reply(MessageType::Offer);
        assert!(reply.options.get(options::RELAY_INFORMATION).is_some());
        let inside = inward(reply.clone(), RELAY).unwrap();
        assert!(inside.options.get(options::RELAY_INFORMATION).is_none());
        assert_eq!(inward(reply, Ipv4Addr::new(127, 80, 0, 2)), None);
        assert_eq!(inward(request, RELAY), None);
    }
}
