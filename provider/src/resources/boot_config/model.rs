//! What a boot config's attributes are, and how they become what is published.

use model::{BootConfigSpec, BootConfigState, BootMethod, BootPolicy, Payload, Secret};
use tfplugin::{Model, Timeouts, Value};

use crate::checks;

/// What a server boots: kernel and initial RAM disks, or an iPXE script, and the configuration of
/// the booted system. The agent fetches and verifies everything it names before it is `ready`, so
/// that a broken link is found here and not by a machine. An update is atomic: a server that is
/// booting keeps the revision it began with. One that is destroyed or replaced while claims use it
/// is kept for them by the agent, and goes with the last of them.
#[derive(Clone, Debug, Model)]
pub(crate) struct BootConfigModel {
    /// Its identity.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// How the firmware boots: `ipxe` (PXE, then iPXE) or `uefi_http` (UEFI HTTP boot, then iPXE).
    #[tf(check = checks::boot_method, default = "ipxe")]
    pub method: String,
    /// The kernel. Exactly one of `kernel` and `ipxe_script` is needed.
    pub kernel: Option<AssetModel>,
    /// The initial RAM disks, in order.
    pub initrds: Option<Vec<AssetModel>>,
    /// The kernel's arguments, in order. Each is a template.
    pub kernel_args: Option<Vec<String>>,
    /// An iPXE script of your own. It is a template: `{{ ignition_url }}`, `{{ report_url }}`,
    /// `{{ hostname }}` and the others of the guide to booting.
    pub ipxe_script: Option<String>,
    /// An Ignition config (JSON, spec 3.0 to 3.5), a template too. It is stored in the state; use
    /// `ignition_wo` if it holds secrets.
    #[tf(sensitive, same = checks::same_json)]
    pub ignition: Option<String>,
    /// Like `ignition`, but never stored in state or plan. Raise `ignition_wo_version` to publish
    /// a changed one.
    #[tf(sensitive, write_only)]
    pub ignition_wo: Option<String>,
    /// The version of `ignition_wo`.
    pub ignition_wo_version: Option<i64>,
    /// User data for systems that do not use Ignition, a template too. It is stored in the state;
    /// use `user_data_wo` if it holds secrets.
    #[tf(sensitive)]
    pub user_data: Option<String>,
    /// Like `user_data`, but never stored in state or plan. Raise `user_data_wo_version` to publish
    /// a changed one.
    #[tf(sensitive, write_only)]
    pub user_data_wo: Option<String>,
    /// The version of `user_data_wo`.
    pub user_data_wo_version: Option<i64>,
    /// What the user data is: `cloud_init`, or `raw` for anything else.
    #[tf(check = checks::user_data_format, default = "cloud_init")]
    pub user_data_format: String,
    /// What follows a boot: `once` (install, then the local disk, whatever the firmware's order)
    /// or `always` (diskless).
    #[tf(check = checks::boot_policy, default = "once")]
    pub boot_policy: String,
    /// Add a unit to the Ignition config that reports the boot to the agent. Without it, and
    /// without a report of your own to `{{ report_url }}`, no claim can wait for `booted`.
    #[tf(default = true)]
    pub report_boot: bool,
    /// What was published, as a short digest. It changes with every change.
    #[tf(computed)]
    pub revision: Option<String>,
    /// `ready`, `pending` or `error`.
    #[tf(computed)]
    pub state: Option<String>,
    /// How long its operations may take. Fetching its images is part of them.
    pub timeouts: Option<Timeouts>,
}

/// A file to boot, by where it is and what it must be.
#[derive(Clone, Debug, Model)]
pub(crate) struct AssetModel {
    /// Where the agent fetches it, `http` or `https`.
    #[tf(check = checks::http_url, same = checks::same_url)]
    pub url: String,
    /// SHA-256 of the whole file, as `sha256sum` prints it.
    #[tf(check = checks::sha256, same = checks::same_sha256)]
    pub sha256: String,
}

impl BootConfigModel {
    /// One of which nothing is known, with every default.
    pub(super) fn empty() -> Self {
        Self {
            id: None,
            method: "ipxe".to_owned(),
            kernel: None,
            initrds: None,
            kernel_args: None,
            ipxe_script: None,
            ignition: None,
            ignition_wo: None,
            ignition_wo_version: None,
            user_data: None,
            user_data_wo: None,
            user_data_wo_version: None,
            user_data_format: "cloud_init".to_owned(),
            boot_policy: "once".to_owned(),
            report_boot: true,
            revision: None,
            state: None,
            timeouts: None,
        }
    }

