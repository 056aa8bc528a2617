//! Tests of boot configs.

use model::{Payload, api::Arm};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    claims, config,
    fixture::{self, at, server_id, uuid},
    servers,
};

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Fixture {
    dir: TempDir,
    store: Store,
    sealer: Sealer,
    images: Images,
}

fn fixture() -> Fixture {
    let (dir, store) = fixture::store();
    let sealer = fixture::sealer(&dir, &store);
    let images = Images::open(&dir.path().join("images"), &config::Images::default()).unwrap();
    Fixture {
        dir,
        store,
        sealer,
        images,
    }
}

impl Fixture {
    fn put(&self, id: u128, spec: &BootConfigSpec) -> Result<(), Error> {
        put(&self.store, &self.sealer, uuid(id), spec)
    }

    fn find(&self, id: u128) -> Result<BootConfig, Error> {
        find(&self.store, &self.sealer, &self.images, uuid(id))
    }

    fn revisions(&self) -> Vec<String> {
        let revisions = self.store.list::<BootConfigSpec>(Table::Revisions).unwrap();
        revisions.into_iter().map(|(key, _)| key).collect()
    }

    /// Claims server 1 for the boot config and arms it.
    fn arm(&self, generation: u64) -> Claim {
        let request = claims::tests::request(1, Some(server_id(1)));
        let request = model::api::ClaimRequest {
            boot_config_id: Some(uuid(1)),
            ..request
        };
        claims::claim(&self.store, &request, at(0)).unwrap();
        let arm = Arm {
            uid: uuid(1),
            generation,
            trigger: None,
        };
        claims::arm(&self.store, &self.images, server_id(1), &arm, at(1)).unwrap()
    }
}

fn spec(value: serde_json::Value) -> BootConfigSpec {
    serde_json::from_value(value).unwrap()
}

fn script(text: &str) -> BootConfigSpec {
    spec(json!({ "ipxe_script": format!("#!ipxe\n{text}\n") }))
}

#[test]
fn what_was_published_comes_back_but_for_what_is_write_only() {
    let fixture = fixture();
    let mut published = fixture::script();
    published.ignition = Some(fixture::ignition("canary"));
    published.user_data = Some(Payload {
        content: Secret::new("#cloud-config\n"),
        write_only: false,
    });
    published.payload_version = Some(3);
    fixture.put(1, &published).unwrap();
    let found = fixture.find(1).unwrap();
    let content = published.ignition.as_ref().unwrap().content.expose();
    let digest = digest::sha256(content.as_bytes());
    let mut shown = published.clone();
    shown.ignition = Some(Payload {
        content: Secret::new(format!("sha256:{digest}")),
        write_only: true,
    });
    assert_eq!(found.spec, shown);
    assert_eq!(found.state, BootConfigState::Ready);
    assert_eq!(found.revision.len(), 12);
    assert!(matches!(fixture.find(2), Err(Error::NotFound(_))));
}

#[test]
fn a_boot_can_be_reported_by_whoever_is_told_where() {
    let check = |value: serde_json::Value, expected: bool| {
        let fixture = fixture();
        fixture.put(1, &spec(value.clone())).unwrap();
        assert_eq!(fixture.find(1).unwrap().can_report, expected, "{value}");
    };
    let ignition = |report_boot: bool, path: &str| {
        let content = json!({
            "ignition": { "version": "3.4.0" },
            "storage": { "files": [{ "path": path }] },
        });
        let payload = json!({ "content": content.to_string(), "write_only": true });
        json!({ "ipxe_script": "#!ipxe\n", "ignition": payload, "report_boot": report_boot })
    };
    check(json!({ "ipxe_script": "#!ipxe\n" }), false);
    check(
        json!({ "ipxe_script": "#!ipxe\nset u {{ report_url }}\n" }),
        true,
    );
    check(ignition(true, "/a"), true);
    check(ignition(false, "/a"), false);
    check(ignition(false, "/{{ report_url }}"), true);
    let user_data = json!({ "content": "curl {{ report_url }}", "write_only": true });
    check(
        json!({ "ipxe_script": "#!ipxe\n", "user_data": user_data }),
        true,
    );
    let kernel = json!({ "url": "http://a/k", "sha256": SHA256 });
    check(
        json!({ "kernel": kernel, "kernel_args": ["report={{ report_url }}"] }),
        true,
    );
}

