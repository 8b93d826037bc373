//! What was found as JSON, for programs. `apportion isolator check --help` describes it: its members stay as they are.

use std::collections::BTreeSet;
use std::path::Path;

use apportion_cgroups::{Controller, Version};
use serde_json::{Value, json};

use super::view::{ControllerRow, Missing, PlaceRow, SettingRow, View};

pub(super) fn view(view: &View) -> Value {
    json!({
        "ok": view.is_good(),
        "layout": view.layout.map(|layout| layout.to_string()),
        "kernel": view.kernel,
        "controllers": view.controllers.iter().map(controller).collect::<Vec<_>>(),
        "places": view.places.iter().map(place).collect::<Vec<_>>(),
        "settings": view.settings.iter().map(setting).collect::<Vec<_>>(),
        "findings": view.missing.iter().map(missing).collect::<Vec<_>>(),
    })
}

fn controller(row: &ControllerRow) -> Value {
    let home = row.home.as_ref();
    json!({
        "name": row.controller.name(Version::V2),
        "wanted": row.wanted,
        "version": home.map(|home| home.version.to_string()),
        "mount": home.map(|home| text(&home.mount)),
        "own": home.and_then(|home| home.own.as_deref()).map(text),
    })
}

fn place(row: &PlaceRow) -> Value {
    let place = &row.place;
    json!({
        "version": place.version.to_string(),
        "controllers": names(&place.controllers),
        "base": text(&place.base),
        "parent": text(&place.parent),
        "exists": row.groups.is_some(),
        "groups": row.groups.unwrap_or(0),
        "moves": place.moves.iter().map(|pid| pid.get()).collect::<Vec<_>>(),
    })
}

fn names(controllers: &BTreeSet<Controller>) -> Vec<&'static str> {
    controllers.iter().map(|controller| controller.name(Version::V2)).collect()
}

fn setting(row: &SettingRow) -> Value {
    json!({ "name": row.name(), "there": row.there(), "file": row.file().map(text), "note": row.note() })
}

fn missing(missing: &Missing) -> Value {
    json!({ "kind": missing.kind, "fatal": missing.fatal, "text": missing.text })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
