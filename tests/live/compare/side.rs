//! One side of the comparison: a realm, the real provider over it, the real engine over that.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use estop::{
    domain::{BotName, Depth, ProviderName},
    engine::{BotEntry, BotView, Clock, Ended, Engine, Order, Parts, Roster, Rules, SystemClock},
    journal::{Process, Store},
    providers::{
        http::{NetworkOptions, NetworkTransport},
        keycloak::{Keycloak, Settings},
        transport::Transport,
    },
    tabletop::{Fleet, SimulatedKeycloak, keycloak::BASE_URL},
};
use secrecy::SecretString;
use url::Url;

use super::{recorder::Recorder, shape::Names};
use crate::lab::keycloak::{BOTS, Realm};

pub struct Side {
    pub engine: Engine,
    pub recorder: Arc<Recorder>,
    pub names: Names,
}

/// Everything but the address and the credentials is the same on both sides.
struct Reach {
    base_url: String,
    realm: String,
    client_id: String,
    secret: SecretString,
    transport: Arc<dyn Transport>,
    names: Names,
}

/// Over the network.
pub fn real(realm: &Realm) -> Result<Side> {
    let names = Names::of(
        &realm.name,
        |name| realm.ids.get(name).cloned(),
        |user| {
            let account = user.strip_prefix("service-account-").and_then(|client| realm.service_accounts.get(client));
            account
                .cloned()
                .or_else(|| [&realm.alice, &realm.bob].into_iter().find(|u| u.name == user).map(|u| u.id.clone()))
        },
    );
    let network = NetworkTransport::new(&NetworkOptions::default()).map_err(anyhow::Error::msg)?;
    side(Reach {
        base_url: realm.admin.base_url.clone(),
        realm: realm.name.clone(),
        client_id: realm.operator.client_id.clone(),
        secret: realm.operator.secret.clone().into(),
        transport: Arc::new(network),
        names,
    })
}

/// The same realm, simulated.
pub fn simulated(realm: &str, kid: &str) -> Result<(Side, Arc<SimulatedKeycloak>)> {
    let fleet = Fleet::parse(&include_str!("realm.toml").replace("@REALM@", realm).replace("@KID@", kid))?;
    let keycloak = Arc::new(SimulatedKeycloak::new(&fleet, Arc::new(SystemClock::new()))?);
    let names = Names::of(realm, |client| keycloak.client_uuid(client), |user| keycloak.user_id(user));
    let (client_id, secret) = keycloak.operator().context("the simulator has no operator")?;
    let (base_url, realm) = (BASE_URL.to_owned(), realm.to_owned());
    let side = side(Reach { base_url, realm, client_id, secret, transport: keycloak.clone(), names })?;
    Ok((side, keycloak))
}

fn side(reach: Reach) -> Result<Side> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let recorder = Arc::new(Recorder::over(reach.transport));
    let secret = reach.secret;
    let settings = Settings {
        name: ProviderName::new("sso"),
        base_url: Url::parse(&reach.base_url)?,
        realm: reach.realm,
        auth_realm: "master".to_owned(),
        client_id: reach.client_id,
        client_secret: Arc::new(move || Ok(secret.clone())),
    };
    let bots = BOTS.iter().map(|bot| BotEntry {
        name: (*bot).to_owned(),
        identities: vec![format!("sso:{bot}")],
        ..BotEntry::default()
    });
    let stamped = clock.clone();
    let stamp = Arc::new(move || (stamped.now(), u64::try_from(stamped.monotonic().as_millis()).unwrap_or(u64::MAX)));
    let engine = Engine::new(Parts {
        providers: vec![Arc::new(Keycloak::new(settings, recorder.clone(), clock.clone()))],
        roster: Roster::new(&[], &[], bots.collect(), [])?,
        store: Store::in_memory(None, stamp, Process::this()),
        clock,
        exercise: None,
        read_only: false,
        rules: Rules::default(),
    });
    Ok(Side { engine, recorder, names: reach.names })
}

impl Side {
    pub fn view(&self, bot: &str) -> Result<Arc<BotView>> {
        self.engine.snapshot().bot(&BotName::new(bot)).cloned().with_context(|| format!("{bot} is not listed"))
    }

    pub async fn isolate(&self, bot: &str, depth: Depth) -> Result<Ended> {
        let order = Order { depth, name_typed: true, ..Order::isolate(BotName::new(bot)) };
        Ok(self.engine.isolate(order).await?.ended().await?)
    }
}
