//! The ways in which BMCs depart from the standard, each by a name.
//!
//! A [`Quirk`] is one departure; the BMC of a machine has a set of them, [`Quirks`], which its
//! profile starts and which can be changed at any time.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// One way in which a BMC departs from the standard.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Quirk {
            $($(#[$doc])* $name,)*
        }

        impl Quirk {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its id, such as `needs-if-match`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }
        }
    };
}

quirks! {
    /// A login beyond the last session is refused with 503 and the maker's own message.
    SessionLimitAs503 = "session-limit-as-503",
    /// An action with `If-Match` is refused with 412.
    NoIfMatchOnActions = "no-if-match-on-actions",
    /// Writing the boot mode that is set already queues a job that costs a restart.
    ModeRewriteQueuesAJob = "mode-rewrite-queues-a-job",
    /// There is a settings object, and it takes no boot override.
    OverrideOnlyOnSystem = "override-only-on-system",
    /// The boot override is read-only on the system and taken by the settings object.
    OverrideOnlyInSettings = "override-only-in-settings",
    /// There is no `BootSourceOverrideMode`.
    NoModeProperty = "no-mode-property",
    /// There is no `HttpBootUri`.
    NoHttpBootUri = "no-http-boot-uri",
    /// A reset to the state the system is in is refused with 409 and the maker's own message.
    ConflictWhenAlreadyThere = "conflict-when-already-there",
    /// After a change of the boot override, the next two changes are refused: the BMC is busy.
    BusyAfterJob = "busy-after-job",
    /// A task answers 404 to the first two that ask for it.
    JobNotFoundAtFirst = "job-not-found-at-first",
    /// `SKU` is what is on the label, `SerialNumber` that of the board.
    SkuIsServiceTag = "sku-is-service-tag",
    /// Zero dates, objects for arrays, numbers as text.
    OddScalars = "odd-scalars",
    /// After three failed logins the BMC does not answer at all for as long as a lockout.
    AddressBlockAfterFailures = "address-block-after-failures",
    /// The MAC addresses of interfaces are empty texts.
    EmptyMacs = "empty-macs",
    /// What a boot override may be stands in the settings object alone.
    AllowablesInSettings = "allowables-in-settings",
    /// `If-Match: *` is refused with 412.
    RefusesStar = "refuses-star",
    /// The members of an expanded collection have no ETag.
    MembersWithoutEtag = "members-without-etag",
    /// Success is an `error` body with status 200.
    SuccessAsErrorBody = "success-as-error-body",
    /// The first two PATCHes, and the first two after each reset, are refused: the system is in its self test.
    BusyDuringPost = "busy-during-post",
    /// The two resets that follow a reset are refused as invalid for the state of the system.
    InvalidForStateAfterPower = "invalid-for-state-after-power",
    /// Disabling the override is refused when a target comes with it.
    DisableWithoutTarget = "disable-without-target",
    /// A connection that was used once is dropped at the next request.
    DropsUsedConnections = "drops-used-connections",
    /// Every third request is refused with 401 although its credentials are right.
    Intermittent401 = "intermittent-401",
    /// Messages are an id and arguments, without a text.
    MessagesWithoutText = "messages-without-text",
    /// The manager has no `PowerState`.
    ManagerWithoutPowerState = "manager-without-power-state",
    /// There is no `$expand`.
    ExpandUnsupported = "expand-unsupported",
    /// Documents lack most of what is optional, and some of what is not.
    SparseDocuments = "sparse-documents",
    /// The resets are `On`, `ForceOff` and the non-standard `Off`.
    ResetTypeOff = "reset-type-off",
    /// An override for every boot is not possible.
    NoContinuous = "no-continuous",
    /// A PATCH without `If-Match` is refused with 428.
    NeedsIfMatch = "needs-if-match",
    /// ETags are weak, and are taken without their `W/` alone.
    WeakEtag = "weak-etag",
    /// ETags end with `-gzip`, and are taken without it alone.
    GzipEtag = "gzip-etag",
    /// ETags are empty, and `If-Match` with one is refused.
    EmptyEtag = "empty-etag",
    /// ETags are quoted twice, and are taken quoted once.
    DoubleQuotedEtag = "double-quoted-etag",
    /// `If-Match` with the tag of the resource is refused, with `*` it is taken.
    RefusesOwnTag = "refuses-own-tag",
    /// `If-Match` is refused; the tag is taken as `@odata.etag` in the body.
    TagInBody = "tag-in-body",
    /// The system lists no interface; MAC addresses stand at the ports of the network adapters.
    MacsOnPortsOnly = "macs-on-ports-only",
    /// `ForceRestart` leaves the system hanging.
    ForceRestartHangs = "force-restart-hangs",
    /// The firmware is another maker's, and only `Oem` says so.
    BadgeOfAnotherMaker = "badge-of-another-maker",
    /// The members of an expanded collection have lost most properties.
    ExpandDropsProperties = "expand-drops-properties",
    /// There is a second system that is no server, and it comes first.
    ExtraSystems = "extra-systems",
    /// The root does not link to systems, managers and chassis.
    RootLinksMissing = "root-links-missing",
    /// A boot override without the boot mode is refused.
    ModeAlways = "mode-always",
    /// No boot mode is reported, and a PATCH with one is refused.
    ModeRejectedWhenNotReported = "mode-rejected-when-not-reported",
    /// The CD is called `UsbCd`.
    UsbCd = "usb-cd",
    /// The override to `Pxe` reads back as `UefiBootNext`.
    ReadsAsUefiBootNext = "reads-as-uefi-boot-next",
    /// Changes are accepted with 202 and nothing else.
    AcceptedWithoutTask = "accepted-without-task",
    /// The UUID of the system has its first three fields in the other byte order.
    UuidByteOrder = "uuid-byte-order",
    /// Serial number and SKU are blank or a placeholder.
    PlaceholderIdentity = "placeholder-identity",
    /// `BootOrder` shows what it was at first, whatever is written.
    BootOrderStale = "boot-order-stale",
    /// The resets stand in an `ActionInfo` resource.
    AllowablesInActionInfo = "allowables-in-action-info",
    /// The system takes a second to power on or off, and says so.
    TransitionalPowerStates = "transitional-power-states",
    /// A reset of the system ends all sessions.
    SessionsLostOnReset = "sessions-lost-on-reset",
    /// Empty collections have `null` for `Members`, and so have the interfaces.
    NullMembers = "null-members",
    /// The system does not link to interfaces.
    NoSystemNics = "no-system-nics",
    /// The serial number stands at the chassis alone.
    SerialOnChassis = "serial-on-chassis",
    /// An array of one is that one.
    ScalarForArray = "scalar-for-array",
    /// An unknown or expired session is answered with 404.
    RootMissingWhenExpired = "root-missing-when-expired",
    /// There is no session service.
    NoSessions = "no-sessions",
    /// Every override is for every boot.
    AlwaysContinuous = "always-continuous",
    /// What is not set is the text `None`.
    NoneAsText = "none-as-text",
    /// The memory of the system answers 404 and its storage 500.
    BrokenSubresources = "broken-subresources",
    /// The system takes a second to power on or off, and says nothing of it meanwhile.
    SlowPower = "slow-power",
    /// The system does not say who manages it.
    ManagedByMissing = "managed-by-missing",
    /// The system says under `Links.Managers` who manages it.
    LinksManagers = "links-managers",
    /// There is no `ForceRestart`.
    NoForceRestart = "no-force-restart",
    /// There is no `GracefulShutdown` and no `GracefulRestart`.
    NoGraceful = "no-graceful",
    /// There is no `PushPowerButton`.
    NoPushButton = "no-push-button",
    /// The manager's one reset is `GracefulRestart`.
    ManagerResetGracefulOnly = "manager-reset-graceful-only",
    /// The manager's one reset is `ForceRestart`.
    ManagerResetForceOnly = "manager-reset-force-only",
    /// The manager's reset lists no types.
    ManagerResetWithoutTypes = "manager-reset-without-types",
    /// Basic works, and a 401 does not offer it.
    UnadvertisedBasic = "unadvertised-basic",
    /// Basic does not work.
    BasicDisabled = "basic-disabled",
    /// A login answers without `Location`.
    NoLocationHeader = "no-location-header",
    /// `Location` is a whole URL with another host name.
    AbsoluteLocation = "absolute-location",
    /// The root is shown after login only.
    RootNeedsLogin = "root-needs-login",
    /// The root with a slash at its end redirects to the one without.
    RedirectingRoot = "redirecting-root",
    /// A login with the first password opens a session that may change it and nothing else.
    PasswordChangeRequiredSession = "password-change-required-session",
    /// With the first password everything but changing it is refused with 403.
    PasswordChangeRequired403 = "password-change-required-403",
    /// There is a fixed number of accounts; an unused one has no name.
    FixedAccountSlots = "fixed-account-slots",
    /// There is a settings object, and it knows nothing of booting.
    SettingsWithoutBoot = "settings-without-boot",
    /// A boot override is refused with 400, and made.
    OverrideRefusedButApplied = "override-refused-but-applied",
    /// A boot override is accepted, and not made.
    OverrideAcceptedButIgnored = "override-accepted-but-ignored",
    /// There is no `LocationIndicatorActive`.
    IndicatorLedOnly = "indicator-led-only",
    /// There is no `IndicatorLED`.
    LocationIndicatorOnly = "location-indicator-only",
    /// `IndicatorLED` is `Lit` while nobody asked for the light.
    LitIsNotIdentify = "lit-is-not-identify",
    /// The asset tag is read-only.
    AssetTagReadOnly = "asset-tag-read-only",
    /// A change is answered with plain text that claims to be JSON.
    TextBodyAsJson = "text-body-as-json",
    /// Errors are HTML pages.
    HtmlErrorBody = "html-error-body",
    /// Changes are tasks, and the body of the 202 is where the task is named.
    TaskInBody = "task-in-body",
    /// Changes are tasks, and `Location` of the 202 names the monitor.
    TaskInLocation = "task-in-location",
    /// Changes are tasks, and the monitor says when to ask again.
    TaskWithRetryAfter = "task-with-retry-after",
    /// `Accept-Encoding: identity` is refused with 406.
    IdentityEncodingRefused = "identity-encoding-refused",
}

