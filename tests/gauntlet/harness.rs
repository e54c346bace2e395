//! What every case stands on.
//!
//! ```text
//! let stage = Stage::new();                              three servers, one bot over them, nothing wrong yet
//! stage.servers[0].fault(Rule::changes(Wire::Hang));     what goes wrong, and for which requests
//! let ran = stage.isolate();                             or run, start (a Running: signal, kill, said), start_under
//! stage.holds(&ran);                                     O1 O2 O4 O5 O6 O9 O10
//! ran.expect(&[3]).says(&["sso-a"]);
//! stage.converges(0);                                    each fault must have fired; then O3 and the rest again
//! ```
//!
//! A test is named `case_NN_what_it_is` in `PART/case_NN.rs`. `each` runs a table of variants, several side by side;
//! `Dice::some` draws from a sweep by seed; `full()` says whether everything is wanted.

pub mod bait;
pub mod claims;
pub mod http;
pub mod journals;
pub mod oracle;
pub mod ran;
pub mod seed;
pub mod server;
pub mod stage;
pub mod strace;
pub mod wire;
pub mod world;

pub use ran::{Ran, Running};
pub use seed::{Dice, each, full};
pub use stage::{Options, Stage};
pub use wire::{Reply, Rule, Wire};
