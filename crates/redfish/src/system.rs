//! A computer system, as Redfish calls what is a server everywhere else here.

use std::cmp::Reverse;

use model::{PowerState, ServerId};
use serde_json::{Value, json};

use crate::{
    bmc::Bmc,
    boot::Boot,
    collection::{self, Expand},
    error::Error,
    lane::Lane,
    lenient::{Doc, open_enum, whole},
    patch,
    quirks::Hints,
    reply::Document,
    service_root::SYSTEMS,
};

open_enum! {
    /// The light by which one finds a server.
    pub enum IndicatorLed {
        /// On, without blinking.
        Lit = "Lit",
        /// Blinking.
        Blinking = "Blinking",
        /// Off.
        Off = "Off",
    }
}

impl IndicatorLed {
    /// Whether the light shows. Many BMCs cannot tell [`Self::Lit`] from [`Self::Blinking`].
    pub fn is_on(&self) -> bool {
        matches!(self, Self::Lit | Self::Blinking)
    }
}

/// A system, as far as the BMC describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct System {
    /// Its resource.
    pub uri: String,
    /// Its id on this BMC.
    pub id: Option<String>,
    /// Its UUID, unless that is a placeholder.
    pub uuid: Option<ServerId>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// Its stock keeping unit; some makers put the service tag here.
    pub sku: Option<String>,
    /// Its part number.
    pub part_number: Option<String>,
    /// The name that the operating system gave the BMC.
    pub host_name: Option<String>,
    /// The asset tag, empty if there is none. What people set is never a placeholder.
    pub asset_tag: Option<String>,
    /// The version of its BIOS or UEFI firmware.
    pub bios_version: Option<String>,
    /// Whether it is powered.
    pub power_state: Option<PowerState>,
    /// The power state as the BMC spells it.
    pub power_state_raw: Option<String>,
    /// The indicator light.
    pub indicator_led: Option<IndicatorLed>,
    /// Main memory.
    pub memory_mib: Option<u64>,
    /// Processor sockets in use.
    pub processor_count: Option<u64>,
    /// Cores, all sockets together.
    pub processor_cores: Option<u64>,
    /// The processors' model.
    pub processor_model: Option<String>,
    /// `OK`, `Warning` or `Critical`.
    pub health: Option<String>,
    /// What it boots next.
    pub boot: Boot,
    /// How far its start-up is, if the BMC sees that: `OSRunning` at the end.
    pub boot_progress: Option<String>,
    /// When it was last reset, as the BMC spells it.
    pub last_reset_time: Option<String>,
    /// The version of the resource.
    pub etag: Option<String>,
    /// The document itself.
    pub raw: Value,
}

impl System {
    pub(crate) fn read(uri: &str, document: Document) -> Self {
        let doc = document.doc();
        let processors = doc.get("ProcessorSummary");
        let status = doc.get("Status");
        let gib = doc.get("MemorySummary").number("TotalSystemMemoryGiB");
        let power = doc.word("PowerState");
        Self {
            uri: uri.to_owned(),
            id: doc.word("Id").map(str::to_owned),
            uuid: doc.word("UUID").and_then(|uuid| uuid.parse().ok()),
            manufacturer: doc.text("Manufacturer"),
            model: doc.text("Model"),
            serial_number: doc.text("SerialNumber"),
            sku: doc.text("SKU"),
            part_number: doc.text("PartNumber"),
            host_name: doc.text("HostName"),
            asset_tag: Some(doc.word("AssetTag").unwrap_or_default().to_owned()),
            bios_version: doc.text("BiosVersion"),
            power_state: power.and_then(power_state),
            power_state_raw: power.map(str::to_owned),
            indicator_led: indicator_led(doc),
            memory_mib: gib
                .and_then(|gib| whole(gib * 1024.0))
                .filter(|&mib| mib > 0),
            processor_count: processors.count("Count").filter(|&count| count > 0),
            processor_cores: processors.count("CoreCount").filter(|&count| count > 0),
            processor_model: processors.text("Model"),
            health: status
                .text("Health")
                .or_else(|| status.text("HealthRollup")),
            boot: Boot::read(doc.get("Boot")),
            boot_progress: doc.get("BootProgress").text("LastState"),
            last_reset_time: doc.text("LastResetTime"),
            etag: document.etag,
            raw: document.value,
        }
    }

    /// Whether this is a host that can be started and booted, and not a board of accelerators that
    /// the BMC lists beside it.
    pub fn is_host(&self) -> bool {
        let resets = self.doc().get("Actions").get("#ComputerSystem.Reset");
        resets.word("target").is_some()
            && (self.boot.target.is_some() || !self.boot.boot_order.is_empty())
    }

    pub(crate) const fn doc(&self) -> Doc<'_> {
        Doc::new(&self.raw)
    }

    /// Where changes go that wait for the next reset.
    pub(crate) fn settings_uri(&self) -> Option<String> {
        let settings = self.doc().get("@Redfish.Settings");
        settings
            .link("SettingsObject")
            .or_else(|| settings.as_link())
    }
}

