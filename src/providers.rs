//! One file or folder each, a thin HTTP client, no base class.

pub mod postgres;
pub mod transport;
