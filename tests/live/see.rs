//! What `list`, `show`, `activity` and `plan` say about bots that were robbed, before anything is cut.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::estop::Estop;
use crate::lab::attacker::steal_everything;
use crate::lab::keycloak::{BOTS, Lab};
use crate::lab::oidc::Login;
use crate::lab::stolen::{Loot, Stolen};
use crate::scene::{Scene, entry, list};

/// What a bot of the lab must be shown to hold: lane and class; and resource and verb of a scope.
struct Shown {
    bot: &'static str,
    holdings: &'static [(&'static str, &'static str)],
    scope: (&'static str, &'static str),
}

const EVERYBODY: &[(&str, &str)] =
    &[("tokens", "access-tokens"), ("tokens", "registration-token"), ("connectors", "role-assignment")];

const SHOWN: [Shown; 6] = [
    Shown {
        bot: "bot-helpdesk",
        holdings: &[
            ("tokens", "client-secret"),
            ("tokens", "user-session"),
            ("tokens", "offline-session"),
            ("grants", "consent"),
        ],
        scope: ("ticket-system", "customers:read"),
    },
    Shown {
        bot: "bot-knowledge",
        holdings: &[("tokens", "client-secret")],
        scope: ("doc-repository", "documents:query"),
    },
    Shown {
        bot: "bot-sales",
        holdings: &[("tokens", "client-secret"), ("tokens", "rotated-secret")],
        scope: ("crm", "crm:write"),
    },
    Shown {
        bot: "bot-engineering-staging",
        holdings: &[("tokens", "signing-key"), ("tokens", "initial-access-token")],
        scope: ("build-deploy", "deploy:staging"),
    },
    Shown {
        bot: "bot-engineering-prod",
        holdings: &[("tokens", "signing-key")],
        scope: ("build-deploy", "deploy:production"),
    },
    Shown { bot: "bot-compliance", holdings: &[("tokens", "client-secret")], scope: ("policy-store", "policies:read") },
];

/// As estop shows a secret.
fn fingerprint(secret: &str) -> String {
    format!("sha256:{}", &hex::encode(Sha256::digest(secret))[..12])
}

