//! Boots that go wrong, the site's fault or the machine's, and what the console says then.

use std::{net::Ipv4Addr, time::Duration};

use rack::{Faults, MachineHandle, Phase, Snapshot};

use super::fixture::{LONG, Site};

#[track_caller]
fn shows(machine: &MachineHandle, text: &str) {
    let console = machine.console();
    let found = console.iter().any(|line| line.contains(text));
    assert!(found, "{text:?} is not on the console: {console:#?}");
}

async fn gives_up(site: &Site) {
    let stuck = |seen: &Snapshot| seen.phase == Phase::NoBootDevice;
    site.machine().wait_until(LONG, stuck).await.unwrap();
}

async fn stops(site: &Site) {
    let stopped = |seen: &Snapshot| seen.phase == Phase::Stopped;
    site.machine().wait_until(LONG, stopped).await.unwrap();
}

/// A site whose firmware is not patient.
async fn hasty(net: u8) -> Site {
    let site = Site::start(Ipv4Addr::new(127, 83, net, 1), |config| {
        config.timing.dhcp_retry = Duration::from_millis(20);
    });
    site.await
}

#[tokio::test]
async fn without_an_offer_the_firmware_asks_four_times_and_goes_on() {
    let site = hasty(1).await;
    site.change(|answers| answers.dhcp = false);
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    shows(site.machine(), "PXE-E18: no DHCP offer in 4 tries");
    shows(site.machine(), "Disk: no operating system");
    assert_eq!(site.log().len(), 4);
}

#[tokio::test]
async fn an_offer_that_firmware_cannot_boot_from_is_none() {
    let site = hasty(2).await;
    site.change(|answers| answers.loader.clear());
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    shows(
        site.machine(),
        "PXE-E16: no usable DHCP offer in 4 tries, the last one had no boot file",
    );
    site.change(|answers| {
        answers.loader = "snponly.efi".to_owned();
        answers.vendor_class = false;
    });
    site.machine().force_power_off();
    site.boot_once("UefiHttp").await;
    gives_up(&site).await;
    shows(site.machine(), "another vendor class than HTTPClient");
}

#[tokio::test]
async fn a_missing_or_damaged_loader_is_not_run() {
    let site = Site::start(Ipv4Addr::new(127, 83, 3, 1), |_as_it_is| {}).await;
    site.change(|answers| {
        answers.files.remove("snponly.efi");
    });
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    shows(
        site.machine(),
        "PXE-E23: TFTP error 1 from the server: no such file",
    );
    for (file, message) in [
        (
            b"<html>not a loader, but a page about one</html>".to_vec(),
            "no EFI application",
        ),
        (flipped(&site), "damaged: its digest does not match"),
    ] {
        site.change(|answers| {
            answers.files.insert("snponly.efi".to_owned(), file);
        });
        site.machine().force_power_off();
        site.boot_once("Pxe").await;
        gives_up(&site).await;
        shows(site.machine(), message);
    }
    site.change(|answers| answers.loader = "snponly-arm64.efi".to_owned());
    site.machine().force_power_off();
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    shows(site.machine(), "machine type 0xaa64, expected 0x8664");
}

fn flipped(site: &Site) -> Vec<u8> {
    let mut loader = site.answers.lock().unwrap().files["ipxe.efi"].clone();
    loader[5000] ^= 1;
    loader
}

#[tokio::test]
async fn a_script_or_image_that_is_missing_leaves_ipxe() {
    let site = Site::start(Ipv4Addr::new(127, 83, 4, 1), |_as_it_is| {}).await;
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    let missing = "/script... No such file or directory (http://ipxe.org/2d0c618e)";
    shows(site.machine(), missing);
    shows(site.machine(), "iPXE was left with code 1");
    site.serve_page("/script", "#!ipxe\nimgverify x\n");
    site.machine().force_power_off();
    site.boot_once("Pxe").await;
    gives_up(&site).await;
    shows(site.machine(), "imgverify: command not found");
}

#[tokio::test]
async fn a_kernel_that_names_a_missing_initrd_or_gets_no_config_stops() {
    let site = Site::start(Ipv4Addr::new(127, 83, 5, 1), |_as_it_is| {}).await;
    let base = site.base.clone();
    site.serve_system("initrd=other").await;
    site.boot_once("Pxe").await;
    stops(&site).await;
    shows(site.machine(), "EFI stub: ERROR: failed to open file other");
    let args = format!("ignition.firstboot ignition.config.url={base}/ignition/used");
    site.serve_system(&args).await;
    for (body, message) in [
        (None, "Ignition: failed to fetch config: status 404"),
        (
            Some("{}"),
            "Ignition: the Ignition config has no ignition.version",
        ),
    ] {
        if let Some(body) = body {
            site.serve_page("/ignition/used", body);
        }
        site.machine().force_power_off();
        site.boot_once("Pxe").await;
        stops(&site).await;
        shows(site.machine(), message);
    }
    assert_eq!(site.machine().installs(), 0);
}

