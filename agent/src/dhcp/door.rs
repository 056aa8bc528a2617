//! A port of the DHCP service: receive, have it decided, send.

use std::{net::SocketAddrV4, sync::Arc, time::Duration};

use netboot::dhcp::{Destination, Message, destination};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{Service, proxy::Port, socket::Socket, turns::Turn};
use crate::store;

/// One of the service's ports.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) socket: Arc<Socket>,
    pub(super) port: Port,
    pub(super) service: Arc<Service>,
}

impl Door {
    /// Answers until `shutdown`, and returns when everything that was begun is done.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut answers = JoinSet::new();
        let mut buffer = vec![0; LARGEST];
        loop {
            while answers.try_join_next().is_some() {}
            // What is not read waits in the socket's buffer.
            while answers.len() >= AT_ONCE {
                answers.join_next().await;
            }
            let received = tokio::select! {
                () = shutdown.cancelled() => break,
                received = self.socket.recv(&mut buffer) => received,
            };
            match received {
                Ok((bytes, sender)) => {
                    if let Some(request) = decode(&buffer[..bytes], sender)
                        && let Some(turn) = self.turn(&request)
                    {
                        answers.spawn(self.answer((request, sender), turn));
                    }
                }
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "DHCP receive failed"
                    );
                    // An interface that is down fails every time.
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        while answers.join_next().await.is_some() {}
    }

    /// The turn of the client that sent `request`. It is taken in the order of arrival.
    fn turn(&self, request: &Message) -> Option<Turn> {
        let (mac, xid) = (request.mac, request.xid);
        let turn = self.service.turns.take(mac);
        if turn.is_none() {
            // Redundant relays send everything twice, and a client asks again by itself.
            debug!(%mac, xid, "still at work on this client");
        }
        turn
    }

    fn answer(
        &self,
        (request, sender): (Message, SocketAddrV4),
        turn: Turn,
    ) -> impl Future<Output = ()> + use<> {
        let (service, socket) = (Arc::clone(&self.service), Arc::clone(&self.socket));
        let port = self.port;
        async move {
            let (mac, xid) = (request.mac, request.xid);
            let store = service.store.clone();
            let decided = store
                .run(move |_| {
                    let Some(reply) = service.decide(port, &request)? else {
                        return Ok(None);
                    };
                    let to = match port {
                        Port::Dhcp => destination(&request, &reply, sender.port()),
                        // Whoever asks there has an address, and asks from it.
                        Port::Pxe => Destination::Client(sender),
                    };
                    Ok::<_, store::Error>(Some((to, reply)))
                })
                .await;
            // The client may ask on as soon as it has its answer.
            drop(turn);
            match decided {
                Ok(Some((destination, reply))) => {
                    if let Err(error) = socket.send(&reply.encode(), destination).await {
                        let error = &error as &dyn std::error::Error;
                        warn!(%mac, xid, ?destination, error, "DHCP send failed");
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    error!(%mac, xid, error, "DHCP request not answered");
                }
            }
        }
    }
}

fn decode(bytes: &[u8], sender: SocketAddrV4) -> Option<Message> {
    Message::decode(bytes)
        .inspect_err(|error| debug!(%sender, bytes = bytes.len(), %error, "not a DHCP message"))
        .ok()
}

/// The longest datagram that is read whole.
const LARGEST: usize = 4096;

/// How many packets are worked on at the same time.
const AT_ONCE: usize = 512;

const PAUSE: Duration = Duration::from_millis(100);
