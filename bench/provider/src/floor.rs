//! The floor: a provider whose one resource has the schema and the state of a server, and whose
//! reads do nothing but wait for as long as a BMC takes to answer.
//!
//! It can have the simulated BMCs work meanwhile, as much as they do for a real read: they are on the
//! same machine, and what they take of it is no cost of the provider.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, UdpSocket},
    time::Duration,
};

use tfplugin::{
    CancellationToken, Context, Diagnostic, Failed, Model, Parts, Provider, Resource, async_trait,
};

/// The provider `floor`.
pub(crate) struct Floor;

/// How to wait, and whom to tell.
#[derive(Model)]
pub(crate) struct Config {
    /// How long a read takes.
    pub latency_ms: i64,
    /// The UDP port at which a datagram has the simulated BMCs work.
    pub work_port: Option<i64>,
}

/// A connection.
#[derive(Clone, Debug, Model)]
pub(crate) struct Connection {
    /// An origin.
    pub endpoint: String,
    /// A name.
    pub credentials: String,
    /// A certificate.
    pub ca_pem: Option<String>,
    /// A pin.
    pub fingerprint_sha256: Option<String>,
    /// A flag.
    pub insecure: Option<bool>,
}

/// As many attributes of the same kinds as a server has.
#[derive(Clone, Debug, Model)]
pub(crate) struct Node {
    /// The id.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// The connection.
    pub bmc: Connection,
    /// A UUID.
    #[tf(optional, computed, keep, replace)]
    pub system_uuid: Option<String>,
    /// A path.
    #[tf(optional, computed, keep)]
    pub system_uri: Option<String>,
    /// A list.
    #[tf(optional, computed, keep)]
    pub boot_mac_addresses: Option<Vec<String>>,
    /// A map.
    pub labels: Option<BTreeMap<String, String>>,
    /// A flag.
    #[tf(default = false)]
    pub unclaimable: bool,
    /// A word.
    pub power: Option<String>,
    /// A word.
    #[tf(optional, computed, keep)]
    pub asset_tag: Option<String>,
    /// A word.
    #[tf(optional, computed, keep)]
    pub indicator_led: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub manufacturer: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub model: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub serial_number: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub sku: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub bios_version: Option<String>,
    /// An object.
    #[tf(computed, keep)]
    pub processors: Option<Processors>,
    /// A number.
    #[tf(computed, keep)]
    pub memory_mib: Option<i64>,
    /// A list of objects.
    #[tf(computed, keep)]
    pub network_interfaces: Option<Vec<Interface>>,
    /// A word.
    #[tf(computed, keep)]
    pub health: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub power_state: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub state: Option<String>,
    /// A word.
    #[tf(computed, keep)]
    pub claim: Option<String>,
    /// Timeouts.
    pub timeouts: Option<tfplugin::Timeouts>,
}

/// Processors.
#[derive(Clone, Debug, Model)]
pub(crate) struct Processors {
    /// A number.
    #[tf(computed)]
    pub count: Option<i64>,
    /// A number.
    #[tf(computed)]
    pub cores: Option<i64>,
    /// A word.
    #[tf(computed)]
    pub model: Option<String>,
}

/// An interface.
#[derive(Clone, Debug, Model)]
pub(crate) struct Interface {
    /// A word.
    #[tf(computed)]
    pub id: Option<String>,
    /// A word.
    #[tf(computed)]
    pub mac_address: Option<String>,
    /// A number.
    #[tf(computed)]
    pub speed_mbps: Option<i64>,
    /// A word.
    #[tf(computed)]
    pub link_status: Option<String>,
}

/// What a read does.
pub(crate) struct Waits {
    latency: Duration,
    work: Option<UdpSocket>,
}

impl Waits {
    async fn read(&self) {
        tokio::time::sleep(self.latency).await;
        if let Some(work) = &self.work {
            let _lost_is_less_work = work.send(b"work");
        }
    }
}

#[async_trait]
impl Provider for Floor {
    type Config = Config;
    type Client = Waits;
    const NAME: &'static str = "floor";
    const ADDRESS: &'static str = "registry.terraform.io/terraform-baremetal/floor";

    async fn configure(&self, config: Config, _: CancellationToken) -> Result<Waits, Diagnostic> {
        let port = config.work_port.and_then(|port| u16::try_from(port).ok());
        let work = port.map(|port| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect((Ipv4Addr::LOCALHOST, port))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        let failed = |error: std::io::Error| Diagnostic::error("No socket", error.to_string());
        Ok(Waits {
            latency: Duration::from_millis(config.latency_ms.unsigned_abs()),
            work: work.transpose().map_err(failed)?,
        })
    }

    fn parts(&self, parts: &mut Parts<Waits>) {
        parts.resource(Server);
    }
}

/// The resource `floor_server`.
struct Server;

#[async_trait]
impl Resource<Waits> for Server {
    type Model = Node;
    const NAME: &'static str = "server";

    async fn create(&self, cx: &mut Context<Waits>, mut plan: Node) -> Result<Node, Failed<Node>> {
        cx.client.read().await;
        fill(&mut plan);
        Ok(plan)
    }

    async fn read(&self, cx: &mut Context<Waits>, state: Node) -> Result<Option<Node>, Diagnostic> {
        cx.client.read().await;
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Waits>,
        _prior: Node,
        plan: Node,
    ) -> Result<Node, Failed<Node>> {
        self.create(cx, plan).await
    }

    async fn delete(&self, _: &mut Context<Waits>, _: Node) -> Result<(), Diagnostic> {
        Ok(())
    }
}

/// What a simulated BMC says, in the same number of bytes.
fn fill(node: &mut Node) {
    let text = |text: &str| Some(text.to_owned());
    node.id = text("4c4c4544-0042-3510-8057-b7c04f4b4d32");
    node.system_uuid.clone_from(&node.id);
    node.system_uri = text("/redfish/v1/Systems/1");
    let macs = ["02:4c:42:00:00:01", "02:4c:43:01:00:01"];
    node.boot_mac_addresses = Some(macs.map(str::to_owned).to_vec());
    node.asset_tag = text("");
    node.indicator_led = text("Off");
    node.manufacturer = text("Contoso");
    node.model = text("Simulated 1U");
    node.serial_number = text("RK0102030001");
    node.sku = text("Simulated-1U-SKU");
    node.bios_version = text("2.4.1");
    node.processors = Some(Processors {
        count: Some(2),
        cores: Some(32),
        model: text("Simulated CPU"),
    });
    node.memory_mib = Some(65_536);
    let interface = |mac: &str| Interface {
        id: text("NIC.1"),
        mac_address: text(mac),
        speed_mbps: Some(25_000),
        link_status: text("LinkUp"),
    };
    node.network_interfaces = Some(macs.map(interface).to_vec());
    node.health = text("OK");
    node.power_state = text("Off");
}
