//! A realm of its own for every test, with new secrets, and the operator that estop logs in as.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::admin::Admin;
use super::browser::User;
use super::oidc::{Answer, Login, Oidc, SigningKey};
use super::{new_secret, setting, unique};

const REALM_FILE: &str = include_str!("realm.json");

/// The clients that are bots.
pub const BOTS: [&str; 6] =
    ["bot-helpdesk", "bot-knowledge", "bot-sales", "bot-engineering-staging", "bot-engineering-prod", "bot-compliance"];

/// What the operator needs in the realm, to read and to cut.
pub const OPERATOR_ROLES: [&str; 11] = [
    "view-clients",
    "view-users",
    "view-events",
    "view-realm",
    "view-identity-providers",
    "manage-clients",
    "manage-users",
    "query-clients",
    "query-users",
    "query-groups",
    "query-realms",
];

/// A running server and its administrator.
#[derive(Clone)]
pub struct Lab {
    pub admin: Admin,
}

/// The client that estop logs in as; it lives in the realm `master`, out of the bots' reach.
#[derive(Clone)]
pub struct Operator {
    pub client_id: String,
    pub secret: String,
    /// Where it gets its tokens.
    pub token_url: String,
    /// The id of the client, not its name.
    pub id: String,
}

/// One realm of one test.
pub struct Realm {
    pub name: String,
    pub admin: Admin,
    pub oidc: Oidc,
    /// Full rights to read and cut.
    pub operator: Operator,
    /// clientId to id, for every client at the start.
    pub ids: BTreeMap<String, String>,
    /// clientId to the id of the service-account user, for the bots and batch-report.
    pub service_accounts: BTreeMap<String, String>,
    /// clientId to secret, for every client that has one.
    pub secrets: BTreeMap<String, String>,
    /// The key that both engineering bots sign with.
    pub key: Arc<SigningKey>,
    pub alice: User,
    pub bob: User,
}

impl Lab {
    pub fn connect(base_url: &str, admin_password: &str) -> Result<Self> {
        Ok(Self { admin: Admin::new(base_url, admin_password)? })
    }

    /// The server of `ESTOP_LAB_KEYCLOAK`; its password is in the folder `ESTOP_LAB_KEYCLOAK_STATE`.
    pub fn from_env() -> Result<Self> {
        let file = format!("{}/admin.password", setting("ESTOP_LAB_KEYCLOAK_STATE")?);
        let password = std::fs::read_to_string(&file).with_context(|| file.clone())?;
        Self::connect(&setting("ESTOP_LAB_KEYCLOAK")?, password.trim())
    }

    /// A new realm: every client with a new secret, every user with a new password.
    pub async fn fresh_realm(&self) -> Result<Realm> {
        let name = format!("chatbots-{}", unique());
        let key = signing_key().await?;
        let seed = Seed::new(&name, &key)?;
        self.admin.create_realm(&seed.representation).await?;

        let mut ids = BTreeMap::new();
        for client in list(self.admin.get(&format!("/{name}/clients")).await?)? {
            ids.insert(text(&client, "clientId")?, text(&client, "id")?);
        }
        let mut service_accounts = BTreeMap::new();
        for client in BOTS.iter().chain(&["batch-report"]) {
            let path = format!("/{name}/clients/{}/service-account-user", ids[*client]);
            service_accounts.insert((*client).to_owned(), text(&self.admin.get(&path).await?, "id")?);
        }
        Ok(Realm {
            operator: self.operator(&name, &OPERATOR_ROLES).await?,
            alice: self.user(&name, "alice", &seed.passwords).await?,
            bob: self.user(&name, "bob", &seed.passwords).await?,
            oidc: self.admin.oidc(&name),
            admin: self.admin.clone(),
            secrets: seed.secrets,
            name,
            ids,
            service_accounts,
            key,
        })
    }

    async fn user(&self, realm: &str, name: &str, passwords: &BTreeMap<String, String>) -> Result<User> {
        let found = list(self.admin.get(&format!("/{realm}/users?exact=true&username={name}")).await?)?;
        Ok(User {
            id: text(found.first().context("no such user")?, "id")?,
            name: name.to_owned(),
            password: passwords[name].clone(),
        })
    }

    async fn operator(&self, realm: &str, roles: &[&str]) -> Result<Operator> {
        let admin = &self.admin;
        let (client_id, secret) = (format!("estop-operator-{}", unique()), new_secret());
        let client = json!({
            "clientId": client_id, "secret": secret, "serviceAccountsEnabled": true,
            "standardFlowEnabled": false, "attributes": {"access.token.lifespan": "300"},
        });
        let id = created(&admin.post("/master/clients", &client).await?)?;
        let user = text(&admin.get(&format!("/master/clients/{id}/service-account-user")).await?, "id")?;
        let found = list(admin.get(&format!("/master/clients?clientId={realm}-realm")).await?)?;
        let target = text(found.first().context("the realm has no client in master")?, "id")?;
        let mut granted = list(admin.get(&format!("/master/clients/{target}/roles")).await?)?;
        granted.retain(|role| roles.iter().any(|name| role["name"] == *name));
        anyhow::ensure!(granted.len() == roles.len(), "an operator role does not exist");
        let path = format!("/master/users/{user}/role-mappings/clients/{target}");
        admin.post(&path, &Value::Array(granted)).await?;
        Ok(Operator {
            token_url: format!("{}/protocol/openid-connect/token", admin.oidc("master").issuer),
            client_id,
            secret,
            id,
        })
    }
}