impl Bmc {
    /// Reads the systems behind this BMC, hosts first.
    pub async fn systems(&self) -> Result<Vec<System>, Error> {
        let lane = self.inner.shared();
        let root = lane.root().await?;
        let path = root.systems.as_deref().unwrap_or(SYSTEMS);
        // Expanding saves one request and costs properties on firmware that does it badly.
        let members = collection::members(&lane, path, Expand::Never).await?;
        let read = |member: collection::Member| System::read(&member.uri, member.document);
        let mut systems: Vec<_> = members.into_iter().map(read).collect();
        systems.sort_by_key(|system| Reverse(system.is_host()));
        Ok(systems)
    }

    /// Reads one system.
    pub async fn system(&self, uri: &str) -> Result<System, Error> {
        let document = self.inner.shared().get(uri).await?;
        Ok(System::read(uri, document))
    }

    /// Sets the asset tag.
    pub async fn set_asset_tag(&self, uri: &str, tag: &str) -> Result<(), Error> {
        let tag = tag.trim();
        let is_set = |system: &System| system.asset_tag.as_deref().unwrap_or_default() == tag;
        let lane = self.inner.exclusive().await?;
        let system = System::read(uri, lane.get(uri).await?);
        if is_set(&system) {
            return Ok(());
        }
        change(&lane, &system, &json!({"AssetTag": tag}), is_set).await
    }

    /// Switches the indicator light. A BMC that knows only on and off takes [`IndicatorLed::Lit`]
    /// and [`IndicatorLed::Blinking`] for the same.
    pub async fn set_indicator_led(&self, uri: &str, led: IndicatorLed) -> Result<(), Error> {
        let is_set = |system: &System| {
            system
                .indicator_led
                .as_ref()
                .is_some_and(|seen| seen.is_on() == led.is_on())
        };
        let lane = self.inner.exclusive().await?;
        let system = System::read(uri, lane.get(uri).await?);
        let mut result = Err(Error::NotSupported {
            endpoint: self.endpoint().to_owned(),
            what: format!("an indicator light for {uri}"),
        });
        for body in indicator_bodies(system.doc(), &led) {
            result = change(&lane, &system, &body, is_set).await;
            let not_so = matches!(
                result,
                Err(Error::Rejected { status: 400, .. } | Error::NotSupported { .. })
            );
            if !not_so {
                break;
            }
        }
        result
    }
}

/// Changes a property. If the reply is lost, what the BMC shows decides whether it is sent again.
async fn change(
    lane: &Lane<'_>,
    system: &System,
    body: &Value,
    is_set: impl Fn(&System) -> bool,
) -> Result<(), Error> {
    let path = system.uri.as_str();
    let hints = Hints::of(&*lane.root().await?, Some(system));
    let mut etag = system.etag.clone();
    let mut lost = false;
    loop {
        let target = patch::Target {
            path,
            etag,
            hints: &hints,
        };
        let error = match patch::send(lane, target, body).await {
            Ok(_done) => return Ok(()),
            Err(error) if error.is_outcome_unknown() => error,
            Err(error) => return Err(error),
        };
        let seen = System::read(path, lane.get(path).await?);
        if is_set(&seen) {
            return Ok(());
        }
        if lost {
            return Err(error);
        }
        (lost, etag) = (true, seen.etag);
    }
}

/// What the LED shows. The newer property counts: some firmware leaves the older one at `Lit`.
fn indicator_led(doc: Doc<'_>) -> Option<IndicatorLed> {
    let old = doc.word("IndicatorLED").map(IndicatorLed::from);
    match doc.flag("LocationIndicatorActive") {
        Some(false) => Some(IndicatorLed::Off),
        Some(true) => Some(old.filter(IndicatorLed::is_on).unwrap_or(IndicatorLed::Lit)),
        None => old,
    }
}

/// What to send to switch the light, best first.
fn indicator_bodies(doc: Doc<'_>, led: &IndicatorLed) -> Vec<Value> {
    let mut bodies = Vec::new();
    if doc.has("LocationIndicatorActive") {
        bodies.push(json!({"LocationIndicatorActive": led.is_on()}));
    }
    if doc.has("IndicatorLED") {
        bodies.push(json!({"IndicatorLED": led.as_str()}));
        match led {
            IndicatorLed::Blinking => bodies.push(json!({"IndicatorLED": "Lit"})),
            IndicatorLed::Lit => bodies.push(json!({"IndicatorLED": "Blinking"})),
            IndicatorLed::Off | IndicatorLed::Other(_) => {}
        }
    }
    bodies
}

/// A power state by the BMC's word. One in the middle of a reset is about to be on.
pub(crate) fn power_state(word: &str) -> Option<PowerState> {
    const STATES: [(&str, PowerState); 6] = [
        ("On", PowerState::On),
        ("Off", PowerState::Off),
        ("PoweringOn", PowerState::PoweringOn),
        ("PoweringOff", PowerState::PoweringOff),
        ("Paused", PowerState::Paused),
        ("Reset", PowerState::PoweringOn),
    ];
    let known = STATES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|&(_, state)| state)
}
