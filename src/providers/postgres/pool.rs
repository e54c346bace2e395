//! A few warm connections: one that only reads, several that write, so that steps go in parallel.
//!
//! ```text
//! warm ─▶ idle ──take──▶ in use ──put back──▶ idle
//!           │ closed        │ dropped: deadline, lost answer
//!           └──▶ closed  ◀──┘            a new one is made when it is wanted
//! ```

mod bounded;

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use secrecy::ExposeSecret as _;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit},
    time::Instant,
};
use tokio_postgres::{Client, Config, NoTls, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use bounded::Bounded;

use super::{
    error::{Class, Failure, When},
    settings::{PasswordSource, SettingsError, Target},
};

/// Mutations at the same time.
pub(super) const WRITERS: usize = 4;
/// From the first packet to a session that is ready.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// One statement, as estop waits for it. The server gives up a second earlier, so that its word comes in time.
pub(super) const STATEMENT_DEADLINE: Duration = Duration::from_secs(5);
/// One mutation: a connection, the look-up of names, the change.
pub(super) const DEADLINE: Duration = Duration::from_secs(15);
/// What every session starts with: limits of the server's own, and no search path that somebody else could fill.
const OPTIONS: &str = "-c statement_timeout=4s -c lock_timeout=3s -c search_path=pg_catalog \
                       -c client_min_messages=error";
/// And the one that reads cannot change anything.
const READ_ONLY: &str = " -c default_transaction_read_only=on";
/// One that writes does so also where the role or the database has that on as a default: it is one, and no lock.
const READ_WRITE: &str = " -c default_transaction_read_only=off";

/// Makes connections.
struct Connector {
    target: Target,
    password: PasswordSource,
    tls: Option<MakeRustlsConnect>,
    failed: Mutex<Option<(Instant, Failure)>>,
    /// Somebody was sent more than an answer may hold.
    flooded: Arc<AtomicBool>,
}

/// See the module.
pub(super) struct Pool {
    connector: Connector,
    reader: AsyncMutex<Option<Arc<Client>>>,
    idle: Mutex<Vec<Arc<Client>>>,
    permits: Semaphore,
}

/// A connection that is somebody's alone until it is put back. One that is dropped instead (a deadline, a lost answer)
/// is closed: a statement may still run on it.
pub(super) struct Writer<'a> {
    pool: &'a Pool,
    client: Arc<Client>,
    _permit: SemaphorePermit<'a>,
}

impl Writer<'_> {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn put_back(self) {
        self.pool.keep(Arc::clone(&self.client));
    }
}

impl Pool {
    pub(super) fn new(target: Target, password: PasswordSource, ca_file: Option<&[u8]>) -> Result<Self, SettingsError> {
        let tls = if target.tls { Some(MakeRustlsConnect::new(tls_config(ca_file)?)) } else { None };
        Ok(Self {
            connector: Connector { target, password, tls, failed: Mutex::new(None), flooded: Arc::default() },
            reader: AsyncMutex::new(None),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(WRITERS),
        })
    }

    /// The configured server.
    pub(super) fn target(&self) -> &Target {
        &self.connector.target
    }

    /// The server, for messages.
    pub(super) fn place(&self) -> String {
        self.connector.target.place()
    }

