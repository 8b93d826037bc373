//! A small Docker image, in the form in which `docker save` writes one.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

/// Name of the image.
pub(super) const NAME: &str = "apportion-test";
/// Any id of a layer will do.
const LAYER: &str = "815b809d588c80fd6ddf4d6ac244ad1c01ae4cbe0f91cc7480e306671ee9c346";

/// Puts the image into `folder`, an agent's `--docker_registry`. It says that `/program` is to be run, and holds nothing but
/// an empty `/etc`.
pub(super) fn save(folder: &Path) {
    let work = tempfile::tempdir().unwrap();
    let (root, image) = (work.path().join("root"), work.path().join("image"));
    let layer = image.join(LAYER);
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(&layer).unwrap();
    pack(&root, &layer.join("layer.tar"));
    let config = json!({"Hostname": "", "Env": null, "Cmd": null, "Entrypoint": ["/program"]});
    let manifest = json!({
        "id": LAYER, "created": "2020-11-16T00:00:00Z", "container": LAYER, "container_config": config,
        "docker_version": "1.9.1", "config": config, "architecture": "amd64", "os": "linux",
    });
    fs::write(layer.join("json"), manifest.to_string()).unwrap();
    fs::write(layer.join("VERSION"), "1.0").unwrap();
    fs::write(image.join("repositories"), json!({NAME: {"latest": LAYER}}).to_string()).unwrap();
    pack(&image, &folder.join(format!("{NAME}.tar")));
}

fn pack(folder: &Path, archive: &Path) {
    let status = Command::new("tar").arg("-C").arg(folder).arg("-cf").arg(archive).arg(".").status().unwrap();
    assert!(status.success());
}
