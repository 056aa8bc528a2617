//! Whole boots, from power on to the report.

use std::net::Ipv4Addr;

use model::{Architecture, PowerState};
use rack::{BootOrder, Phase, Snapshot};
use serde_json::{Value, json};

use super::fixture::{LONG, Site};

fn ignition(report: Option<&str>) -> String {
    let mut config = model::ignition::parse(r#"{"ignition":{"version":"3.4.0"}}"#).unwrap();
    if let Some(url) = report {
        model::ignition::add_report(&mut config, url);
    }
    serde_json::to_string(&config).unwrap()
}

async fn serve_ignition(site: &Site) {
    let base = site.base.clone();
    let args = format!(
        "console=ttyS0 ignition.firstboot ignition.platform.id=metal \
         ignition.config.url={base}/ignition/token"
    );
    site.serve_system(&args).await;
    let report = format!("{base}/bootstate/report");
    site.serve_page("/ignition/token", ignition(Some(&report)));
    site.serve_page("/bootstate/report", "");
}

fn reported(seen: &Snapshot) -> bool {
    seen.reports > 0
}

#[tokio::test]
async fn a_uefi_machine_installs_over_pxe_and_boots_its_disk_afterwards() {
    let site = Site::start(Ipv4Addr::new(127, 82, 1, 1), |_as_it_is| {}).await;
    serve_ignition(&site).await;
    site.boot_once("Pxe").await;
    let machine = site.machine();
    let seen = machine.wait_until(LONG, reported).await.unwrap();
    assert_eq!(
        site.log(),
        [
            "DHCPDISCOVER firmware PXEClient:Arch:00007:UNDI:003016",
            "DHCPREQUEST firmware PXEClient:Arch:00007:UNDI:003016",
            "TFTP snponly.efi tsize=0 blksize=1468 windowsize=4 from 127.82.1.101",
            "TFTP snponly.efi blksize=1468 windowsize=4 from 127.82.1.101",
            "TFTP autoexec.ipxe tsize=0 blksize=1432 from 127.82.1.101",
            "DHCPDISCOVER ipxe PXEClient:Arch:00007:UNDI:003010",
            "DHCPREQUEST ipxe PXEClient:Arch:00007:UNDI:003010",
            "GET /script from 127.82.1.101",
            "GET /vmlinuz?boot=1 from 127.82.1.101",
            "GET /initrd?boot=1 from 127.82.1.101",
            "GET /ignition/token from 127.82.1.101",
            "POST /bootstate/report from 127.82.1.101",
        ]
    );
    let (kernel, initrd) = site.rack.images();
    assert_eq!(seen.kernel_sha256.as_deref(), Some(kernel));
    assert_eq!(seen.initrd_sha256, [initrd]);
    assert_eq!((seen.installs, seen.boots, seen.netboots), (1, 1, 1));
    assert_eq!(seen.address, Some(Ipv4Addr::new(127, 82, 1, 101)));
    let report = format!("{}/bootstate/report", site.base);
    assert_eq!(
        machine.config().unwrap(),
        ignition(Some(&report)).into_bytes()
    );
    let (_, system) = site
        .redfish("GET", "/redfish/v1/Systems/1", &Value::Null)
        .await;
    assert_eq!(system["BootProgress"]["LastState"], "OSRunning");
    assert_eq!(system["Boot"]["BootSourceOverrideEnabled"], "Disabled");

    assert_eq!(site.reset("GracefulRestart").await, 204);
    let again = |seen: &Snapshot| seen.boots == 2 && seen.phase == Phase::Running;
    let seen = machine.wait_until(LONG, again).await.unwrap();
    assert_eq!((seen.installs, seen.netboots, site.log().len()), (1, 1, 12));
    assert_eq!(site.reset("GracefulShutdown").await, 204);
    let off = |seen: &Snapshot| seen.power_state == PowerState::Off;
    machine.wait_until(LONG, off).await.unwrap();
}

#[tokio::test]
async fn every_firmware_asks_in_its_own_way_and_boots_its_own_loader() {
    for (net, architecture, loader, target, first) in [
        (
            2,
            Architecture::X86Bios,
            "undionly.kpxe",
            "Pxe",
            "PXEClient:Arch:00000",
        ),
        (
            3,
            Architecture::Arm64Uefi,
            "snponly-arm64.efi",
            "Pxe",
            "PXEClient:Arch:00011",
        ),
        (
            4,
            Architecture::X64Uefi,
            "snponly.efi",
            "UefiHttp",
            "HTTPClient:Arch:00016",
        ),
    ] {
        let relay = Ipv4Addr::new(127, 82, net, 1);
        let site = Site::start(relay, |config| {
            config.machines[0].architecture = architecture;
        })
        .await;
        serve_ignition(&site).await;
        site.change(|answers| answers.loader = loader.to_owned());
        let bytes = site.answers.lock().unwrap().files[loader].clone();
        site.serve_page(&format!("/{loader}"), bytes);
        site.boot_once(target).await;
        site.machine().wait_until(LONG, reported).await.unwrap();
        let log = site.log();
        assert_eq!(log[0], format!("DHCPDISCOVER firmware {first}:UNDI:003016"));
        let loads = log.iter().filter(|line| line.contains(loader)).count();
        let head = log.iter().any(|line| line.starts_with("HEAD /snponly.efi"));
        assert_eq!(
            (loads, head),
            match target {
                "UefiHttp" => (2, true),
                _ if architecture == Architecture::X86Bios => (1, false),
                _ => (2, false),
            }
        );
    }
}

#[tokio::test]
async fn a_url_that_the_bmc_was_given_is_booted_over_http() {
    let site = Site::start(Ipv4Addr::new(127, 82, 5, 1), |_as_it_is| {}).await;
    serve_ignition(&site).await;
    let bytes = site.answers.lock().unwrap().files["snponly.efi"].clone();
    site.serve_page("/given/loader.efi", bytes);
    let url = format!("{}/given/loader.efi", site.base);
    let body = json!({ "Boot": { "HttpBootUri": url } });
    site.redfish("PATCH", "/redfish/v1/Systems/1", &body).await;
    site.boot_once("UefiHttp").await;
    site.machine().wait_until(LONG, reported).await.unwrap();
    assert!(
        site.log()
            .contains(&"GET /given/loader.efi from 127.82.5.101".to_owned())
    );
}

#[tokio::test]
async fn cloud_init_reads_its_seed_and_reports_what_the_user_data_says() {
    let site = Site::start(Ipv4Addr::new(127, 82, 6, 1), |_as_it_is| {}).await;
    let base = site.base.clone();
    site.serve_system(&format!("ds=nocloud;s={base}/config/token/"))
        .await;
    let user_data = format!("#cloud-config\nruncmd:\n- curl -X POST {base}/bootstate/report\n");
    site.serve_page("/config/token/user-data", user_data.clone());
    site.serve_page("/config/token/meta-data", "instance-id: i\n");
    site.serve_page("/bootstate/report", "");
    site.boot_once("Pxe").await;
    site.machine().wait_until(LONG, reported).await.unwrap();
    assert_eq!(site.machine().config().unwrap(), user_data.into_bytes());
    let asked: Vec<String> = site
        .log()
        .into_iter()
        .filter_map(|line| line.strip_prefix("GET /config/token/").map(str::to_owned))
        .collect();
    assert_eq!(
        asked,
        [
            "meta-data from 127.82.6.101",
            "user-data from 127.82.6.101",
            "vendor-data from 127.82.6.101",
        ]
    );
}

#[tokio::test]
async fn raw_user_data_is_fetched_by_its_url_and_a_system_without_any_runs_from_memory() {
    let site = Site::start(Ipv4Addr::new(127, 82, 7, 1), |_as_it_is| {}).await;
    let base = site.base.clone();
    site.serve_system(&format!("baremetal.config_url={base}/config/token"))
        .await;
    site.serve_page("/config/token", "any text");
    site.boot_once("Pxe").await;
    let machine = site.machine();
    let running = |seen: &Snapshot| seen.phase == Phase::Running;
    machine.wait_until(LONG, running).await.unwrap();
    assert_eq!(machine.config().as_deref(), Some(b"any text".as_slice()));

    machine.wipe_disk();
    machine.force_power_off();
    site.serve_system("quiet").await;
    site.boot_once("Pxe").await;
    let seen = machine.wait_until(LONG, running).await.unwrap();
    assert_eq!((seen.installs, seen.netboots), (1, 2));
    assert_eq!(seen.kernel_args.as_deref(), Some("quiet initrd=main"));
    assert_eq!(machine.config(), None);
}

#[tokio::test]
async fn a_machine_that_boots_from_the_network_first_is_sent_to_its_disk_by_the_script() {
    let site = Site::start(Ipv4Addr::new(127, 82, 8, 1), |config| {
        config.machines[0].boot_order = BootOrder::NetworkThenDisk;
    })
    .await;
    serve_ignition(&site).await;
    assert_eq!(site.reset("On").await, 204);
    let machine = site.machine();
    machine.wait_until(LONG, reported).await.unwrap();
    site.serve_page("/script", netboot::ipxe::local_disk());
    assert_eq!(site.reset("ForceRestart").await, 204);
    let again = |seen: &Snapshot| seen.boots == 2 && seen.phase == Phase::Running;
    let seen = machine.wait_until(LONG, again).await.unwrap();
    assert_eq!((seen.installs, seen.netboots), (1, 1));
    let console = machine.console();
    assert!(
        console.contains(&"iPXE was left with code 1".to_owned()),
        "{console:#?}"
    );
}

#[tokio::test]
async fn a_pxe_menu_that_says_local_disk_sends_the_firmware_there_at_once() {
    let site = Site::start(Ipv4Addr::new(127, 82, 10, 1), |_as_it_is| {}).await;
    serve_ignition(&site).await;
    site.boot_once("Pxe").await;
    let machine = site.machine();
    machine.wait_until(LONG, reported).await.unwrap();
    site.change(|answers| {
        answers.loader.clear();
        answers.vendor = netboot::pxe::BOOT_LOCALLY.to_vec();
        answers.log.clear();
    });
    machine.force_power_off();
    site.boot_once("Pxe").await;
    let again = |seen: &Snapshot| seen.boots == 2 && seen.phase == Phase::Running;
    machine.wait_until(LONG, again).await.unwrap();
    let firmware = "firmware PXEClient:Arch:00007:UNDI:003016";
    let asked = [
        format!("DHCPDISCOVER {firmware}"),
        format!("DHCPREQUEST {firmware}"),
    ];
    assert_eq!(site.log(), asked);
    assert!(
        machine
            .console()
            .contains(&"PXE boot menu: Local disk".to_owned())
    );
}

#[tokio::test]
async fn two_machines_boot_at_once_and_each_gets_its_own_address() {
    let site = Site::start(Ipv4Addr::new(127, 82, 9, 1), |config| {
        for machine in &mut config.machines {
            machine.boot_order = BootOrder::NetworkThenDisk;
        }
    })
    .await;
    serve_ignition(&site).await;
    let machines = site.rack.machines();
    let client = super::fixture::reqwest_tls(&site.rack);
    for machine in machines {
        let url = format!(
            "{}/redfish/v1/Systems/1/Actions/ComputerSystem.Reset",
            machine.bmc_endpoint()
        );
        let request = client.post(url).basic_auth("admin", Some("rack-password"));
        let on = request.json(&json!({ "ResetType": "On" })).send().await;
        assert_eq!(on.unwrap().status(), 204);
    }
    for (slot, machine) in (1_u8..).zip(machines) {
        let seen = machine.wait_until(LONG, reported).await.unwrap();
        assert_eq!(seen.address, Some(Ipv4Addr::new(127, 82, 9, 100 + slot)));
    }
}
