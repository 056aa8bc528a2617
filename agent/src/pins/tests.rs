//! Tests of pinned images.

use model::BootConfigSpec;

use super::*;
use crate::{
    boot_configs, config, digest,
    fixture::{self, uuid},
};

/// An asset whose file is in the cache already, so nothing is fetched.
fn cached(dir: &tempfile::TempDir, content: &str) -> Asset {
    let sha256 = digest::sha256(content.as_bytes());
    std::fs::write(dir.path().join("images").join(&sha256), content).unwrap();
    Asset {
        url: "http://192.0.2.1/kernel".to_owned(),
        sha256,
    }
}

#[test]
fn an_image_stays_until_neither_a_pin_nor_a_boot_config_names_it() {
    let (dir, store) = fixture::store();
    let sealer = fixture::sealer(&dir, &store);
    let images = Images::open(&dir.path().join("images"), &config::Images::default()).unwrap();
    let asset = cached(&dir, "kernel");
    for id in [1, 2] {
        put(&store, &images, uuid(id), asset.clone()).unwrap();
    }
    let boots = BootConfigSpec {
        kernel: Some(asset.clone()),
        ..fixture::script()
    };
    boot_configs::put(&store, &sealer, uuid(3), &boots).unwrap();
    let is_here = || images.path(&asset.sha256).is_some();
    delete(&store, &images, uuid(1)).unwrap();
    assert!(is_here(), "it is pinned twice");
    delete(&store, &images, uuid(2)).unwrap();
    assert!(is_here(), "a boot config names it");
    put(&store, &images, uuid(1), asset.clone()).unwrap();
    boot_configs::delete(&store, uuid(3)).unwrap();
    assert_eq!(find(&store, &images, uuid(1)).unwrap().size_bytes, Some(6));
    delete(&store, &images, uuid(1)).unwrap();
    assert!(!is_here());
    let gone = find(&store, &images, uuid(1)).unwrap_err();
    assert_eq!(gone.to_string(), format!("image {} is not pinned", uuid(1)));
}