    /// What to publish. Write-only payloads are in the configuration alone.
    pub(super) fn spec(&self, config: &Value) -> BootConfigSpec {
        let payload = |plain: &Option<String>, write_only: &str| {
            let hidden = config.get(write_only).as_str();
            let plain = || {
                Some(Payload {
                    content: Secret::new(plain.clone()?),
                    write_only: false,
                })
            };
            hidden.map_or_else(plain, |text| {
                Some(Payload {
                    content: Secret::new(text),
                    write_only: true,
                })
            })
        };
        BootConfigSpec {
            method: match self.method.as_str() {
                "uefi_http" => BootMethod::UefiHttp,
                _ => BootMethod::Ipxe,
            },
            kernel: self.kernel.as_ref().map(AssetModel::to_model),
            initrds: self
                .initrds
                .iter()
                .flatten()
                .map(AssetModel::to_model)
                .collect(),
            kernel_args: self.kernel_args.clone().unwrap_or_default(),
            ipxe_script: self.ipxe_script.clone(),
            ignition: payload(&self.ignition, "ignition_wo"),
            user_data: payload(&self.user_data, "user_data_wo"),
            user_data_format: match self.user_data_format.as_str() {
                "raw" => model::UserDataFormat::Raw,
                _ => model::UserDataFormat::CloudInit,
            },
            boot_policy: match self.boot_policy.as_str() {
                "always" => BootPolicy::Always,
                _ => BootPolicy::Once,
            },
            report_boot: self.report_boot,
            payload_version: self.ignition_wo_version.or(self.user_data_wo_version),
        }
    }

    /// Takes over what the agent has.
    pub(super) fn adopt(&mut self, published: model::BootConfig) {
        let model::BootConfig {
            spec,
            revision,
            state,
            ..
        } = published;
        self.revision = Some(revision);
        self.state = Some(state_name(state).to_owned());
        self.method = match spec.method {
            BootMethod::Ipxe => "ipxe",
            BootMethod::UefiHttp => "uefi_http",
        }
        .to_owned();
        self.kernel = spec.kernel.map(AssetModel::from);
        let initrds = spec.initrds.into_iter().map(AssetModel::from).collect();
        self.initrds = unless_absent(initrds, self.initrds.as_deref());
        self.kernel_args = unless_absent(spec.kernel_args, self.kernel_args.as_deref());
        self.ipxe_script = spec.ipxe_script;
        let plain =
            |payload: &Payload| (!payload.write_only).then(|| payload.content.expose().to_owned());
        self.ignition = spec.ignition.as_ref().and_then(plain);
        self.user_data = spec.user_data.as_ref().and_then(plain);
        let hidden = |payload: &Option<Payload>| {
            payload
                .as_ref()
                .filter(|payload| payload.write_only)
                .and(spec.payload_version)
        };
        self.ignition_wo_version = hidden(&spec.ignition);
        self.user_data_wo_version = hidden(&spec.user_data);
        self.user_data_format = match spec.user_data_format {
            model::UserDataFormat::CloudInit => "cloud_init",
            model::UserDataFormat::Raw => "raw",
        }
        .to_owned();
        self.boot_policy = match spec.boot_policy {
            BootPolicy::Once => "once",
            BootPolicy::Always => "always",
        }
        .to_owned();
        self.report_boot = spec.report_boot;
    }
}

impl AssetModel {
    pub(super) fn to_model(&self) -> model::Asset {
        model::Asset {
            url: self.url.clone(),
            sha256: checks::hex_digits(&self.sha256),
        }
    }
}

impl From<model::Asset> for AssetModel {
    fn from(asset: model::Asset) -> Self {
        Self {
            url: asset.url,
            sha256: asset.sha256,
        }
    }
}

/// A list as the configuration has it: an empty one is absent, unless it was written as empty.
fn unless_absent<T>(list: Vec<T>, before: Option<&[T]>) -> Option<Vec<T>> {
    (!list.is_empty() || before.is_some_and(<[T]>::is_empty)).then_some(list)
}

/// The word for a published boot config's state.
pub(super) const fn state_name(state: BootConfigState) -> &'static str {
    match state {
        BootConfigState::Pending => "pending",
        BootConfigState::Ready => "ready",
        BootConfigState::Error => "error",
    }
}
