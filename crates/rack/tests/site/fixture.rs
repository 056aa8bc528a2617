//! A boot server for one rack, as small as it can be and still be one.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use netboot::{
    dhcp::{Message, MessageType, options},
    pxe::{Client, Stage},
};
use rack::{MachineHandle, Network, Rack, RackConfig, Timing};
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

/// How long a boot may take on a machine that compiles something else meanwhile.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What the site answers. Every part can be changed while it runs.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Whether DHCP answers at all.
    pub(crate) dhcp: bool,
    /// The boot file for firmware; iPXE gets the script's URL. Empty: none.
    pub(crate) loader: String,
    /// Whether the vendor class is given back.
    pub(crate) vendor_class: bool,
    /// Option 43 for firmware.
    pub(crate) vendor: Vec<u8>,
    /// The files that TFTP serves.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// What HTTP serves.
    pub(crate) pages: BTreeMap<String, Vec<u8>>,
    /// Every request that came, one line each.
    pub(crate) log: Vec<String>,
}

/// A site and its rack.
pub(crate) struct Site {
    pub(crate) rack: Rack,
    pub(crate) answers: Arc<Mutex<Answers>>,
    pub(crate) base: String,
    _tasks: JoinSet<()>,
}

impl Site {
    /// A site whose relay is at `relay`: tests that run at the same time need different ones, so
    /// that no machine of one takes the address of another's.
    pub(crate) async fn start(relay: Ipv4Addr, change: impl FnOnce(&mut RackConfig)) -> Self {
        let dhcp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let tftp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", http.local_addr().unwrap());
        let network = Network {
            dhcp_server: dhcp.local_addr().unwrap(),
            relay,
            tftp_port: tftp.local_addr().unwrap().port(),
        };
        let mut config = RackConfig::new("site", 2, network);
        config.power_delay = Duration::from_millis(5);
        config.timing = Timing {
            dhcp_retry: Duration::from_millis(500),
            tftp_retry: Duration::from_millis(500),
            http_timeout: Duration::from_secs(20),
            report_retry: Duration::from_millis(5),
        };
        change(&mut config);
        let rack = Rack::start(config).await.unwrap();
        let answers = Arc::new(Mutex::new(Answers {
            dhcp: true,
            loader: "snponly.efi".to_owned(),
            vendor_class: true,
            files: loaders(),
            ..Answers::default()
        }));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_dhcp(dhcp, base.clone(), Arc::clone(&answers)));
        tasks.spawn(serve_tftp(tftp, Arc::clone(&answers)));
        tasks.spawn(serve_http(http, Arc::clone(&answers)));
        Self {
            rack,
            answers,
            base,
            _tasks: tasks,
        }
    }

    pub(crate) fn machine(&self) -> &MachineHandle {
        &self.rack.machines()[0]
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// Serves a kernel, two initial RAM disks, and a script that boots them with `args`.
    pub(crate) async fn serve_system(&self, args: &str) {
        let base = &self.base;
        let script = format!(
            "#!ipxe\n\
             kernel {base}/vmlinuz?boot=1 {args} initrd=main\n\
             initrd --name main {base}/initrd?boot=1\n\
             boot\n"
        );
        let mut pages = BTreeMap::from([("/script".to_owned(), script.into_bytes())]);
        for (page, image) in [("/vmlinuz", "kernel"), ("/initrd", "initrd")] {
            let url = format!("{}/{image}", self.rack.images_url());
            let body = reqwest_plain().get(url).send().await.unwrap();
            pages.insert(page.to_owned(), body.bytes().await.unwrap().to_vec());
        }
        self.change(|answers| answers.pages.extend(pages));
    }

    pub(crate) fn serve_page(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.change(|answers| {
            answers.pages.insert(path.to_owned(), body.into());
        });
    }

    /// What the site was asked, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        self.answers.lock().unwrap().log.clone()
    }

    /// Sets the boot override for one boot and switches the machine on.
    pub(crate) async fn boot_once(&self, target: &str) {
        let body = json!({ "Boot": {
            "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": target,
        }});
        let system = "/redfish/v1/Systems/1";
        assert_eq!(self.redfish("PATCH", system, &body).await.0, 200);
        assert_eq!(self.reset("On").await, 204);
    }

    pub(crate) async fn reset(&self, reset: &str) -> u16 {
        let path = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
        let body = json!({ "ResetType": reset });
        self.redfish("POST", path, &body).await.0
    }

    /// One request to the first machine's BMC, over TLS.
    pub(crate) async fn redfish(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.machine().bmc_endpoint());
        let client = reqwest_tls(&self.rack);
        let mut request = client
            .request(method.parse().unwrap(), url)
            .header(AUTHORIZATION, "Basic YWRtaW46cmFjay1wYXNzd29yZA==");
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }
}

/// A client that trusts the rack's authority and nothing else.
pub(crate) fn reqwest_tls(rack: &Rack) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    let der = pem_to_der(rack.ca_pem());
    roots.add(der.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .build()
        .unwrap()
}

fn reqwest_plain() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .build()
        .unwrap()
}

fn pem_to_der(pem: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

fn loaders() -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    Rack::write_loaders(directory.path()).unwrap();
    let read = |path: &Path| std::fs::read(path).unwrap();
    std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                read(&entry.path()),
            )
        })
        .collect()
}

type Shared = Arc<Mutex<Answers>>;

async fn serve_dhcp(socket: UdpSocket, base: String, answers: Shared) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let request = Message::decode(&buffer[..length]).unwrap();
        let reply = offer(&request, from, &base, &mut answers.lock().unwrap());
        if let Some(reply) = reply {
            socket.send_to(&reply.encode(), from).await.unwrap();
        }
    }
}

