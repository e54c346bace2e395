//! What happens to a bot while it is held, and a server that takes its time.

use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};

use super::{Case, Fault, enable_user, told};
use crate::estop::Estop;
use crate::lab::keycloak::{Lab, Realm};
use crate::scene::{assert_live, list};

/// A configuration tool puts the client back as it was, leaked secret and all: no read says whose secret it is.
async fn put_back_while_held(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-knowledge").await?;
    let leaked = &realm.secrets[case.bot];
    let tool = async {
        // The secret was ended and then used once, to no avail: from here on it is held.
        let used = |records: &[Value]| records.iter().any(|record| record["kind"] == "probe.result");
        wait_for(&case.estop, used).await?;
        let ended = |records: &[Value]| records.iter().any(|record| record["kind"] == "op.end");
        wait_for(&case.estop, ended).await?;
        let body = json!({"enabled": true, "secret": leaked, "attributes": {}});
        enable_user(realm, case.bot).await?;
        realm.admin.put(&realm.client_path(case.bot), &body).await
    };
    let arguments = ["isolate", case.bot, "--yes", "--leaked", "--hold", "12s"];
    let (ran, ()) = tokio::try_join!(case.estop.given(leaked, &arguments), tool)?;
    anyhow::ensure!(told(&ran, case.bot)? == "contradicted", "{ran}");
    let alive = list(ran.outcome(), "alive")?;
    anyhow::ensure!(alive.iter().any(|one| one.to_string().contains("was used at sso and let in")), "{ran}");
    let uses = case.estop.records()?.into_iter().filter(|record| record["kind"] == "probe.result");
    let uses: Vec<Value> = uses.map(|record| record["body"]["alive"].clone()).collect();
    anyhow::ensure!(uses.first() == Some(&json!(false)) && uses.last() == Some(&json!(true)), "{uses:?}");
    assert_live(case.logins()).await?;
    case.finish().await
}

/// The record is what is waited for: lines that are whole.
async fn wait_for(estop: &Estop, has: impl Fn(&[Value]) -> bool) -> Result<()> {
    let wait = async {
        loop {
            let mut records = Vec::new();
            for path in estop.journals().unwrap_or_default() {
                let text = std::fs::read_to_string(&path)?;
                records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
            }
            if has(&records) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), wait).await.context("it is not on record")?
}

/// A body that comes a byte at a time is given up in time; a page of a listing that breaks off is asked for again.
async fn a_server_that_drips(realm: &Realm) -> Result<()> {
    let case = Case::of(realm, "bot-sales").await?;
    let path = case.path();
    let reads = move |method: &Method, asked: &str| *method == Method::GET && asked.ends_with(&path);
    case.proxy.breaks(2, Fault::Drip(Duration::from_millis(50)), reads);
    case.proxy.breaks(1, Fault::Cut, |_, asked| asked.contains("/clients?first=0&max=500"));
    case.is_dark(&case.isolate(&[]).await?).await?;
    case.proxy.assert_fired("drip", 2)?;
    case.proxy.assert_fired("cut", 1)?;
    case.finish().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_while_a_bot_is_held_and_of_a_server_that_drips() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    tokio::try_join!(async { put_back_while_held(&realm).await.context("put back while held") }, async {
        a_server_that_drips(&realm).await.context("a server that drips")
    },)?;
    realm.remove().await
}
