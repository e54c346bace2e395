//! A few warm connections: one that only reads, several that write, so that steps go in parallel.
//!
//! ```text
//! warm ─▶ idle ──take──▶ in use ──put back──▶ idle
//!           │ closed        │ deadline, lost
//!           └──▶ dropped ◀──┘            a new one is made when it is wanted
//! ```

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use secrecy::ExposeSecret as _;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    error::{Class, Failure, When},
    settings::{PasswordSource, SettingsError, Target},
};

/// Mutations at the same time.
pub(super) const WRITERS: usize = 4;
/// From the first packet to a session that is ready.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// One statement, as estop waits for it. The server gives up a second earlier, so that its word comes in time.
pub(super) const STATEMENT_DEADLINE: Duration = Duration::from_secs(6);
/// What every session starts with: limits of the server's own, and no search path that somebody else could fill.
const OPTIONS: &str = "-c statement_timeout=5s -c lock_timeout=3s -c search_path=pg_catalog \
                       -c client_min_messages=error";
/// And the one that reads cannot change anything.
const READ_ONLY: &str = " -c default_transaction_read_only=on";

/// Makes connections.
struct Connector {
    target: Target,
    password: PasswordSource,
    tls: Option<MakeRustlsConnect>,
}

/// See the module.
pub(super) struct Pool {
    connector: Connector,
    reader: AsyncMutex<Option<Arc<Client>>>,
    writers: Mutex<Vec<Client>>,
    permits: Semaphore,
}

/// A connection that is somebody's alone until it is put back.
pub(super) struct Writer<'a> {
    pool: &'a Pool,
    client: Option<Client>,
    _permit: SemaphorePermit<'a>,
}

impl Writer<'_> {
    pub(super) fn client(&self) -> &Client {
        self.client.as_ref().expect("taken out only when dropped")
    }

    /// Closes it instead of putting it back: a statement may still run on it.
    pub(super) fn discard(mut self) {
        self.client = None;
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            self.pool.idle().push(client);
        }
    }
}

impl Pool {
    pub(super) fn new(target: Target, password: PasswordSource, ca_file: Option<&[u8]>) -> Result<Self, SettingsError> {
        let tls = if target.tls { Some(MakeRustlsConnect::new(tls_config(ca_file)?)) } else { None };
        Ok(Self {
            connector: Connector { target, password, tls },
            reader: AsyncMutex::new(None),
            writers: Mutex::new(Vec::new()),
            permits: Semaphore::new(WRITERS),
        })
    }

    /// The server, for messages.
    pub(super) fn place(&self) -> String {
        self.connector.target.place()
    }

    /// The connection that only reads; several may ask on it at once.
    pub(super) async fn reader(&self) -> Result<Arc<Client>, Failure> {
        let mut slot = self.reader.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connector.connect(true).await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Lets go of a reading connection that does not answer.
    pub(super) async fn forget_reader(&self, dead: &Arc<Client>) {
        let mut slot = self.reader.lock().await;
        if slot.as_ref().is_some_and(|client| Arc::ptr_eq(client, dead)) {
            *slot = None;
        }
    }

    /// A connection for one mutation.
    pub(super) async fn writer(&self) -> Result<Writer<'_>, Failure> {
        let permit =
            self.permits.acquire().await.map_err(|_| Failure::new(Class::Unreachable, "the pool is closed"))?;
        let idle = self.take_idle();
        let client = match idle {
            Some(client) => client,
            None => self.connector.connect(false).await?,
        };
        Ok(Writer { pool: self, client: Some(client), _permit: permit })
    }

    /// Makes every connection that is missing, and hears from each that it still answers.
    pub(super) async fn warm(&self) -> Result<(), Failure> {
        let writers = futures::future::try_join_all((0..WRITERS).map(|_| self.warm_writer()));
        let (reader, writers) = tokio::join!(self.warm_reader(), writers);
        drop(writers?);
        reader
    }

    async fn warm_reader(&self) -> Result<(), Failure> {
        let client = self.reader().await?;
        if answers(&client).await {
            return Ok(());
        }
        self.forget_reader(&client).await;
        self.reader().await.map(drop)
    }

