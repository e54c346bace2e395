//! A PostgreSQL server.

use std::sync::Arc;

use url::Url;

use super::{Wiring, certificates};
use crate::{
    config::PostgresSettings,
    engine::Provider,
    providers::postgres::{Postgres, Settings},
};

pub(super) async fn connect(wiring: &Wiring<'_>, configured: &PostgresSettings) -> Result<Arc<dyn Provider>, String> {
    let secret = match &configured.password {
        Some(reference) => wiring.secret(reference).await,
        None => Ok("".into()),
    };
    let ca_file = configured.ca_file.as_deref().map(certificates).transpose()?;
    let password = Arc::new(move || secret.clone());
    let settings = Settings { name: wiring.name(), url: address(configured)?, password, ca_file };
    let postgres = Postgres::new(settings, wiring.clock()).map_err(|error| error.to_string())?;
    Ok(Arc::new(postgres.with_rate(wiring.rate())))
}

/// The address as the provider takes it, put together from parts so that each is encoded.
fn address(settings: &PostgresSettings) -> Result<Url, String> {
    let host = if settings.host.contains(':') { format!("[{}]", settings.host) } else { settings.host.clone() };
    let wrong = |_| format!("{host} is no host");
    let mut url = Url::parse(&format!("postgres://{host}")).map_err(wrong)?;
    let parts = url.set_username(&settings.user).and_then(|()| url.set_port(Some(settings.port)));
    parts.map_err(|()| format!("{host} cannot be addressed"))?;
    url.set_path(&settings.database);
    url.set_query(Some(if settings.tls { "sslmode=verify-full" } else { "sslmode=disable" }));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_put_together_encoded() {
        let settings = PostgresSettings {
            host: "::1".to_owned(),
            port: 5433,
            user: "estop/ops".to_owned(),
            database: "docs".to_owned(),
            tls: false,
            password: None,
            ca_file: None,
        };
        assert_eq!(address(&settings).unwrap().as_str(), "postgres://estop%2Fops@[::1]:5433/docs?sslmode=disable");
        let settings = PostgresSettings { host: "db.example.com".to_owned(), tls: true, ..settings };
        let url = address(&settings).unwrap();
        assert_eq!(url.as_str(), "postgres://estop%2Fops@db.example.com:5433/docs?sslmode=verify-full");
    }
}
