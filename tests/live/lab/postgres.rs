//! A bot's role in a real PostgreSQL, what a thief has of it, and the role that estop cuts with.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::{Use, new_secret, setting, unique};

/// A running server, as its superuser.
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    password: String,
}

/// A role that can log in.
#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub password: String,
}

/// What estop's role is granted, beyond logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// `CREATEROLE`: shuts roles, changes passwords and takes back memberships.
    CreateRole,
    /// Ends other users' sessions.
    SignalBackend,
    /// Sees what sessions do and where they come from.
    ReadAllStats,
    /// `ADMIN OPTION` on the bot's role. Server 15 does not ask for it beside `CREATEROLE`, later ones do;
    /// it also makes estop a member of the bot's role.
    AdminOfBot,
}

impl Right {
    /// The least with which every cut succeeds on server 15.
    pub const LEAST: [Self; 3] = [Self::CreateRole, Self::SignalBackend, Self::ReadAllStats];

    fn grant(self, to: &str, bot: &str) -> String {
        match self {
            Self::CreateRole => format!("ALTER ROLE {to} CREATEROLE;"),
            Self::SignalBackend => format!("GRANT pg_signal_backend TO {to};"),
            Self::ReadAllStats => format!("GRANT pg_read_all_stats TO {to};"),
            Self::AdminOfBot => format!("GRANT {bot} TO {to} WITH ADMIN OPTION;"),
        }
    }
}

/// A bot on a data store: its role, its data, and the others around it.
pub struct Scene {
    server: Server,
    pub bot: Role,
    /// Another user, who was granted the bot's role.
    pub colleague: Role,
    /// Another bot, with rights of its own on the same table.
    pub neighbour: Role,
    /// The role that estop logs in as.
    pub estop: Role,
    /// The table that the bot reads, with its schema.
    pub table: String,
}

impl Server {
    /// The server of `ESTOP_LAB_POSTGRES`; its password is in the folder `ESTOP_LAB_POSTGRES_STATE`.
    pub fn from_env() -> Result<Self> {
        let url: Config = setting("ESTOP_LAB_POSTGRES")?.parse()?;
        let port = *url.get_ports().first().context("the URL has no port")?;
        Self::in_state(port, Path::new(&setting("ESTOP_LAB_POSTGRES_STATE")?))
    }

    /// The one whose state the script keeps in that folder.
    pub fn in_state(port: u16, folder: &Path) -> Result<Self> {
        let file = folder.join("superuser.password");
        let password = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(Self { port, password: password.trim().to_owned() })
    }

    /// The superuser.
    pub fn superuser(&self) -> Role {
        Role { name: "postgres".to_owned(), password: self.password.clone() }
    }

    pub async fn session(&self, role: &Role) -> Result<Session, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).dbname("postgres");
        config.user(&role.name).password(&role.password).connect_timeout(std::time::Duration::from_secs(10));
        let (client, connection) = config.connect(NoTls).await?;
        let end: Arc<Mutex<Option<Use>>> = Arc::default();
        let told = end.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await
                && let Ok(mut end) = told.lock()
            {
                *end = Some(judge(&error));
            }
        });
        Ok(Session { client, end })
    }

    /// Statements as the superuser.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.session(&self.superuser()).await?.client.batch_execute(sql).await.with_context(|| sql.to_owned())
    }

    /// The first column of what the superuser is shown.
    pub async fn rows(&self, sql: &str) -> Result<Vec<String>> {
        let session = self.session(&self.superuser()).await?;
        let rows = session.client.query(sql, &[]).await.with_context(|| sql.to_owned())?;
        rows.iter().map(|row| row.try_get::<_, String>(0).map_err(Into::into)).collect()
    }

    /// A new bot with data, colleagues, neighbours, and a role for estop.
    pub async fn fresh_scene(&self, rights: &[Right]) -> Result<Scene> {
        let id = unique();
        let role = |kind: &str| Role { name: format!("{kind}_{id}"), password: new_secret() };
        let scene = Scene {
            server: self.clone(),
            bot: role("kb_reader"),
            colleague: role("analyst"),
            neighbour: role("report_job"),
            estop: role("estop"),
            table: format!("kb_{id}.documents"),
        };
        let Scene { bot, colleague, neighbour, estop, table, .. } = &scene;
        let mut sql = vec![
            format!("CREATE SCHEMA kb_{id};"),
            format!("CREATE TABLE {table} AS SELECT n AS id, 'page ' || n AS body FROM generate_series(1, 20) n;"),
        ];
        for Role { name, password } in [bot, colleague, neighbour, estop] {
            sql.push(format!("CREATE ROLE {name} LOGIN PASSWORD '{password}';"));
        }
        for Role { name, .. } in [bot, neighbour] {
            sql.push(format!("GRANT USAGE ON SCHEMA kb_{id} TO {name}; GRANT SELECT ON {table} TO {name};"));
        }
        // Without inheritance, as for a person who takes the bot's role on purpose.
        sql.push(format!("ALTER ROLE {0} NOINHERIT; GRANT {1} TO {0};", colleague.name, bot.name));
        sql.extend(rights.iter().map(|right| right.grant(&estop.name, &bot.name)));
        self.session(&self.superuser()).await?.client.batch_execute(&sql.concat()).await?;
        Ok(scene)
    }
}

