//! The product's memory: one append-only file of hash-chained JSON lines per incident.
//!
//! ```text
//! Entry ──commit──▶ writer task ──lock, write, fdatasync──▶ Receipt (durable)
//! Plan  ──arm─────▶ one commit  ──▶ ArmedStep (the only thing a provider performs)
//! file  ──verify──▶ Verification      file ──fold──▶ incidents, operations, steps
//! ```

mod armed;
mod entry;

pub use armed::ArmedStep;
pub use entry::{Body, Entry, IntendedStep};
