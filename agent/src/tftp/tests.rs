//! Tests of TFTP over loopback.

use std::{fs, net::Ipv4Addr};

use tempfile::TempDir;
use tokio::{net::UdpSocket, task::JoinHandle, time::timeout};

use super::*;
use crate::{
    dhcp::tests::{plan, seen},
    fixture::{self, mac, server_id},
    leases::Lease,
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 80, 0, 10);

struct World {
    _dir: TempDir,
    loaders: TempDir,
    store: Store,
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// A running service, and server 1 that is planned and leased [`CLIENT`].
async fn world() -> World {
    let (dir, store) = fixture::store();
    plan(&store, 1);
    let lease = Lease {
        mac: mac(1),
        address: CLIENT,
        server_id: server_id(1),
        expires_at: Timestamp::MAX,
    };
    leases::insert(&store, &lease).unwrap();
    let loaders = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.tftp.listen = "127.0.0.1:0".parse().unwrap();
    config.tftp.loader_dir = loaders.path().to_owned();
    let server = Server::bind(&config, &store).await.unwrap();
    let address = server.local_addr();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(server.run(shutdown.clone()));
    World {
        _dir: dir,
        loaders,
        store,
        address,
        shutdown,
        task,
    }
}

/// A read request (RFC 1350 section 5) with a block size (RFC 2348).
fn read_request(file: &str, block_size: usize) -> Vec<u8> {
    format!("\0\u{1}{file}\0octet\0blksize\0{block_size}\0").into_bytes()
}

/// Fetches a file as firmware would, or says which error there was.
async fn fetch(world: &World, file: &str) -> Result<Vec<u8>, u8> {
    const BLOCK: usize = 1024;
    let socket = UdpSocket::bind((CLIENT, 0)).await.unwrap();
    let request = read_request(file, BLOCK);
    socket.send_to(&request, world.address).await.unwrap();
    let mut content = Vec::new();
    let mut packet = [0; BLOCK + 4];
    loop {
        let receive = socket.recv_from(&mut packet);
        let (bytes, peer) = timeout(Duration::from_secs(5), receive)
            .await
            .unwrap()
            .unwrap();
        let acknowledge = match packet[1] {
            3 => [0, 4, packet[2], packet[3]],
            5 => return Err(packet[3]),
            6 => [0, 4, 0, 0],
            other => panic!("packet {other}"),
        };
        socket.send_to(&acknowledge, peer).await.unwrap();
        if packet[1] == 3 {
            content.extend_from_slice(&packet[4..bytes]);
            if bytes < BLOCK + 4 {
                return Ok(content);
            }
        }
    }
}

impl World {
    /// Waits until a stage is noted. It is noted beside the transfer, not in it.
    async fn noted(&self) -> (Vec<Stage>, Option<Ipv4Addr>) {
        for _ in 0..100 {
            let seen = seen(&self.store, 1);
            if !seen.0.is_empty() {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing noted");
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_over_and_over_keeps_no_other_from_its_loader() {
    let world = world().await;
    fs::write(world.loaders.path().join("ipxe.efi"), "loader").unwrap();
    let hostile = Ipv4Addr::new(127, 80, 0, 66);
    let mut refused = 0;
    let mut sockets = Vec::new();
    for _ in 0..TRANSFERS_EACH + 8 {
        let socket = UdpSocket::bind((hostile, 0)).await.unwrap();
        let request = read_request("ipxe.efi", 65464);
        socket.send_to(&request, world.address).await.unwrap();
        let mut packet = [0; 100];
        let receive = socket.recv(&mut packet);
        let bytes = timeout(Duration::from_secs(5), receive).await.unwrap();
        match &packet[..bytes.unwrap()] {
            // It is told a smaller block.
            [0, 6, options @ ..] => assert!(options.starts_with(b"blksize\x001468\0")),
            packet => {
                assert_eq!(packet, b"\0\x05\0\0too many transfers\0");
                refused += 1;
            }
        }
        sockets.push(socket);
    }
    assert_eq!(refused, 8);
    assert_eq!(fetch(&world, "ipxe.efi").await, Ok(b"loader".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loader_arrives_whole_and_its_stage_is_noted() {
    let world = world().await;
    let content: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    fs::write(world.loaders.path().join("snponly.efi"), &content).unwrap();
    let fetched = fetch(&world, "snponly.efi").await;
    assert!(fetched == Ok(content), "content differs");
    assert_eq!(world.noted().await, (vec![Stage::Loader], Some(CLIENT)));
    // A file of whole blocks ends with an empty one; a new one is served in place of an old one.
    for content in [vec![7; 4096], Vec::new()] {
        fs::write(world.loaders.path().join("snponly.efi"), &content).unwrap();
        assert_eq!(fetch(&world, "/snponly.efi").await, Ok(content));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_loader_is_not_found() {
    let world = world().await;
    let dir = world.loaders.path();
    fs::write(dir.join(".hidden"), "secret").unwrap();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::write(dir.join("sub/file"), "secret").unwrap();
    for file in [
        "missing.efi",
        "sub",
        "sub/file",
        ".hidden",
        "../store",
        "/etc/passwd",
        "//etc/passwd",
        "..",
        "/",
        "",
    ] {
        assert_eq!(fetch(&world, file).await, Err(1), "{file}");
    }
    assert_eq!(seen(&world.store, 1).0, []);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written() {
    let world = world().await;
    let socket = UdpSocket::bind((CLIENT, 0)).await.unwrap();
    let request = b"\0\x02new.efi\0octet\0";
    socket.send_to(request, world.address).await.unwrap();
    let mut packet = [0; 100];
    let (bytes, _) = timeout(Duration::from_secs(5), socket.recv_from(&mut packet))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(packet[..4], [0, 5, 0, 2], "{:?}", &packet[..bytes]);
    assert_eq!(fs::read_dir(world.loaders.path()).unwrap().count(), 0);
    world.stop().await;
}

#[test]
fn a_name_is_one_plain_component() {
    let check = |path: &str, expected: Option<&str>| {
        assert_eq!(file_name(Path::new(path)), expected, "{path}");
    };
    check("snponly.efi", Some("snponly.efi"));
    check("/snponly.efi", Some("snponly.efi"));
    check("./snponly.efi", Some("snponly.efi"));
    check("a/b", None);
    check("../a", None);
    check("a/..", None);
    check("..", None);
    check(".a", None);
    check("", None);
}
