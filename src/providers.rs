//! One file or folder each, a thin HTTP client, no base class.

pub mod http;
pub mod keycloak;
pub mod matrix;
pub mod postgres;
pub mod registry;
pub mod transport;
