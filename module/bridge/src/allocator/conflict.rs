//! What an operator reads when an operation does not fit what is free: the body of the master's answer 409.

use apportion_core::{CannotUpdateAvailable, DoesNotApply, Holding};
use apportion_wire::WireError;
use apportion_wire::text::describe;

use super::intern::Resources;

/// The reason in the words of the built-in allocator, so that whoever reads such answers can go on reading them.
pub(super) fn text(reason: &CannotUpdateAvailable, agent: &[u8], resources: &Resources) -> String {
    let (CannotUpdateAvailable::NotAvailable { reason: why, .. }
    | CannotUpdateAvailable::NotInTotal { reason: why, .. }) = reason
    else {
        return reason.to_string();
    };
    let described = |holding: &Holding| -> Result<String, WireError> {
        let parts: Vec<_> = holding.items().iter().flat_map(|item| resources.to_parts(item, agent)).collect();
        describe(&parts)
    };
    let said = match why {
        DoesNotApply::NotContained { there, wanted } => {
            described(there).and_then(|there| Ok(format!("{there} does not contain {}", described(wanted)?)))
        }
        DoesNotApply::CopiesLeft { volume } => described(volume).map(|volume| {
            format!("Persistent volume {volume} cannot be removed due to additional shared copies")
        }),
    };
    // What was split once can be described; if not, the plain reason is still an answer.
    said.unwrap_or_else(|_| reason.to_string())
}