/// An open session, and what ended it.
pub struct Session {
    pub client: Client,
    end: Arc<Mutex<Option<Use>>>,
}

impl Session {
    async fn read(&self, sql: &str) -> Use {
        match self.client.batch_execute(sql).await {
            Ok(()) => Use::Works,
            // A closed session does not say why; the task that held the connection heard it.
            Err(error) if error.is_closed() => {
                let end = self.end.lock().ok().and_then(|end| end.clone());
                end.unwrap_or_else(|| Use::unclear(error))
            }
            Err(error) => judge(&error),
        }
    }
}

/// What a thief has, or a neighbour holds.
pub enum Loot {
    /// Logs in and reads.
    Password(Role),
    /// A session that was open already.
    Session(Session),
    /// Somebody else's password, whose role may take the bot's.
    Membership(Role),
    /// Somebody else's session that took the bot's role already.
    TakenRole(Session),
    /// Logs in, and wants nothing of the bot's.
    Login(Role),
}

pub struct Stolen {
    what: String,
    loot: Loot,
    server: Server,
    bot: String,
    table: String,
}

impl Stolen {
    pub fn describe(&self) -> &str {
        &self.what
    }

    /// Uses it: reads the bot's table.
    pub async fn still_works(&self) -> Use {
        let read = format!("SELECT count(*) FROM {}", self.table);
        match &self.loot {
            Loot::Password(role) => self.log_in_and(role, &read).await,
            Loot::Membership(role) => self.log_in_and(role, &format!("SET ROLE {}; {read}", self.bot)).await,
            Loot::Login(role) => self.log_in_and(role, "SELECT 1").await,
            Loot::Session(session) | Loot::TakenRole(session) => session.read(&read).await,
        }
    }

    async fn log_in_and(&self, role: &Role, sql: &str) -> Use {
        match self.server.session(role).await {
            Ok(session) => session.read(sql).await,
            Err(error) => judge(&error),
        }
    }
}

impl Scene {
    /// Password, open session, a colleague's right to the role, and a colleague's session in the role.
    pub async fn steal_everything(&self) -> Result<Vec<Stolen>> {
        let mut loot = self.steal_what_ends().await?;
        let taken = self.server.session(&self.colleague).await?;
        taken.client.batch_execute(&format!("SET ROLE {}", self.bot.name)).await?;
        loot.push(self.have("a colleague's session in the bot's role", Loot::TakenRole(taken)));
        all_work(loot).await
    }

    /// The same without the one thing that no statement ends.
    pub async fn steal_what_ends(&self) -> Result<Vec<Stolen>> {
        let open = self.server.session(&self.bot).await?;
        let loot = vec![
            self.have("the bot's password", Loot::Password(self.bot.clone())),
            self.have("the bot's open session", Loot::Session(open)),
            self.have("a colleague's membership in the bot's role", Loot::Membership(self.colleague.clone())),
        ];
        all_work(loot).await
    }

    /// The other bot, and the colleague's own login: they must not notice.
    pub async fn neighbours(&self) -> Result<Vec<Stolen>> {
        let open = self.server.session(&self.neighbour).await?;
        let loot = vec![
            self.have("the neighbour's password", Loot::Password(self.neighbour.clone())),
            self.have("the neighbour's open session", Loot::Session(open)),
            self.have("the colleague's own login", Loot::Login(self.colleague.clone())),
        ];
        all_work(loot).await
    }

    fn have(&self, what: &str, loot: Loot) -> Stolen {
        Stolen {
            what: what.to_owned(),
            loot,
            server: self.server.clone(),
            bot: self.bot.name.clone(),
            table: self.table.clone(),
        }
    }
}

async fn all_work(loot: Vec<Stolen>) -> Result<Vec<Stolen>> {
    for stolen in &loot {
        let seen = stolen.still_works().await;
        anyhow::ensure!(seen.works(), "{}: {seen}", stolen.describe());
    }
    Ok(loot)
}

/// The server's word is a refusal; a broken connection is not.
fn judge(error: &tokio_postgres::Error) -> Use {
    let Some(said) = error.as_db_error() else {
        return Use::unclear(error);
    };
    let refusals = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::ADMIN_SHUTDOWN,
    ];
    if refusals.contains(said.code()) {
        Use::Refused { status: said.code().code().to_owned(), hint: said.message().to_owned() }
    } else {
        Use::unclear(said)
    }
}