/// The address is the relay's network with the machine's slot at the end.
fn offer(
    request: &Message,
    from: SocketAddr,
    base: &str,
    answers: &mut Answers,
) -> Option<Message> {
    let client = Client::of(request).unwrap();
    let information = request.options.get(options::RELAY_INFORMATION).unwrap();
    assert!(information.source_port());
    assert_eq!(from.ip(), request.relay);
    let class = request.options.get(options::VENDOR_CLASS).unwrap();
    answers.log.push(format!(
        "{} {} {class}",
        request.message_type,
        match client.stage {
            Stage::Firmware => "firmware",
            Stage::Ipxe => "ipxe",
        }
    ));
    if !answers.dhcp {
        return None;
    }
    let kind = match request.message_type {
        MessageType::Discover => MessageType::Offer,
        _ => MessageType::Ack,
    };
    let mut reply = request.reply(kind);
    let [a, b, c, _] = request.relay.octets();
    let slot = request.mac.octets()[5];
    reply.your_address = Ipv4Addr::new(a, b, c, 100 + slot);
    reply.next_server = Ipv4Addr::LOCALHOST;
    let options = &mut reply.options;
    options.set(options::SERVER_ID, Ipv4Addr::LOCALHOST);
    options.set(options::LEASE_TIME, 600_u32);
    options.set(options::SUBNET_MASK, Ipv4Addr::new(255, 255, 255, 0));
    if answers.vendor_class {
        let class = class.split(':').next().unwrap_or_default();
        options.set(options::VENDOR_CLASS, class);
    }
    if client.stage == Stage::Firmware && !answers.vendor.is_empty() {
        options.set(options::VENDOR_SPECIFIC, answers.vendor.clone());
    }
    let file = match client.stage {
        Stage::Ipxe => format!("{base}/script"),
        Stage::Firmware if client.http => format!("{base}/{}", answers.loader),
        Stage::Firmware => answers.loader.clone(),
    };
    if !answers.loader.is_empty() {
        options.set(options::BOOT_FILE, file);
    }
    Some(reply)
}

/// Good enough for a network that loses nothing: blocks in windows, one transfer at a time.
async fn serve_tftp(socket: UdpSocket, answers: Shared) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let request = &buffer[2..length];
        let parts: Vec<String> = request
            .split(|byte| *byte == 0)
            .map(|part| String::from_utf8(part.to_vec()).unwrap())
            .collect();
        let options: Vec<String> = parts[2..]
            .chunks_exact(2)
            .map(|pair| format!(" {}={}", pair[0], pair[1]))
            .collect();
        let file = {
            let mut answers = answers.lock().unwrap();
            let line = format!("TFTP {}{} from {}", parts[0], options.concat(), from.ip());
            answers.log.push(line);
            answers.files.get(&parts[0]).cloned()
        };
        let transfer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        transfer.connect(from).await.unwrap();
        let Some(file) = file else {
            transfer.send(b"\0\x05\0\x01no such file\0").await.unwrap();
            continue;
        };
        send_file(&transfer, &parts[2..], &file).await;
    }
}

async fn send_file(transfer: &UdpSocket, options: &[String], file: &[u8]) {
    let (mut block_size, mut window) = (512, 1);
    let mut granted = b"\0\x06".to_vec();
    for pair in options.chunks_exact(2) {
        let value = match pair[0].as_str() {
            "tsize" => file.len(),
            _ => pair[1].parse().unwrap(),
        };
        match pair[0].as_str() {
            "blksize" => block_size = value,
            "windowsize" => window = value,
            _ => {}
        }
        granted.extend(format!("{}\0{value}\0", pair[0]).bytes());
    }
    let mut answer = [0; 64];
    if !options.is_empty() {
        transfer.send(&granted).await.unwrap();
        let length = transfer.recv(&mut answer).await.unwrap();
        if answer[..length].starts_with(b"\0\x05") {
            return;
        }
    }
    let blocks: Vec<&[u8]> = file.chunks(block_size).collect();
    let end: &[&[u8]] = if file.len().is_multiple_of(block_size) {
        &[&[]]
    } else {
        &[]
    };
    let all: Vec<&[u8]> = blocks.into_iter().chain(end.iter().copied()).collect();
    for (index, chunk) in all.chunks(window).enumerate() {
        for (offset, data) in chunk.iter().enumerate() {
            let block = u16::try_from(index * window + offset + 1).unwrap();
            let packet = [b"\0\x03", &block.to_be_bytes()[..], data].concat();
            transfer.send(&packet).await.unwrap();
        }
        transfer.recv(&mut answer).await.unwrap();
    }
}

async fn serve_http(listener: TcpListener, answers: Shared) {
    while let Ok((stream, from)) = listener.accept().await {
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answers = Arc::clone(&answers);
                async move { answer_page(request, from, &answers).await }
            });
            let _ended = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer_page(
    request: Request<Incoming>,
    from: SocketAddr,
    answers: &Shared,
) -> Result<Response<Full<bytes::Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let _read = body.collect().await?;
    let mut answers = answers.lock().unwrap();
    let line = format!("{} {} from {}", head.method, head.uri, from.ip());
    answers.log.push(line);
    let mut response = Response::default();
    match answers.pages.get(head.uri.path()) {
        Some(page) => *response.body_mut() = Full::from(page.clone()),
        None => *response.status_mut() = hyper::StatusCode::NOT_FOUND,
    }
    Ok(response)
}
