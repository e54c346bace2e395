//! An operator that lacks a right: `check` names it before, the outcome names it after.

use anyhow::{Context, Result};

use crate::estop::{Estop, SELECT, keycloak};
use crate::lab::keycloak::{Lab, Operator, Realm};
use crate::scene::{Scene, assert_dead, assert_live, entry, list};

const LANES: [&str; 4] = ["identity", "tokens", "connectors", "grants"];

/// Rights that are left out, and the lanes that cannot be read or cut then. The server takes `manage-clients` for
/// `view-clients` too, and `manage-users` for `view-users`: a view that is missing needs both left out.
const LEFT_OUT: [(&[&str], &[&str]); 6] = [
    (&["view-clients", "manage-clients"], &["identity", "tokens", "connectors"]),
    (&["view-users", "manage-users"], &LANES),
    (&["view-events"], &["identity", "tokens"]),
    (&["view-realm"], &["tokens", "connectors"]),
    (&["manage-clients"], &["identity", "tokens", "connectors"]),
    (&["manage-users"], &LANES),
];

fn estop_as(realm: &Realm, operator: &Operator) -> Result<Estop> {
    let estop = Estop::new(&format!("{SELECT}\n{}", keycloak("sso", realm, operator)))?;
    estop.secret(&operator.client_id, &operator.secret)?;
    Ok(estop)
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn check_finds_nothing_missing_with_all_rights() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let checked = Estop::of_realm(&realm, "")?.run(&["check"]).await?.expect(0);
    let provider = entry(list(checked.document(), "providers")?, "name", "sso")?;
    for name in LANES {
        let lane = entry(list(provider, "lanes")?, "lane", name)?;
        anyhow::ensure!(
            lane["can_read"] == true && lane["can_cut"] == true && list(lane, "missing")?.is_empty(),
            "{lane}"
        );
    }
    anyhow::ensure!(
        provider["whoami"].as_str().is_some_and(|who| who.contains(&realm.operator.client_id)),
        "{checked}"
    );
    anyhow::ensure!(list(checked.document(), "sinks")?.iter().all(|sink| sink["durable"] == true), "{checked}");
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn check_names_exactly_the_right_that_is_missing_in_each_lane() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    for (left_out, lanes) in LEFT_OUT {
        let operator = realm.operator_without(left_out).await?;
        let checked = estop_as(&realm, &operator)?.run(&["check"]).await?.expect(3);
        let provider = entry(list(checked.document(), "providers")?, "name", "sso")?;
        for name in LANES {
            let lane = entry(list(provider, "lanes")?, "lane", name)?;
            let expected: &[&str] = if lanes.contains(&name) { left_out } else { &[] };
            assert_eq!(lane["missing"], serde_json::json!(expected), "without {left_out:?}: {lane}");
            let lacks = |kind: &str| expected.iter().any(|right| right.starts_with(kind));
            let able = (lane["can_read"] == true, lane["can_cut"] == true);
            assert_eq!(able, (!lacks("view-"), !lacks("manage-")), "without {left_out:?}: {lane}");
        }
        for (lane, right) in lanes.iter().flat_map(|lane| left_out.iter().map(move |right| (lane, right))) {
            checked.says(&["sso", lane, right]);
        }
    }
    realm.remove().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn what_the_server_takes_for_a_view_is_enough_to_go_dark() -> Result<()> {
    let mut scene = Scene::robbed("bot-helpdesk").await?;
    let operator = scene.realm.operator_without(&["view-clients", "view-users"]).await?;
    scene.estop = estop_as(&scene.realm, &operator)?;
    scene.estop.run(&["check"]).await?.expect(0);
    scene.isolate(&[]).await?.expect(0);
    assert_dead(scene.owned()).await?;
    scene.assert_others_live().await?;
    scene.clear().await
}

/// Isolates with an operator that lacks a right; the outcome must be partial and name it.
async fn partial_without(right: &str) -> Result<(Scene, crate::estop::Ran)> {
    let mut scene = Scene::robbed("bot-helpdesk").await?;
    let operator = scene.realm.operator_without(&[right]).await?;
    scene.estop = estop_as(&scene.realm, &operator)?;
    let ran = scene.isolate(&[]).await?.expect(3);
    anyhow::ensure!(ran.outcome()["outcome"] == "partial", "{ran}");
    ran.says(&["bot-helpdesk", right]);
    assert_live(scene.neighbours.iter()).await?;
    scene.assert_journal_is_sound().await?;
    Ok((scene, ran))
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn without_manage_users_it_is_partial_with_an_instruction_for_each_piece() -> Result<()> {
    let (scene, ran) = partial_without("manage-users").await?;
    for piece in ["by hand", "consent", "session"] {
        ran.says(&["bot-helpdesk", "missing permission: manage-users", piece]);
    }
    anyhow::ensure!(ran.outcome()["counts"]["refused"].as_u64() >= Some(3), "{ran}");
    // What could be cut was: the client's gate needs another right.
    let login = scene.owned().find(|stolen| stolen.what() == "client secret").context("no secret was stolen")?;
    anyhow::ensure!(login.still_works().await.refused(), "the gate was not shut");
    let steps = |state: &str| ran.lines.iter().filter(|line| line["state"] == state).count();
    anyhow::ensure!(steps("refused") >= 3 && steps("verified") >= 1, "{ran}");
    scene.read("recheck").await?.expect(3);
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn without_manage_clients_it_is_partial_and_the_rest_is_cut() -> Result<()> {
    let (scene, ran) = partial_without("manage-clients").await?;
    ran.says(&["missing permission: manage-clients", "by hand"]);
    let offline = scene.owned().find(|stolen| stolen.what() == "alice's offline token").context("no offline token")?;
    anyhow::ensure!(offline.still_works().await.refused(), "alice's grant was not withdrawn");
    scene.clear().await
}

#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn without_view_events_it_is_never_dark() -> Result<()> {
    let (scene, _) = partial_without("view-events").await?;
    assert_dead(scene.owned()).await?;
    scene.clear().await
}
