//! The cookbook: each recipe shows the file of its folder under `examples/hooks`, and the changes that its test expects.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::page::Parts;
use crate::{Failure, Generated};

/// Text of the cookbook, with places for the files.
const COOKBOOK: &str = include_str!("cookbook.md");

/// `docs/hooks-cookbook.md`.
pub(super) fn page(root: &Path) -> Result<Generated, Failure> {
    let folder = root.join("examples/hooks");
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot read {}: {error}", path.display()))
    };
    let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
    let mut recipes: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    recipes.sort();
    let mut parts = Parts::default();
    for recipe in recipes {
        let name = recipe.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = |file: &str| {
            let path = recipe.join(file);
            std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))
        };
        let rules = text("apportion.toml")?;
        let expected: Value =
            serde_json::from_str(&text("expected.json")?).map_err(|error| unreadable(&recipe, &error))?;
        parts.add(format!("{name}: rule"), format!("```toml\n{rules}```"));
        parts.add(format!("{name}: seen"), format!("```text\n{}```", seen(&expected)));
    }
    let text = parts.into_page(COOKBOOK, "xtask/generate/src/hooks/cookbook.md")?;
    Ok(Generated { path: root.join("docs/hooks-cookbook.md"), text })
}

/// The changes for a reader: one line for each name, below its point.
fn seen(expected: &Value) -> String {
    let mut text = String::new();
    for (point, changes) in expected.as_object().into_iter().flatten() {
        let _ = writeln!(text, "{point}");
        match changes {
            Value::Object(changes) => {
                for (name, value) in changes {
                    let _ = match value {
                        Value::Null => writeln!(text, "  - {name}"),
                        Value::String(value) => writeln!(text, "  {name} = {value}"),
                        other => writeln!(text, "  {name} = {other}"),
                    };
                }
            }
            // Lines of an audit file, and what is run.
            Value::Array(reactions) => {
                for reaction in reactions {
                    let _ = writeln!(text, "  {reaction}");
                }
            }
            other => {
                let _ = writeln!(text, "  {other}");
            }
        }
    }
    text
}
