//! Tests of what a peer cannot do to others.

use std::{io::Read as _, net::Ipv4Addr};

use axum::routing::get;

use super::*;

#[tokio::test]
async fn a_peer_that_holds_many_connections_keeps_nobody_else_out() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = Limits::new(20, 4);
    tokio::spawn(serve(listener, None, router, limits, shutdown.clone()));
    let connect = move |from: Ipv4Addr| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        std::net::TcpStream::from(socket)
    };
    let hostile = Ipv4Addr::new(127, 80, 0, 66);
    let url = format!("http://{address}/");
    let (_held, mut over) = tokio::task::spawn_blocking(move || {
        let held: Vec<_> = (0..4).map(|_| connect(hostile)).collect();
        (held, connect(hostile))
    })
    .await
    .unwrap();
    // The one that is over its share is closed at once.
    let closed = tokio::task::spawn_blocking(move || over.read(&mut [0]));
    assert!(matches!(closed.await.unwrap(), Ok(0) | Err(_)));
    let client = crate::testing::client(Ipv4Addr::new(127, 80, 0, 10));
    let answer = client.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(answer, "here");
    shutdown.cancel();
}