impl Quirk {
    /// The quirk with this id, if there is one.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.as_str() == id)
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// There is no quirk with this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no quirk")]
pub struct UnknownQuirk(String);

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::from_id(id).ok_or_else(|| UnknownQuirk(id.to_owned()))
    }
}

impl Serialize for Quirk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Quirk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        id.parse().map_err(de::Error::custom)
    }
}

/// The quirks of one BMC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quirks(BTreeSet<Quirk>);

impl Quirks {
    /// Whether this is one of them.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// Whether one of these is one of them.
    pub fn has_any(&self, quirks: &[Quirk]) -> bool {
        quirks.iter().any(|&quirk| self.has(quirk))
    }

    /// Whether there is none: a BMC that keeps to the standard.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of [`Quirk::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Quirk> {
        self.0.iter().copied()
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(quirks.into_iter().collect())
    }
}

impl Extend<Quirk> for Quirks {
    fn extend<I: IntoIterator<Item = Quirk>>(&mut self, quirks: I) {
        self.0.extend(quirks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_names_one_quirk_and_nothing_else_does() {
        let ids: BTreeSet<&str> = Quirk::ALL.iter().map(|quirk| quirk.as_str()).collect();
        assert_eq!(ids.len(), Quirk::ALL.len());
        for &quirk in Quirk::ALL {
            assert_eq!(Quirk::from_id(quirk.as_str()), Some(quirk));
        }
        assert_eq!(
            "refuses-everything"
                .parse::<Quirk>()
                .unwrap_err()
                .to_string(),
            "\"refuses-everything\" is no quirk"
        );
    }
}