    /// The connection that only reads; several may ask on it at once.
    pub(super) async fn reader(&self) -> Result<Arc<Client>, Failure> {
        let asked = Instant::now();
        let mut slot = self.reader.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connector.connect(true, asked).await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    /// One login as somebody else, at the configured server and no other; its session ends at once.
    pub(super) async fn log_in_as(&self, user: &str, password: &str) -> Result<(), Failure> {
        let mut config = self.connector.config();
        config.user(user).password(password);
        let client = self.connector.connected(&config).await?;
        // A session that answers is one; a pooler in between may take a login that the server has not seen.
        if !answers(&client).await {
            return Err(Failure::new(Class::Lost, "let in, but the session does not answer"));
        }
        Ok(())
    }

    /// Whether a connection was given up since the last call because the server did not stop talking.
    pub(super) fn was_flooded(&self) -> bool {
        self.connector.flooded.swap(false, Ordering::Relaxed)
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
        let asked = Instant::now();
        let permit =
            self.permits.acquire().await.map_err(|_| Failure::new(Class::Unreachable, "the pool is closed"))?;
        let idle = self.take_idle();
        let client = match idle {
            Some(client) => client,
            None => Arc::new(self.connector.connect(false, asked).await?),
        };
        Ok(Writer { pool: self, client, _permit: permit })
    }

    /// Makes every connection that is missing, and hears from each that it still answers.
    ///
    /// It takes none away: a mutation that comes meanwhile uses the idle ones as ever.
    pub(super) async fn warm(&self) -> Result<(), Failure> {
        let idle = self.idle().clone();
        let answers = futures::future::join_all(idle.iter().map(|client| answers(client)));
        let (reader, answers) = tokio::join!(self.warm_reader(), answers);
        reader?;
        let dead: Vec<&Arc<Client>> =
            idle.iter().zip(answers).filter(|(_, answers)| !answers).map(|(client, _)| client).collect();
        let missing = {
            let mut idle = self.idle();
            idle.retain(|client| !client.is_closed() && !dead.iter().any(|dead| Arc::ptr_eq(dead, client)));
            self.permits.available_permits().saturating_sub(idle.len())
        };
        let asked = Instant::now();
        let fresh = futures::future::try_join_all((0..missing).map(|_| self.connector.connect(false, asked))).await?;
        for client in fresh {
            self.keep(Arc::new(client));
        }
        Ok(())
    }

    async fn warm_reader(&self) -> Result<(), Failure> {
        let client = self.reader().await?;
        if answers(&client).await {
            return Ok(());
        }
        self.forget_reader(&client).await;
        self.reader().await.map(drop)
    }

    fn keep(&self, client: Arc<Client>) {
        let mut idle = self.idle();
        if !client.is_closed() && idle.len() < WRITERS {
            idle.push(client);
        }
    }

    fn take_idle(&self) -> Option<Arc<Client>> {
        let mut idle = self.idle();
        while let Some(client) = idle.pop() {
            if !client.is_closed() {
                return Some(client);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Client>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection still has a server at its other end.
async fn answers(client: &Client) -> bool {
    matches!(tokio::time::timeout(STATEMENT_DEADLINE, client.simple_query("")).await, Ok(Ok(_)))
}

impl Connector {
    /// Who had to wait while another's attempt failed hears that failure: a server that does not answer costs one
    /// deadline, not one for each who asks.
    async fn connect(&self, read_only: bool, asked: Instant) -> Result<Client, Failure> {
        if let Some((_, failure)) = self.failed().as_ref().filter(|(at, _)| *at > asked) {
            return Err(failure.clone());
        }
        let connected = self.try_connect(read_only).await;
        *self.failed() = connected.as_ref().err().map(|failure| (Instant::now(), failure.clone()));
        connected
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, Failure)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn try_connect(&self, read_only: bool) -> Result<Client, Failure> {
        let password = Arc::clone(&self.password);
        // The source may read a file or run a command.
        let password = tokio::task::spawn_blocking(move || password())
            .await
            .map_err(|_| Failure::new(Class::Auth, "the password could not be resolved"))?
            .map_err(|sentence| Failure::new(Class::Auth, sentence))?;
        let mut config = self.config();
        config.user(&self.target.user).password(password.expose_secret());
        config.options(format!("{OPTIONS}{}", if read_only { READ_ONLY } else { READ_WRITE }));
        self.connected(&config).await
    }

    /// What a session says of itself, whoever logs in.
    fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .dbname(&self.target.database)
            .application_name("estop")
            .options(OPTIONS)
            .ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config
    }

    async fn connected(&self, config: &Config) -> Result<Client, Failure> {
        let opened = tokio::time::timeout(CONNECT_DEADLINE, self.open(config)).await;
        opened.unwrap_or_else(|_| Err(Failure::deadline(When::Connecting)))
    }

    /// The driver of a connection ends by itself when its client is dropped or the server hangs up.
    async fn open(&self, config: &Config) -> Result<Client, Failure> {
        let unreachable =
            |error: io::Error| Failure::new(Class::Unreachable, format!("error connecting to server: {error}"));
        let stream = self.stream().await.map_err(unreachable)?;
        let stream = Bounded::new(stream, Arc::clone(&self.flooded));
        let failed = |error| Failure::of(&error, When::Connecting);
        if let Some(tls) = &self.tls {
            let mut tls = tls.clone();
            let Ok(tls) = MakeTlsConnect::<Bounded<TcpStream>>::make_tls_connect(&mut tls, &self.target.host);
            let (client, driver) = config.connect_raw(stream, tls).await.map_err(failed)?;
            tokio::spawn(driver);
            Ok(client)
        } else {
            let (client, driver) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
            tokio::spawn(driver);
            Ok(client)
        }
    }

    /// A server that vanished without a word is noticed while the console waits for the key.
    async fn stream(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((self.target.host.as_str(), self.target.port)).await?;
        stream.set_nodelay(true)?;
        let alive = TcpKeepalive::new()
            .with_time(Duration::from_secs(20))
            .with_interval(Duration::from_secs(5))
            .with_retries(3);
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&alive)?;
        socket.set_tcp_user_timeout(Some(STATEMENT_DEADLINE))?;
        Ok(stream)
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
    /// A server that takes the connection and says nothing.
    #[tokio::test(start_paused = true)]
    async fn all_who_wait_on_a_mute_server_pay_one_deadline() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("postgres://estop@{}/docs", mute.local_addr().expect("an address")).parse().expect("a URL");
        let pool = Pool::new(Target::of(&url).expect("a target"), Arc::new(|| Ok("x".into())), None).expect("a pool");
        let asked = Instant::now();
        let failures = futures::future::join_all((0..8).map(|_| pool.reader())).await;
        assert!(failures.into_iter().all(|failure| failure.is_err_and(|f| f.class == Class::Unreachable)));
        assert!(asked.elapsed() < CONNECT_DEADLINE * 2, "{:?}", asked.elapsed());
    }
}