impl Realm {
    /// Another operator, with every right but these.
    pub async fn operator_without(&self, left_out: &[&str]) -> Result<Operator> {
        let mut roles = OPERATOR_ROLES.to_vec();
        roles.retain(|role| !left_out.contains(role));
        let admin = self.admin.clone();
        Lab { admin }.operator(&self.name, &roles).await
    }

    /// How a client of this realm logs in.
    pub fn login(&self, client_id: &str) -> Result<Login> {
        if client_id.starts_with("bot-engineering") {
            return Ok(Login::Key { client_id: client_id.to_owned(), key: self.key.clone() });
        }
        match self.secrets.get(client_id) {
            Some(secret) => Ok(Login::secret(client_id, secret)),
            None if self.ids.contains_key(client_id) => Ok(Login::Public { client_id: client_id.to_owned() }),
            None => bail!("no client {client_id}"),
        }
    }

    /// Where the administrator finds a client: `/REALM/clients/ID`.
    pub fn client_path(&self, client_id: &str) -> String {
        format!("/{}/clients/{}", self.name, self.ids[client_id])
    }

    /// Where the administrator finds the user behind a client's service account.
    pub fn service_account_path(&self, client_id: &str) -> String {
        format!("/{}/users/{}", self.name, self.service_accounts[client_id])
    }

    /// Opens or shuts a client, as the server's own console would.
    pub async fn set_enabled(&self, client_id: &str, enabled: bool) -> Result<()> {
        let body = json!({"enabled": enabled, "attributes": {}});
        self.admin.put(&self.client_path(client_id), &body).await
    }

    /// Ends every session of a user, service accounts included.
    pub async fn log_out(&self, user_id: &str) -> Result<()> {
        let path = format!("/{}/users/{user_id}/logout", self.name);
        self.admin.post(&path, &json!({})).await.map(drop)
    }

    /// A new secret for a client, as it is now.
    pub async fn regenerate_secret(&self, client_id: &str) -> Result<String> {
        let path = format!("{}/client-secret", self.client_path(client_id));
        self.admin.post(&path, &json!({})).await?.text("value")
    }

    /// Removes the realm and its operator from the server.
    pub async fn remove(self) -> Result<()> {
        let operator = format!("/master/clients/{}", self.operator.id);
        self.admin.call(Method::DELETE, &operator, None).await?;
        self.admin.delete(&format!("/{}", self.name)).await
    }

    /// Every secret that the set-up made; none may turn up in what the console writes.
    pub fn known_secrets(&self) -> Result<Vec<String>> {
        let mut all: Vec<String> = self.secrets.values().cloned().collect();
        all.push(self.operator.secret.clone());
        all.extend([self.alice.password.clone(), self.bob.password.clone()]);
        // The first lines hold the modulus, which is public: it stands in every JWKS, where two digits are others.
        let (pem, public) = (self.key.pem()?, self.key.jwks());
        let is_public = |line: &&str| public.contains(&line.replace('+', "-").replace('/', "_"));
        let lines: Vec<&str> = pem.lines().filter(|line| line.len() > 40 && !line.starts_with('-')).collect();
        let secret = lines.iter().filter(|line| !is_public(line));
        anyhow::ensure!((10..lines.len()).contains(&secret.clone().count()), "half of a key is public, half is not");
        all.extend(secret.map(|line| (*line).to_owned()));
        Ok(all)
    }
}

/// The engineering bots' key: a new one for each run of the tests, as making one takes seconds.
async fn signing_key() -> Result<Arc<SigningKey>> {
    static KEY: OnceCell<Arc<SigningKey>> = OnceCell::const_new();
    let make = || async { tokio::task::spawn_blocking(|| Arc::new(SigningKey::generate())).await };
    Ok(KEY.get_or_try_init(make).await?.clone())
}

/// The realm file with a name, secrets, passwords and a key filled in.
struct Seed {
    representation: Value,
    secrets: BTreeMap<String, String>,
    passwords: BTreeMap<String, String>,
}

impl Seed {
    fn new(name: &str, key: &SigningKey) -> Result<Self> {
        let mut representation: Value = serde_json::from_str(REALM_FILE)?;
        let (mut secrets, mut passwords) = (BTreeMap::new(), BTreeMap::new());
        representation["realm"] = name.into();
        for client in entries(&mut representation["clients"])? {
            if client["clientAuthenticatorType"] == "client-jwt" {
                client["attributes"]["jwks.string"] = key.jwks().into();
            } else if client["publicClient"] != true {
                let secret = new_secret();
                client["secret"] = secret.clone().into();
                secrets.insert(text(client, "clientId")?, secret);
            }
        }
        for user in entries(&mut representation["users"])? {
            if user.get("serviceAccountClientId").is_none() {
                let password = new_secret();
                user["credentials"] = json!([{"type": "password", "value": password, "temporary": false}]);
                passwords.insert(text(user, "username")?, password);
            }
        }
        Ok(Self { representation, secrets, passwords })
    }
}

/// The id of what was made, from the end of its address.
pub(crate) fn created(answer: &Answer) -> Result<String> {
    let address = answer.location.as_deref().context("nothing was made")?;
    Ok(address.rsplit('/').next().unwrap_or_default().to_owned())
}

pub(crate) fn text(value: &Value, field: &str) -> Result<String> {
    let found = value[field].as_str();
    found.map(str::to_owned).with_context(|| format!("no {field}"))
}

fn list(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        _ => bail!("not a list"),
    }
}

fn entries(value: &mut Value) -> Result<&mut Vec<Value>> {
    value.as_array_mut().context("not a list")
}