    /// All writers are held until each has answered, so that none is asked twice.
    async fn warm_writer(&self) -> Result<Writer<'_>, Failure> {
        let mut writer = self.writer().await?;
        if !answers(writer.client()).await {
            writer.client = Some(self.connector.connect(false).await?);
        }
        Ok(writer)
    }

    fn take_idle(&self) -> Option<Client> {
        let mut idle = self.idle();
        while let Some(client) = idle.pop() {
            if !client.is_closed() {
                return Some(client);
            }
        }
        None
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection still has a server at its other end.
async fn answers(client: &Client) -> bool {
    matches!(tokio::time::timeout(STATEMENT_DEADLINE, client.simple_query("")).await, Ok(Ok(_)))
}

impl Connector {
    async fn connect(&self, read_only: bool) -> Result<Client, Failure> {
        let password = Arc::clone(&self.password);
        // The source may read a file or run a command.
        let password = tokio::task::spawn_blocking(move || password())
            .await
            .map_err(|_| Failure::new(Class::Auth, "the password could not be resolved"))?
            .map_err(|sentence| Failure::new(Class::Auth, sentence))?;
        let mut config = Config::new();
        let target = &self.target;
        config
            .host(&target.host)
            .port(target.port)
            .user(&target.user)
            .dbname(&target.database)
            .password(password.expose_secret())
            .application_name("estop")
            .options(if read_only { format!("{OPTIONS}{READ_ONLY}") } else { OPTIONS.to_owned() })
            .connect_timeout(CONNECT_DEADLINE)
            // A server that vanished without a word is noticed while the console waits for the key.
            .tcp_user_timeout(STATEMENT_DEADLINE)
            .keepalives_idle(Duration::from_secs(20))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        match tokio::time::timeout(CONNECT_DEADLINE, self.open(&config)).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(Failure::of(&error, When::Connecting)),
            Err(_) => Err(Failure::deadline(When::Connecting)),
        }
    }

    /// The driver of a connection ends by itself when its client is dropped or the server hangs up.
    async fn open(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        if let Some(tls) = &self.tls {
            let (client, driver) = config.connect(tls.clone()).await?;
            tokio::spawn(driver);
            Ok(client)
        } else {
            let (client, driver) = config.connect(NoTls).await?;
            tokio::spawn(driver);
            Ok(client)
        }
    }
}

/// The whole of verify-full: a chain to the system's roots or the configured ones, and the name of the host.
fn tls_config(ca_file: Option<&[u8]>) -> Result<ClientConfig, SettingsError> {
    let roots = match ca_file {
        None => Vec::new(),
        Some(pem) => certificates(pem)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = |error: rustls::Error| SettingsError::Tls(error.to_string());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(tls)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| SettingsError::Ca("is not PEM: give certificates between BEGIN and END lines".to_owned()))?;
    if found.is_empty() {
        return Err(SettingsError::Ca("has no certificate in it: give at least one in PEM".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        for pem in ["", "plain text", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(certificates(pem.as_bytes()), Err(SettingsError::Ca(_))), "{pem:?}");
        }
    }

    #[tokio::test]
    async fn a_password_that_cannot_be_resolved_is_an_auth_failure_and_names_no_secret() {
        let target = Target::of(&"postgres://estop@127.0.0.1:1/docs".parse().expect("a URL")).expect("a target");
        let pool = Pool::new(target, Arc::new(|| Err("db.secret: no such file".to_owned())), None).expect("a pool");
        let failure = pool.writer().await.err().expect("no password");
        assert_eq!((failure.class, failure.detail.as_str()), (Class::Auth, "db.secret: no such file"));
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        // A port that was free a moment ago and that nobody listens on any more.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let url = format!("postgres://estop@127.0.0.1:{port}/docs").parse().expect("a URL");
        let pool = Pool::new(Target::of(&url).expect("a target"), Arc::new(|| Ok("x".into())), None).expect("a pool");
        assert_eq!(pool.reader().await.expect_err("nobody there").class, Class::Unreachable);
        assert_eq!(pool.warm().await.expect_err("nobody there").class, Class::Unreachable);
    }
}
