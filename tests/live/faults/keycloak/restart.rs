//! The server itself goes away in mid-strike, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use hyper::Method;

use super::super::proxy::Meeting;
use super::{Case, Fault, changes};
use crate::lab::own_server::OwnKeycloak;
use crate::scene::assert_dead;

/// Its first change is made; before the others the server is stopped. What was not done is said, and when the server is
/// there again all of it is finished.
#[tokio::test]
#[ignore = "needs real servers: tests/live/run"]
async fn faults_of_a_keycloak_that_restarts_in_mid_strike() -> Result<()> {
    let own = OwnKeycloak::start().await?;
    let realm = own.lab().fresh_realm().await?;
    let case = Case::of(&realm, "bot-helpdesk").await?;
    let (meeting, made) = (Arc::new(Meeting::default()), AtomicUsize::new(0));
    let but_the_first =
        move |method: &Method, path: &str| changes(method, path) && made.fetch_add(1, Ordering::Relaxed) > 0;
    case.proxy.breaks(usize::MAX, Fault::Meet(meeting.clone()), but_the_first);
    let stopping = async {
        meeting.reached().await?;
        own.halt().await?;
        meeting.go_on();
        anyhow::Ok(())
    };
    let (ran, ()) = tokio::try_join!(case.isolate(&[]), stopping)?;
    case.proxy.assert_fired("meet", 1)?;
    anyhow::ensure!(ran.code == 3 && ran.outcome()["outcome"] == "partial", "nobody was there to tell: {ran}");

    own.again().await?;
    let resumed = case.estop.run(&["resume"]).await?.expect(0);
    case.is_dark(&resumed).await.context("after the server came back")?;
    assert_dead(case.logins()).await.context("what was stolen lets in")?;
    case.finish().await
}
