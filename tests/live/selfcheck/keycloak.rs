//! What survives which cut in a Keycloak realm.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use crate::lab::attacker::{neighbours, steal_everything};
use crate::lab::keycloak::{BOTS, Lab, Operator, Realm};
use crate::lab::next_second;
use crate::lab::oidc::Login;
use crate::lab::stolen::{Belongs, Stolen};

/// The names of what still works; an error if any of it is unclear.
async fn alive(loot: &[Stolen]) -> Result<Vec<&str>> {
    let mut alive = Vec::new();
    for stolen in loot {
        let seen = stolen.still_works().await;
        anyhow::ensure!(seen.works() || seen.refused(), "{stolen:?}: {seen}");
        if seen.works() {
            alive.push(stolen.what());
        }
    }
    Ok(alive)
}

async fn realm() -> Result<Realm> {
    Lab::from_env()?.fresh_realm().await
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn everything_that_is_stolen_works_and_so_do_the_neighbours() -> Result<()> {
    let realm = realm().await?;
    for bot in BOTS {
        let loot = steal_everything(&realm, bot).await?;
        assert!(loot.len() >= 4, "{bot}: {loot:?}");
        assert!(neighbours(&realm, bot).await?.len() >= 12);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn disabling_leaves_exchanged_tokens_and_enabling_wakes_the_rest() -> Result<()> {
    let realm = realm().await?;
    let loot = steal_everything(&realm, "bot-helpdesk").await?;
    let others = neighbours(&realm, "bot-helpdesk").await?;

    realm.set_enabled("bot-helpdesk", false).await?;
    let exchanged = ["token exchanged from the service account's", "token exchanged from alice's"];
    assert_eq!(alive(&loot).await?, exchanged);

    realm.set_enabled("bot-helpdesk", true).await?;
    assert_eq!(alive(&loot).await?.len(), loot.len());
    assert_eq!(alive(&others).await?.len(), others.len());
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn logging_out_ends_exchanged_tokens_but_not_the_secret() -> Result<()> {
    let realm = realm().await?;
    let loot = steal_everything(&realm, "bot-helpdesk").await?;
    next_second().await;
    realm.log_out(&realm.service_accounts["bot-helpdesk"]).await?;
    realm.log_out(&realm.alice.id).await?;
    assert_eq!(alive(&loot).await?, ["client secret", "registration access token"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn deleting_the_client_leaves_the_token_exchanged_from_the_users() -> Result<()> {
    let realm = realm().await?;
    let loot = steal_everything(&realm, "bot-helpdesk").await?;
    realm.admin.delete(&realm.client_path("bot-helpdesk")).await?;
    assert_eq!(alive(&loot).await?, ["token exchanged from alice's"]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn a_rotated_secret_lives_until_it_is_deleted() -> Result<()> {
    let realm = realm().await?;
    let loot = steal_everything(&realm, "bot-sales").await?;
    let secrets = ["rotated client secret", "client secret"];
    let only_secrets: Vec<Stolen> = loot.into_iter().filter(|stolen| secrets.contains(&stolen.what())).collect();

    realm.regenerate_secret("bot-sales").await?;
    assert_eq!(alive(&only_secrets).await?, ["client secret"]);
    realm.admin.delete(&format!("{}/client-secret/rotated", realm.client_path("bot-sales"))).await?;
    assert_eq!(alive(&only_secrets).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn children_and_the_shared_key_outlive_a_disabled_bot() -> Result<()> {
    let realm = realm().await?;
    let bot = "bot-engineering-staging";
    let loot = steal_everything(&realm, bot).await?;
    realm.set_enabled(bot, false).await?;

    let (own, rest): (Vec<Stolen>, Vec<Stolen>) = loot.into_iter().partition(|stolen| stolen.belongs == Belongs::Bot);
    assert_eq!(alive(&own).await?, ["token exchanged from the service account's"]);
    assert_eq!(alive(&rest).await?.len(), rest.len());
    assert!(rest.iter().any(|stolen| stolen.belongs == Belongs::Child));
    assert!(rest.iter().any(|stolen| stolen.what().contains("bot-engineering-prod")));
    Ok(())
}

/// The status of disabling bot-compliance as this operator.
async fn cut_as(realm: &Realm, operator: &Operator) -> Result<u16> {
    let login = Login::secret(&operator.client_id, &operator.secret);
    let token = realm.admin.oidc("master").mint(&login, "").await?.text("access_token")?;
    let body = json!({"enabled": false, "attributes": {}});
    let path = realm.client_path("bot-compliance");
    Ok(realm.admin.call_as(&token, Method::PUT, &path, Some(&body)).await?.status)
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn the_operator_cuts_and_one_without_the_right_does_not() -> Result<()> {
    let realm = realm().await?;
    let lesser = realm.operator_without(&["manage-clients"]).await?;
    assert_eq!(cut_as(&realm, &lesser).await?, 403);
    assert_eq!(cut_as(&realm, &realm.operator).await?, 204);
    Ok(())
}
