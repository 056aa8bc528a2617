//! A TFTP client (RFC 1350, 2347, 2348, 2349, 7440) that reads as boot firmware reads.

pub(crate) mod download;
pub(crate) mod packet;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, time::timeout};

use self::{
    download::{Download, Next},
    packet::{Options, Packet},
};

/// One file to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// The address to read from: the one that was leased.
    pub(crate) local: Ipv4Addr,
    pub(crate) server: SocketAddr,
    pub(crate) file: &'a str,
    /// How long to wait before the last packet is sent again.
    pub(crate) retry: Duration,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to use UDP from {local}")]
    Socket {
        local: Ipv4Addr,
        #[source]
        source: io::Error,
    },
    #[error("no TFTP answer from {server}, {tries} tries")]
    Timeout { server: SocketAddr, tries: u32 },
    #[error("TFTP error {code} from the server: {text}")]
    Server { code: u16, text: String },
    #[error("the TFTP server sent {0}")]
    Protocol(&'static str),
}

/// Asks how long a file is and does not read it: the first half of what EDK2 does. `None` if the
/// server does not say.
pub(crate) async fn size(source: Source<'_>, options: Options) -> Result<Option<u64>, Error> {
    let options = Options {
        size: true,
        ..options
    };
    let mut conversation = Conversation::open(source).await?;
    let request = packet::read_request(source.file, options);
    let (packet, peer) = conversation.ask(&request).await?;
    let size = match packet {
        Packet::OptionAck(acknowledged) => acknowledged.size,
        Packet::Data { .. } => None,
        Packet::Error { code, text } => return Err(Error::Server { code, text }),
    };
    let stop = packet::error(8, "User aborted the transfer");
    conversation.send(&stop, peer).await?;
    Ok(size)
}

/// Reads a file.
pub(crate) async fn read(source: Source<'_>, options: Options) -> Result<Vec<u8>, Error> {
    let mut conversation = Conversation::open(source).await?;
    let request = packet::read_request(source.file, options);
    let (first, peer) = conversation.ask(&request).await?;
    conversation.peer = Some(peer);
    let mut download = Download::new(options);
    let mut next = download.receive(first)?;
    let mut silent = 0;
    loop {
        match next {
            Next::Done(last) => {
                conversation.send(&last, peer).await?;
                return Ok(download.into_bytes());
            }
            Next::Send(packet) => conversation.send(&packet, peer).await?,
            Next::Wait => {}
        }
        next = match timeout(source.retry, conversation.receive()).await {
            Ok(packet) => {
                silent = 0;
                download.receive(packet?.0)?
            }
            Err(_elapsed) => {
                silent += 1;
                if silent == TRIES {
                    let server = source.server;
                    return Err(Error::Timeout {
                        server,
                        tries: TRIES,
                    });
                }
                download.timeout()
            }
        };
    }
}

/// A socket on the leased address and, once it has answered, the server's port for this transfer.
struct Conversation<'a> {
    source: Source<'a>,
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    buffer: Vec<u8>,
}

impl<'a> Conversation<'a> {
    async fn open(source: Source<'a>) -> Result<Self, Error> {
        let socket = UdpSocket::bind((source.local, 0)).await;
        Ok(Self {
            socket: socket.map_err(socket_error(source.local))?,
            source,
            peer: None,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a request until there is an answer.
    async fn ask(&mut self, request: &[u8]) -> Result<(Packet, SocketAddr), Error> {
        let server = self.source.server;
        for _ in 0..TRIES {
            self.send(request, server).await?;
            if let Ok(answer) = timeout(self.source.retry, self.receive()).await {
                return answer;
            }
        }
        Err(Error::Timeout {
            server,
            tries: TRIES,
        })
    }

    async fn send(&self, packet: &[u8], to: SocketAddr) -> Result<(), Error> {
        let sent = self.socket.send_to(packet, to).await;
        sent.map(|_bytes| ())
            .map_err(socket_error(self.source.local))
    }

    /// The next packet of this transfer. What comes from elsewhere is answered with error 5 (RFC
    /// 1350 section 4).
    async fn receive(&mut self) -> Result<(Packet, SocketAddr), Error> {
        loop {
            let received = self.socket.recv_from(&mut self.buffer).await;
            let (length, from) = received.map_err(socket_error(self.source.local))?;
            let expected = match self.peer {
                Some(peer) => from == peer,
                None => same_host(from.ip(), self.source.server.ip()),
            };
            if !expected {
                let error = packet::error(5, "Unknown transfer ID");
                self.send(&error, from).await?;
                continue;
            }
            return Ok((Packet::decode(&self.buffer[..length])?, from));
        }
    }
}

/// On loopback a server that is bound to every address may answer from another one of them.
fn same_host(from: IpAddr, server: IpAddr) -> bool {
    from == server || (from.is_loopback() && server.is_loopback())
}

fn socket_error(local: Ipv4Addr) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Socket { local, source }
}

const TRIES: u32 = 6;
