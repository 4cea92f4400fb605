//! Carries the C interface of the crate `llguidance` (its `llg_*` symbols) into a static library.
pub use llguidance_engine::ffi::*;
