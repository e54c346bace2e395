//! A Synapse homeserver.

use std::sync::Arc;

use super::Wiring;
use crate::{
    config::MatrixSettings,
    engine::Provider,
    providers::matrix::{Matrix, Settings},
};

pub(super) async fn connect(wiring: &Wiring<'_>, configured: &MatrixSettings) -> Result<Arc<dyn Provider>, String> {
    let token = wiring.secret(&configured.access_token).await;
    let settings = Settings {
        name: wiring.name(),
        homeserver: configured.server.url.clone(),
        access_token: Arc::new(move || token.clone()),
    };
    let transport = wiring.transport(&configured.server).await?;
    Ok(Arc::new(Matrix::new(settings, transport, wiring.clock(), wiring.rate())))
}