/// The holdings of the bot's own identity.
fn holdings<'a>(document: &'a Value, bot: &str) -> Result<&'a Vec<Value>> {
    let identities = list(&list(document, "bots")?[0], "identities")?;
    list(entry(identities, "name", bot)?, "holdings")
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn every_bot_is_listed_and_nobody_else() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let estop = Estop::of_realm(&realm, "")?;
    let listed = estop.run(&["list"]).await?.expect(0);
    let bots = list(listed.document(), "bots")?;
    let names: BTreeSet<&str> = bots.iter().filter_map(|bot| bot["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(BOTS), "{listed}");
    for bot in bots {
        anyhow::ensure!(bot["state"] == "live" && bot["owner"].is_string() && bot["environment"].is_string(), "{bot}");
        anyhow::ensure!(bot["counts"]["credentials"].as_u64() >= Some(3) && bot["protected"] == false, "{bot}");
    }
    anyhow::ensure!(entry(bots, "name", "bot-engineering-staging")?["environment"] == "staging");
    let provider = entry(list(listed.document(), "providers")?, "name", "sso")?;
    anyhow::ensure!(provider["complete"] == true && provider["reachable"] == true && provider["kind"] == "keycloak");

    let all = estop.run(&["list", "--all"]).await?.expect(0);
    let others = list(all.document(), "others")?;
    entry(others, "name", "batch-report").context("a service account that is no bot")?;
    anyhow::ensure!(others.iter().all(|other| !BOTS.iter().any(|bot| other["name"] == *bot)), "{all}");
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn each_bot_is_shown_with_everything_that_was_stolen() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let estop = Estop::of_realm(&realm, "")?;
    for Shown { bot, holdings: wanted, scope } in SHOWN {
        let loot = steal_everything(&realm, bot).await?;
        let shown = estop.run(&["show", bot]).await?.expect(0);
        let held = holdings(shown.document(), bot)?;
        for (lane, class) in wanted.iter().chain(EVERYBODY) {
            let is = |holding: &&Value| holding["lane"] == *lane && holding["class"] == *class;
            let found = held.iter().find(is).with_context(|| format!("{bot}: no {class} in {lane}: {shown}"))?;
            anyhow::ensure!(found["state"] == "live", "{found}");
        }
        let reaches = |holding: &Value, (resource, verb): (&str, &str)| {
            list(holding, "scopes")
                .is_ok_and(|scopes| scopes.iter().any(|scope| scope["resource"] == resource && scope["verb"] == verb))
        };
        anyhow::ensure!(held.iter().any(|holding| reaches(holding, scope)), "{bot} reaches {scope:?}: {shown}");
        shows_stolen_secrets(&loot, held)?;
        shows_activity(&estop, bot).await?;
    }
    realm.remove().await
}

/// Each stolen secret of the bot itself is among the holdings, by its fingerprint.
fn shows_stolen_secrets(loot: &[Stolen], held: &[Value]) -> Result<()> {
    for stolen in loot.iter().filter(|stolen| stolen.what().contains("client secret")) {
        let Loot::Login(Login::Secret { secret, .. }) = stolen.loot() else { continue };
        entry(held, "fingerprint", &fingerprint(secret)).with_context(|| stolen.describe())?;
    }
    Ok(())
}

async fn shows_activity(estop: &Estop, bot: &str) -> Result<()> {
    let activity = estop.run(&["activity", bot]).await?.expect(0);
    let lines = list(activity.document(), "activity")?;
    let login = entry(lines, "action", "CLIENT_LOGIN").with_context(|| format!("{activity}"))?;
    anyhow::ensure!(login["from"] == "127.0.0.1" && login["outcome"] == "success", "{login}");
    let for_alice = estop.run(&["activity", bot, "--on-behalf-of", "alice"]).await?.expect(0);
    let for_alice = list(for_alice.document(), "activity")?;
    if bot == "bot-helpdesk" {
        anyhow::ensure!(for_alice.iter().any(|line| line["session"].is_string()), "{activity}");
    } else {
        anyhow::ensure!(for_alice.is_empty(), "{activity}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn the_plan_of_the_powerful_bot_names_children_exposure_and_the_shared_key() -> Result<()> {
    let scene = Scene::robbed("bot-engineering-staging").await?;
    let shown = scene.read("show").await?.expect(0);
    let identities = list(&list(shown.document(), "bots")?[0], "identities")?;
    let children: Vec<&str> =
        identities.iter().filter(|one| one["child_of"].is_string()).filter_map(|one| one["name"].as_str()).collect();
    for made in ["nightly-sync-", "report-export-"] {
        anyhow::ensure!(children.iter().any(|child| child.starts_with(made)), "no {made}: {children:?}");
    }
    let mints = |holding: &Value| {
        list(holding, "scopes")
            .is_ok_and(|scopes| scopes.iter().any(|scope| scope["verb"] == "manage-clients" && scope["mint"] == true))
    };
    anyhow::ensure!(holdings(shown.document(), &scene.name)?.iter().any(mints), "{shown}");

    let plan = scene.read("plan").await?.expect(0);
    let plan = plan.document();
    entry(list(plan, "collateral")?, "bot", "bot-engineering-prod")?;
    entry(list(plan, "exposure")?, "identity", &scene.id("bot-knowledge"))?;
    let steps = list(plan, "steps")?;
    for lane in ["identity", "tokens", "connectors"] {
        entry(steps, "lane", lane)?;
    }
    anyhow::ensure!(steps.iter().filter(|step| step["action"] == "disable-client").count() == 3, "{plan}");
    anyhow::ensure!(steps.iter().any(|step| step["mint_cut"] == true), "{plan}");
    anyhow::ensure!(steps.iter().all(|step| step["missing_permission"].is_null()), "{plan}");
    anyhow::ensure!(
        plan["read_at"].is_string() && plan["irreversible"].as_u64() >= Some(1) && list(plan, "gaps")?.is_empty(),
        "{plan}"
    );

    let burn = scene.estop.run(&["plan", &scene.name, "--burn"]).await?.expect(0);
    anyhow::ensure!(list(burn.document(), "steps")?.len() > steps.len(), "{burn}");
    anyhow::ensure!(burn.document()["hash"] != plan["hash"], "{burn}");
    scene.assert_others_live().await?;
    crate::scene::assert_live(scene.owned()).await.context("looking must not change anything")?;
    scene.clear().await
}
