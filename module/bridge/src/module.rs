//! Making the four modules from their parameters.

use std::fmt;
use std::sync::{Arc, OnceLock};

use apportion_config::{Config, Drill, LendingConfig};
use apportion_hook::Remembered;
use apportion_wire::messages::{Parameters, decode};

use crate::abi::{
    APPORTION_ALLOCATOR, APPORTION_HOOK, APPORTION_ISOLATOR, APPORTION_QOS_CONTROLLER, apportion_module,
};
use crate::allocator::AllocatorModule;
use crate::commits::{Commits, OpenLedger};
use crate::hook::HookModule;
use crate::isolator::IsolatorModule;
use crate::offer_book::OfferBook;
use crate::qos_controller::{QosControllerModule, priorities};
use crate::reclaim::Reclaim;

/// One of the four modules.
pub(crate) enum Module {
    Allocator(Box<AllocatorModule>),
    Hook(HookModule),
    Isolator(Box<IsolatorModule>),
    QosController(Box<QosControllerModule>),
}

impl Module {
    /// Makes a module from the serialised parameters of its entry in the modules JSON.
    ///
    /// # Errors
    /// Every problem of the parameters in one text.
    pub(crate) fn create(kind: apportion_module, parameters: &[u8]) -> Result<Module, String> {
        let parameters: Parameters =
            decode(parameters).map_err(|error| format!("its parameters: {error}"))?;
        let pairs: Vec<(Vec<u8>, Vec<u8>)> =
            parameters.parameter.into_iter().map(|pair| (pair.key, pair.value)).collect();
        let config = Config::from_parameters(&pairs).map_err(|problems| problems.to_string())?;
        if !config.drill.is_empty() {
            tracing::warn!("fault drill: {} will panic on purpose", config.drill.panic_in.join(", "));
        }
        match kind {
            APPORTION_ALLOCATOR => {
                let commits = config.lending.is_on().then(|| ledger(&config.lending)).transpose()?;
                Ok(Module::Allocator(Box::new(AllocatorModule::new(&config, offer_book(), commits))))
            }
            APPORTION_HOOK => {
                let file = Config::file_of(&pairs);
                let (book, reclaim) = (offer_book(), reclaim());
                Ok(Module::Hook(HookModule::new(&config, file, remembered(), book, reclaim, &commits())?))
            }
            APPORTION_ISOLATOR => Ok(Module::Isolator(Box::new(IsolatorModule::new(&config)?))),
            APPORTION_QOS_CONTROLLER => {
                Ok(Module::QosController(Box::new(QosControllerModule::new(&config, &reclaim()))))
            }
            other => Err(format!("there is no module of kind {other}")),
        }
    }

    /// Which entry points fail on purpose.
    pub(crate) fn drill(&self) -> &Drill {
        match self {
            Module::Allocator(module) => &module.drill,
            Module::Hook(module) => &module.drill,
            Module::Isolator(module) => &module.drill,
            Module::QosController(module) => &module.drill,
        }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Module::Allocator(_) => "Allocator",
            Module::Hook(_) => "Hook",
            Module::Isolator(_) => "Isolator",
            Module::QosController(_) => "QosController",
        })
    }
}

/// Panics when a drill asks for it. Costs one comparison when there is none.
pub(crate) fn drill(drill: &Drill, entry: &str) {
    assert!(drill.is_empty() || !drill.panics_in(entry), "a drill of {entry}");
}

/// What hook and isolator of one process share: facts seen by the one that the other needs.
pub(crate) fn remembered() -> Arc<Remembered> {
    static REMEMBERED: OnceLock<Arc<Remembered>> = OnceLock::new();
    Arc::clone(REMEMBERED.get_or_init(Arc::default))
}

/// The ledger of an allocator that lends.
///
/// # Errors
/// If no hook of this process would turn launches down: a master makes its hooks before its allocator.
fn ledger(lending: &LendingConfig) -> Result<OpenLedger, String> {
    if !commits().is_attended() {
        return Err("lending is configured, but this process has no hook that can turn a launch down when the capacity \
                    is gone: add org_apportion_Hook to --hooks, or remove [[lending.lenders]]"
            .to_owned());
    }
    Ok(commits().open(Box::new(priorities(lending))))
}

/// What is in use, for the hooks of this process to turn launches down by.
pub(crate) fn commits() -> Arc<Commits> {
    static COMMITS: OnceLock<Arc<Commits>> = OnceLock::new();
    Arc::clone(COMMITS.get_or_init(Arc::default))
}

/// What the allocators of this process have offered, for its hooks.
pub(crate) fn offer_book() -> Arc<OfferBook> {
    static OFFER_BOOK: OnceLock<Arc<OfferBook>> = OnceLock::new();
    Arc::clone(OFFER_BOOK.get_or_init(Arc::default))
}

/// Whether and when borrowers are ended in this process, for its hooks and isolators.
pub(crate) fn reclaim() -> Arc<Reclaim> {
    static RECLAIM: OnceLock<Arc<Reclaim>> = OnceLock::new();
    Arc::clone(RECLAIM.get_or_init(Arc::default))
}
