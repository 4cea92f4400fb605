//! What the engine takes from Rust, with C interfaces: the grammar engine's `llg_*` functions as its crate
//! declares them, `tessera_grammars_*` and `tessera_constraint_*` (tessera_grammar.h), and `tessera_template_*`
//! (tessera_template.h). One library, since two would each carry Rust's own runtime.
mod grammar;
mod grammar_text;
mod template;
pub use llguidance_engine::ffi::*;
