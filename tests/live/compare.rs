//! The same scenario on the simulator and on a real server: what is read, planned, sent and concluded must be the same.
//!
//! ```text
//! realm.json ─▶ server ────┐                 ┌─ list, holdings, plan ─┐
//!                          ├ same provider, ─┤  X: requests, outcome  ├─▶ lines ─▶ equal, or the simulator is wrong
//! realm.toml ─▶ simulator ─┘   same engine   └─ B: requests, outcome ─┘
//! ```

mod recorder;
mod scene;
mod shape;
mod side;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use estop::domain::Depth;

use self::{
    recorder::Recorded,
    shape::{Lines, Names},
    side::Side,
};
use crate::lab::keycloak::{BOTS, Lab, Realm};

/// Where the two differ.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn note(&mut self, what: &str, simulator: &Lines, server: &Lines) {
        if server.is_empty() {
            self.0.push(format!("{what}: there is nothing to compare"));
        }
        let only = |who: &str, mine: &Lines, other: &Lines| {
            mine.difference(other).map(|line| format!("{what}: only the {who}: {line}")).collect::<Vec<_>>()
        };
        self.0.extend(only("simulator", simulator, server));
        self.0.extend(only("server", server, simulator));
    }
}

/// What was sent, each with how often. Log-outs are repeated until the second of the gate is over, so their number
/// depends on when in the second it was; whether a session is still there when it is ended, or is ended once more after
/// the gate, depends on which of its own requests is answered first.
fn mutations(names: &Names, requests: &[Recorded]) -> Lines {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.changes()) {
        let mut request = request.clone();
        let ends_a_session = request.path.contains("/sessions/");
        if ends_a_session && request.status == 404 {
            request.status = 204;
        }
        let often = counts.entry(shape::request(names, &request)).or_default();
        *often = if ends_a_session || request.path.ends_with("/logout") { 1 } else { *often + 1 };
    }
    counts.into_iter().map(|(line, count)| format!("{count} x {line}")).collect()
}

/// The order in which each object was written for the first time: gates first, and what must follow them.
fn orders(names: &Names, requests: &[Recorded]) -> Lines {
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.changes()) {
        let segments: Vec<_> = request.path.split('/').collect();
        let (object, rest) = segments.split_at(segments.len().min(6));
        // Roles of one user are equals: their order is that of their ids.
        let rest = rest.first().copied().unwrap_or_default();
        let order = orders.entry(object.join("/")).or_default();
        let write = format!("{} {rest}", request.method);
        if !order.contains(&write) {
            order.push(write);
        }
    }
    orders.into_iter().map(|(object, order)| names.shape(&format!("{object}: {}", order.join(", ")))).collect()
}

fn reads(names: &Names, requests: &[Recorded]) -> Lines {
    let reads = requests.iter().filter(|request| request.is_admin() && !request.changes());
    reads.map(|request| shape::request(names, request)).collect()
}

fn listed(side: &Side) -> Lines {
    let snapshot = side.engine.snapshot();
    let bots = snapshot.bots.iter().flat_map(|view| view.identities.clone());
    bots.chain(snapshot.others.iter().cloned()).map(|identity| shape::identity(&side.names, &identity)).collect()
}

#[tokio::test]
#[ignore = "needs a real Keycloak"]
async fn the_simulator_and_the_server_are_one() -> Result<()> {
    let realm = Lab::from_env()?.fresh_realm().await?;
    let mut server = side::real(&realm)?;
    let (mut simulator, keycloak) = side::simulated(&realm.name, &kid(&realm)?)?;
    scene::on_server(&realm).await?;
    scene::on_simulator(&keycloak).await?;

    let mut differences = Differences::default();
    futures::join!(server.engine.refresh(), simulator.engine.refresh());
    differences.note("list", &listed(&simulator), &listed(&server));
    for bot in BOTS {
        compare_reading(&mut differences, bot, &mut simulator, &mut server)?;
    }
    let (simulated, real) = (simulator.recorder.take(), server.recorder.take());
    differences.note("reads", &reads(&simulator.names, &simulated), &reads(&server.names, &real));

    for (bot, depth) in BOTS.iter().flat_map(|bot| [(*bot, Depth::Isolate), (*bot, Depth::Burn)]) {
        compare_strike(&mut differences, bot, depth, &simulator, &server).await?;
        futures::join!(server.engine.refresh(), simulator.engine.refresh());
        compare_reading(&mut differences, bot, &mut simulator, &mut server)?;
    }
    realm.remove().await?;
    assert!(differences.0.is_empty(), "{}", differences.0.join("\n"));
    Ok(())
}

fn kid(realm: &Realm) -> Result<String> {
    let keys: serde_json::Value = serde_json::from_str(&realm.key.jwks())?;
    Ok(keys["keys"][0]["kid"].as_str().context("the key has no id")?.to_owned())
}

fn compare_reading(differences: &mut Differences, bot: &str, simulator: &mut Side, server: &mut Side) -> Result<()> {
    let (simulated, real) = (simulator.view(bot)?, server.view(bot)?);
    simulator.names.learn(&simulated.readings);
    server.names.learn(&real.readings);
    let (theirs, ours) = (&simulator.names, &server.names);
    differences.note(&format!("{bot} read"), &shape::readings(theirs, &simulated), &shape::readings(ours, &real));
    for (what, of_simulator, of_server) in [("X", &simulated.plan, &real.plan), ("B", &simulated.burn, &real.burn)] {
        let (one, other) = (shape::plan(theirs, of_simulator), shape::plan(ours, of_server));
        differences.note(&format!("{bot} plan of {what}"), &one, &other);
    }
    Ok(())
}

async fn compare_strike(
    differences: &mut Differences,
    bot: &str,
    depth: Depth,
    simulator: &Side,
    server: &Side,
) -> Result<()> {
    for side in [simulator, server] {
        side.recorder.take();
    }
    let (simulated, real) = futures::join!(simulator.isolate(bot, depth), server.isolate(bot, depth));
    let (simulated, real) = (simulated?, real?);
    let (theirs, ours) = (simulator.recorder.take(), server.recorder.take());
    let what = format!("{bot} {depth:?} sent");
    differences.note(&what, &mutations(&simulator.names, &theirs), &mutations(&server.names, &ours));
    differences.note(&what, &orders(&simulator.names, &theirs), &orders(&server.names, &ours));
    let (one, other) =
        (shape::outcome(&simulator.names, &simulated.outcome), shape::outcome(&server.names, &real.outcome));
    differences.note(&format!("{bot} {depth:?} came to"), &one, &other);
    Ok(())
}
