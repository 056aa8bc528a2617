//! Tests of the DHCP service over loopback, with clients behind a relay.

use std::{collections::BTreeSet, time::Duration};

use model::{Boot, BootPolicy, Claim, ClaimPhase, MacAddr, ReservationSpec};
use netboot::dhcp::{
    RelayInformation, SubOption,
    options::{ARCHITECTURE, RELAY_INFORMATION, REQUESTED_ADDRESS, SERVER_ID, VENDOR_CLASS},
};
use serde::Serialize;
use tokio::{net::UdpSocket, task::JoinHandle, time::timeout};

use super::*;
use crate::{
    config::Subnet,
    fixture::{self, at, holder, mac, server_id, uuid},
    reservations,
    store::{Expect, Op, Table},
    subnets::Subnets,
};

const RELAY: Ipv4Addr = Ipv4Addr::new(127, 80, 0, 1);

/// Writes an armed claim of a server, with the address `mac(number)`, as far as DHCP and TFTP look.
pub(crate) fn plan(store: &Store, number: u8) {
    let boot = Boot {
        id: uuid(u128::from(number) + 1000),
        generation: 1,
        boot_config_id: uuid(8),
        revision: "0123456789ab".to_owned(),
        boot_policy: BootPolicy::Always,
        stages: Vec::new(),
        address: None,
    };
    let claim = Claim {
        uid: uuid(6),
        server_id: server_id(number),
        holder: holder("team"),
        run: uuid(5),
        claimed_at: at(0),
        phase: ClaimPhase::Reserved,
        boot_config_id: Some(uuid(8)),
        hostname: Some(format!("node-{number}")),
        boot: Some(boot),
        selector: None,
        trigger: None,
        boot_pending: false,
        recorded: false,
    };
    let id = server_id(number);
    put(store, Table::Macs, &mac(number).to_string(), &id);
    put(store, Table::Claims, &id.to_string(), &claim);
    let revision = format!("{}/0123456789ab", uuid(8));
    put(store, Table::Revisions, &revision, &fixture::script());
    assert!(boot::planned(store, mac(number)).unwrap().is_some());
}

fn put<T: Serialize>(store: &Store, table: Table, key: &str, value: &T) {
    let put = Op::put(table, key, value, Expect::Any).unwrap();
    store.commit(vec![put]).unwrap();
}

/// The stages of a server's boot and the address that is noted.
pub(crate) fn seen(store: &Store, number: u8) -> (Vec<Stage>, Option<Ipv4Addr>) {
    let planned = boot::planned(store, mac(number)).unwrap().unwrap();
    let stages = planned.boot.stages.iter().map(|seen| seen.stage).collect();
    (stages, planned.boot.address)
}

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn bind(config: &Config, store: &Store) -> Result<Server, Error> {
    parts(config, store).map(|(server, ..)| server)
}

fn parts(config: &Config, store: &Store) -> Result<(Server, Subnets, Endpoints), Error> {
    let settings = settings(config, "http://127.0.0.1:8080")?;
    let never = settings.own_addresses();
    let subnets = Subnets::open(&config.subnets, &never, store).unwrap();
    let endpoints = Endpoints::open(store).unwrap();
    let shared = Shared {
        leases: subnets.leases().clone(),
        endpoints: endpoints.clone(),
        store: store.clone(),
    };
    let server = Server::bind(config, settings, shared)?;
    Ok((server, subnets, endpoints))
}

fn start(store: &Store) -> Running {
    let mut config = Config::default();
    config.dhcp.listen = "127.0.0.1:0".parse().unwrap();
    let pool = "127.80.0.10-127.80.0.59".parse().unwrap();
    config.subnets = vec![Subnet::new("127.80.0.0/24".parse().unwrap(), vec![pool])];
    run(bind(&config, store).unwrap())
}