#[test]
fn the_revision_says_what_was_published_and_nothing_else() {
    let fixture = fixture();
    let revision = |id, text: &str| {
        fixture.put(id, &script(text)).unwrap();
        fixture.find(id).unwrap().revision
    };
    let first = revision(1, "a");
    assert_eq!(revision(1, "a"), first);
    assert_eq!(revision(2, "a"), first);
    assert_ne!(revision(1, "b"), first);
    assert_eq!(revision(1, "a"), first);
}

#[test]
fn payloads_are_on_disk_sealed_alone() {
    let fixture = fixture();
    let mut published = script("echo canary-of-the-script");
    published.ignition = Some(fixture::ignition("canary-of-the-ignition"));
    let content = Secret::new("canary-of-the-user-data");
    published.user_data = Some(Payload {
        content,
        write_only: false,
    });
    fixture.put(1, &published).unwrap();
    let bytes = std::fs::read(fixture.dir.path().join("store")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
    let outline = outline(&fixture.store, uuid(1), &fixture.find(1).unwrap().revision);
    assert!(!format!("{published:?} {:?}", outline.unwrap()).contains("canary-of-the-i"));
}

#[test]
fn a_server_boots_the_revision_it_was_armed_with() {
    let fixture = fixture();
    servers::put(&fixture.store, server_id(1), fixture::spec(&[1]), at(0)).unwrap();
    fixture.put(1, &script("a")).unwrap();
    let armed = fixture.arm(1).boot.unwrap().revision;
    for text in ["b", "c", "d"] {
        fixture.put(1, &script(text)).unwrap();
        let kept = payloads(&fixture.store, uuid(1), &armed).unwrap().unwrap();
        let own = kept.ipxe_script(&fixture.sealer, uuid(1)).unwrap().unwrap();
        assert_eq!(own.expose(), "#!ipxe\na\n");
    }
    assert_eq!(fixture.revisions().len(), 3, "armed, before the last, last");
    let armed_anew = fixture.arm(2).boot.unwrap().revision;
    assert_eq!(armed_anew, fixture.find(1).unwrap().revision);
    fixture.put(1, &script("e")).unwrap();
    assert_eq!(
        fixture.revisions().len(),
        2,
        "what nobody boots any more is gone"
    );
}

#[test]
fn a_boot_config_that_is_removed_goes_with_the_last_claim_that_uses_it() {
    let fixture = fixture();
    servers::put(&fixture.store, server_id(1), fixture::spec(&[1]), at(0)).unwrap();
    servers::put(&fixture.store, server_id(2), fixture::spec(&[2]), at(0)).unwrap();
    fixture.put(1, &script("a")).unwrap();
    fixture.put(2, &script("b")).unwrap();
    fixture.arm(1);
    let request = |uid, server| model::api::ClaimRequest {
        boot_config_id: Some(uuid(1)),
        ..claims::tests::request(uid, Some(server_id(server)))
    };
    claims::claim(&fixture.store, &request(2, 2), at(0)).unwrap();
    let remove = || delete(&fixture.store, uuid(1));
    remove().unwrap();
    remove().unwrap();
    assert!(fixture.find(1).unwrap().removed, "two claims use it");
    claims::release(&fixture.store, server_id(2), uuid(2)).unwrap();
    let error = claims::claim(&fixture.store, &request(3, 2), at(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("boot config {} does not exist", uuid(1)),
        "nobody else may begin to use it"
    );

    // The claim boots another one next, and is still armed with the first.
    let change = model::api::ClaimUpdate {
        uid: uuid(1),
        boot_config_id: Some(uuid(2)),
        hostname: None,
        trigger: None,
    };
    claims::update(&fixture.store, server_id(1), &change).unwrap();
    assert!(fixture.find(1).unwrap().removed);
    let arm = Arm {
        uid: uuid(1),
        generation: 2,
        trigger: None,
    };
    claims::arm(&fixture.store, &fixture.images, server_id(1), &arm, at(1)).unwrap();
    assert!(matches!(fixture.find(1), Err(Error::NotFound(_))));
    assert!(matches!(remove(), Err(Error::NotFound(_))));
    assert_eq!(fixture.revisions().len(), 1, "of the other one");
    delete(&fixture.store, uuid(2)).unwrap();
    claims::release(&fixture.store, server_id(1), uuid(1)).unwrap();
    assert_eq!(fixture.revisions(), Vec::<String>::new());
    let uses = fixture.store.list::<()>(Table::Uses).unwrap();
    assert_eq!(uses.len(), 0);
}

#[test]
fn what_is_published_again_is_not_removed_any_more() {
    let fixture = fixture();
    servers::put(&fixture.store, server_id(1), fixture::spec(&[1]), at(0)).unwrap();
    fixture.put(1, &script("a")).unwrap();
    fixture.arm(1);
    delete(&fixture.store, uuid(1)).unwrap();
    fixture.put(1, &script("a")).unwrap();
    assert!(!fixture.find(1).unwrap().removed);
    claims::release(&fixture.store, server_id(1), uuid(1)).unwrap();
    fixture.find(1).unwrap();
}

#[test]
fn of_claims_that_end_at_once_the_last_takes_a_removed_boot_config_with_it() {
    let fixture = fixture();
    fixture.put(1, &script("a")).unwrap();
    for number in 1..9 {
        let server = server_id(number);
        servers::put(&fixture.store, server, fixture::spec(&[number]), at(0)).unwrap();
        let request = model::api::ClaimRequest {
            boot_config_id: Some(uuid(1)),
            ..claims::tests::request(number.into(), Some(server))
        };
        claims::claim(&fixture.store, &request, at(0)).unwrap();
    }
    std::thread::scope(|scope| {
        let store = &fixture.store;
        scope.spawn(move || delete(store, uuid(1)).unwrap());
        for number in 1..9 {
            let uid = uuid(number.into());
            scope.spawn(move || claims::release(store, server_id(number), uid).unwrap());
        }
    });
    assert!(matches!(fixture.find(1), Err(Error::NotFound(_))));
    assert_eq!(fixture.revisions(), Vec::<String>::new());
}

#[track_caller]
fn refuse(value: serde_json::Value, expected: &str) {
    let error = check::check(&spec(value)).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn what_cannot_boot_is_refused_before_a_server_meets_it() {
    let kernel = json!({ "url": "http://a/k", "sha256": SHA256 });
    refuse(
        json!({}),
        "there is nothing to boot; set kernel, or ipxe_script",
    );
    refuse(
        json!({ "ipxe_script": "#!ipxe\n", "initrds": [kernel] }),
        "there are initrds, but no kernel that could use them",
    );
    refuse(
        json!({ "kernel": { "url": "ftp://a/k", "sha256": SHA256 } }),
        "\"ftp://a/k\" is no URL to fetch an image from; it must start with http:// or https://",
    );
    refuse(
        json!({ "kernel": { "url": "http://a/k", "sha256": SHA256.to_uppercase() } }),
        "\"E3B0C4",
    );
    refuse(
        json!({ "ipxe_script": "echo\n" }),
        "ipxe_script does not start with #!ipxe",
    );
    refuse(
        json!({ "ipxe_script": "#!ipxe\n\necho {{ hostnam }}\n" }),
        "ipxe_script: line 3 of the template names \"hostnam\", which is no variable",
    );
    refuse(
        json!({ "kernel": kernel, "kernel_args": ["a={{ b }}"] }),
        "kernel_args: line 1 of the template names \"b\"",
    );
    refuse(
        json!({ "kernel": kernel, "kernel_args": ["a\nb"] }),
        "kernel_args: the kernel arguments has a control character",
    );
    refuse(
        json!({ "kernel": kernel, "ignition": { "content": "{\"canary\": 1}" } }),
        "the Ignition config has no ignition.version",
    );
    refuse(
        json!({ "kernel": kernel, "user_data": { "content": "canary {{ nothing }}" } }),
        "user_data: line 1 of the template names \"nothing\"",
    );
}

#[test]
fn what_boots_is_accepted() {
    let kernel = json!({ "url": "https://a/k", "sha256": SHA256 });
    let accept = |value| check::check(&spec(value)).unwrap();
    accept(json!({ "kernel": kernel, "initrds": [kernel], "kernel_args": ["quiet", "a=b c"] }));
    accept(json!({ "ipxe_script": "#!ipxe\nchain {{ kernel_url }}\n" }));
    let ignition = "{\"ignition\": {\"version\": \"3.4.0\"}, \"x\": \"{{ hostname }}\"}";
    accept(json!({ "kernel": kernel, "ignition": { "content": ignition } }));
}