#[tokio::test]
async fn a_report_is_sent_again_until_it_is_accepted() {
    let site = Site::start(Ipv4Addr::new(127, 83, 6, 1), |_as_it_is| {}).await;
    let base = site.base.clone();
    site.serve_system(&format!("baremetal.config_url={base}/config"))
        .await;
    site.serve_page("/config", format!("report to {base}/bootstate/late"));
    site.boot_once("Pxe").await;
    let machine = site.machine();
    let refused = |seen: &Snapshot| {
        let mut lines = seen.console.iter();
        lines.any(|line| line.text == "the report failed: 404 Not Found")
    };
    machine.wait_until(LONG, refused).await.unwrap();
    site.serve_page("/bootstate/late", "");
    machine
        .wait_until(LONG, |seen| seen.reports == 1)
        .await
        .unwrap();
}

/// A fault, the phase it ends in, and what the console says then.
fn table() -> [(Faults, Phase, &'static str); 6] {
    let one = |set: fn(&mut Faults)| {
        let mut faults = Faults::default();
        set(&mut faults);
        faults
    };
    let (stuck, stopped) = (Phase::NoBootDevice, Phase::Stopped);
    [
        (one(|f| f.no_dhcp = true), stuck, "PXE-E12"),
        (one(|f| f.ignore_override = true), stuck, "did not look"),
        (one(|f| f.stop_after_loader = true), stopped, "initialising"),
        (
            one(|f| f.stop_after_script = true),
            stopped,
            "/script... ok",
        ),
        (
            one(|f| f.kernel_without_config = true),
            stopped,
            "hangs before",
        ),
        (
            one(|f| f.no_report = true),
            Phase::Running,
            "does not report",
        ),
    ]
}

#[tokio::test]
async fn each_fault_stops_the_boot_where_it_says() {
    let site = Site::start(Ipv4Addr::new(127, 83, 7, 1), |_as_it_is| {}).await;
    let base = site.base.clone();
    site.serve_system(&format!("baremetal.config_url={base}/config"))
        .await;
    site.serve_page("/config", format!("{base}/bootstate/t"));
    site.serve_page("/bootstate/t", "");
    let machine = site.machine();
    for (faults, phase, text) in table() {
        machine.set_faults(faults);
        site.boot_once("Pxe").await;
        let seen = machine.wait_until(LONG, |seen| {
            seen.phase == phase && seen.console.iter().any(|line| line.text.contains(text))
        });
        seen.await.unwrap();
        machine.force_power_off();
    }
    assert_eq!((machine.installs(), machine.snapshot().reports), (1, 0));
}

#[tokio::test]
async fn pulling_the_plug_in_the_middle_of_a_boot_stops_it_there() {
    let site = Site::start(Ipv4Addr::new(127, 83, 8, 1), |_as_it_is| {}).await;
    site.change(|answers| answers.dhcp = false);
    site.boot_once("Pxe").await;
    let machine = site.machine();
    let asks = |seen: &Snapshot| {
        let mut lines = seen.console.iter();
        lines.any(|line| line.text.contains(">>Start PXE"))
    };
    machine.wait_until(LONG, asks).await.unwrap();
    machine.force_power_off();
    assert_eq!(machine.snapshot().phase, Phase::Off);
    // The next boot is a new one, with an override of its own.
    site.change(|answers| answers.dhcp = true);
    site.serve_system("quiet").await;
    site.boot_once("Pxe").await;
    let running = |seen: &Snapshot| seen.phase == Phase::Running;
    assert_eq!(machine.wait_until(LONG, running).await.unwrap().boots, 2);
}

#[tokio::test]
async fn a_machine_that_does_not_get_there_says_where_it_is() {
    let site = Site::start(Ipv4Addr::new(127, 83, 9, 1), |_as_it_is| {}).await;
    let never = site
        .machine()
        .wait_until(Duration::ZERO, |_seen| false)
        .await;
    let error = never.unwrap_err().to_string();
    assert!(
        error.starts_with("machine site-m1 is in phase Off after 0ns"),
        "{error}"
    );
}