fn run(server: Server) -> Running {
    let address = server.local_addr();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(server.run(shutdown.clone()));
    Running {
        address,
        shutdown,
        task,
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

/// A relay on a port of its own, as RFC 8357 has it.
async fn relay(server: &Running) -> UdpSocket {
    let relay = UdpSocket::bind((RELAY, 0)).await.unwrap();
    relay.connect(server.address).await.unwrap();
    relay
}

fn relayed(message_type: MessageType, mac: MacAddr) -> Message {
    let mut message = Message::request(message_type, 7, mac);
    message.relay = RELAY;
    message.hops = 1;
    let information = RelayInformation::new([SubOption::SourcePort]);
    message.options.set(RELAY_INFORMATION, information);
    message
}

/// Asks until there is an answer of the kind that is wanted.
async fn exchange(relay: &UdpSocket, request: &Message, wanted: MessageType) -> Message {
    let mut buffer = [0; 1500];
    for _ in 0..50 {
        relay.send(&request.encode()).await.unwrap();
        let answer = timeout(Duration::from_millis(500), relay.recv(&mut buffer)).await;
        if let Ok(Ok(bytes)) = answer {
            let answer = Message::decode(&buffer[..bytes]).unwrap();
            if answer.message_type == wanted && answer.mac == request.mac {
                return answer;
            }
        }
    }
    panic!("no {wanted}");
}

async fn boot_up(relay: &UdpSocket, mac: MacAddr) -> Message {
    let discover = relayed(MessageType::Discover, mac);
    let offer = exchange(relay, &discover, MessageType::Offer).await;
    let mut request = relayed(MessageType::Request, mac);
    let server: Ipv4Addr = offer.options.get(SERVER_ID).unwrap();
    request.options.set(SERVER_ID, server);
    request.options.set(REQUESTED_ADDRESS, offer.your_address);
    exchange(relay, &request, MessageType::Ack).await
}

fn leased(store: &Store, address: Ipv4Addr) -> Option<MacAddr> {
    let lease = leases::server_at(store, address, Timestamp::now()).unwrap();
    lease.map(|lease| lease.mac)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_stored_and_its_stage_noted_when_the_client_has_its_answer() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    let server = start(&store);
    let relay = relay(&server).await;
    let ack = boot_up(&relay, mac(1)).await;
    let address = Ipv4Addr::new(127, 80, 0, 10);
    assert_eq!(ack.your_address, address);
    assert_eq!(leased(&store, address), Some(mac(1)));
    assert_eq!(seen(&store, 1), (vec![Stage::Dhcp], Some(address)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_agent_knows_the_leases_it_gave() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    plan(&store, 2);
    let server = start(&store);
    let first = boot_up(&relay(&server).await, mac(1)).await;
    server.stop().await;

    let server = start(&store);
    let relay = relay(&server).await;
    let other = boot_up(&relay, mac(2)).await;
    assert_ne!(other.your_address, first.your_address);
    let mut rebind = relayed(MessageType::Request, mac(1));
    rebind.client_address = first.your_address;
    let ack = exchange(&relay, &rebind, MessageType::Ack).await;
    assert_eq!(ack.your_address, first.your_address);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn released_and_declined_addresses_are_nobodys() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    let server = start(&store);
    let relay = relay(&server).await;
    let ack = boot_up(&relay, mac(1)).await;
    let address = ack.your_address;

    let mut release = relayed(MessageType::Release, mac(1));
    release.client_address = address;
    relay.send(&release.encode()).await.unwrap();
    // It has no answer of its own; the next request of the client is answered after it.
    let discover = relayed(MessageType::Discover, mac(1));
    let offer = exchange(&relay, &discover, MessageType::Offer).await;
    assert_eq!(leased(&store, address), None);
    assert_eq!(offer.your_address, address);

    boot_up(&relay, mac(1)).await;
    assert_eq!(leased(&store, address), Some(mac(1)));
    let mut decline = relayed(MessageType::Decline, mac(1));
    decline.options.set(REQUESTED_ADDRESS, address);
    decline.options.set(SERVER_ID, Ipv4Addr::LOCALHOST);
    relay.send(&decline.encode()).await.unwrap();
    let offer = exchange(&relay, &discover, MessageType::Offer).await;
    assert_eq!(leased(&store, address), None);
    assert_ne!(offer.your_address, address);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_answered_with_an_address_for_each() {
    let (_dir, store) = fixture::store();
    (1..=30).for_each(|number| plan(&store, number));
    let server = start(&store);
    let mut clients = JoinSet::new();
    for number in 1..=30 {
        let relay = relay(&server).await;
        clients.spawn(async move { boot_up(&relay, mac(number)).await.your_address });
    }
    let addresses: BTreeSet<Ipv4Addr> = clients.join_all().await.into_iter().collect();
    assert_eq!(addresses.len(), 30);
    assert!(
        addresses
            .iter()
            .all(|address| leased(&store, *address).is_some())
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_and_a_reservation_are_in_effect_without_a_restart_and_who_asked_is_known() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    let mut config = Config::default();
    config.dhcp.listen = "127.0.0.1:0".parse().unwrap();
    let (server, subnets, endpoints) = parts(&config, &store).unwrap();
    let server = run(server);
    let relay = relay(&server).await;
    let spec = Subnet::new("127.80.0.0/24".parse().unwrap(), Vec::new());
    subnets.put(&store, uuid(1), spec).unwrap();
    let address = Ipv4Addr::new(127, 80, 0, 222);
    let reservation = ReservationSpec {
        subnet_id: uuid(1),
        mac: mac(1),
        address,
        hostname: None,
    };
    reservations::put(&subnets, &store, uuid(2), reservation, Timestamp::now()).unwrap();
    assert_eq!(boot_up(&relay, mac(1)).await.your_address, address);
    let leased = subnets.leased(&store, Timestamp::now()).unwrap();
    assert_eq!(
        (leased[0].address, leased[0].server_id),
        (address, Some(server_id(1)))
    );
    let heard = endpoints.list();
    assert_eq!(
        (heard[0].mac, heard[0].address),
        (mac(1), Some(address)),
        "{heard:?}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_another_dhcp_server_its_lease_is_heard_and_port_4011_is_answered() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    let mut config = Config::default();
    config.dhcp.mode = DhcpMode::Proxy;
    config.dhcp.listen = "127.0.0.1:0".parse().unwrap();
    config.dhcp.pxe_listen = config.dhcp.listen;
    let server = bind(&config, &store).unwrap();
    let pxe = server.doors[1].socket.local_addr().unwrap();
    let server = run(server);
    let relay = relay(&server).await;
    let firmware = |message_type| {
        let mut message = relayed(message_type, mac(1));
        message.options.set(VENDOR_CLASS, "PXEClient:Arch:00007");
        message.options.set(ARCHITECTURE, vec![7]);
        message
    };
    let offer = exchange(&relay, &firmware(MessageType::Discover), MessageType::Offer).await;
    assert_eq!(offer.your_address, Ipv4Addr::UNSPECIFIED);
    assert_eq!(offer.file, "snponly.efi");

    // Meant for another server, and answered by that one alone.
    let mut request = firmware(MessageType::Request);
    request.options.set(SERVER_ID, Ipv4Addr::new(127, 80, 0, 2));
    request.options.set(REQUESTED_ADDRESS, RELAY);
    relay.send(&request.encode()).await.unwrap();
    let offer = exchange(&relay, &firmware(MessageType::Discover), MessageType::Offer).await;
    assert_eq!(offer.your_address, Ipv4Addr::UNSPECIFIED);
    assert_eq!(leased(&store, RELAY), Some(mac(1)));
    assert_eq!(seen(&store, 1), (vec![Stage::Dhcp], Some(RELAY)));

    // On the other port the sender is answered, whatever the fields say.
    let client = UdpSocket::bind((RELAY, 0)).await.unwrap();
    client.connect(pxe).await.unwrap();
    let mut request = Message::request(MessageType::Request, 9, mac(1));
    request.options = firmware(MessageType::Request).options;
    request.client_address = RELAY;
    let reply = exchange(&client, &request, MessageType::Ack).await;
    assert_eq!(
        (reply.file.as_str(), reply.client_address),
        ("snponly.efi", RELAY)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_dhcp_message_does_not_stop_the_service() {
    let (_dir, store) = fixture::store();
    plan(&store, 1);
    let server = start(&store);
    let relay = relay(&server).await;
    for garbage in [&[][..], &[0; 300], &[255; 4000]] {
        relay.send(garbage).await.unwrap();
    }
    let strange = relayed(MessageType::Discover, mac(9));
    relay.send(&strange.encode()).await.unwrap();
    boot_up(&relay, mac(1)).await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_bound_is_named() {
    let (_dir, store) = fixture::store();
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap();
    let mut config = Config::default();
    config.dhcp.listen = listen.to_string().parse().unwrap();
    let error = bind(&config, &store).unwrap_err();
    let expected = format!(
        "failed to bind the DHCP socket on {listen} (stop what has it, which `ss -lntup` shows, or \
         change dhcp.listen)"
    );
    assert_eq!(error.to_string(), expected);

    config.dhcp.listen = "127.0.0.1:0".parse().unwrap();
    config.dhcp.interface = Some("nonesuch0".to_owned());
    let error = bind(&config, &store).unwrap_err();
    assert!(matches!(
        error,
        Error::Bind { .. } | Error::Interface { .. }
    ));
}
