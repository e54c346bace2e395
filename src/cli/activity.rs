//! `estop activity`.

use super::{
    Context, Exit, Stop,
    args::ActivityArgs,
    documents::{ActivityDocument, IdentityActivity},
    names::resolve,
    show::activity_row,
};
use crate::domain::{Activity, Untrusted};

/// What one log is asked for at most.
const LIMIT: usize = 1000;

/// Reads the logs of a bot's identities. 3 where one could not be read.
pub(super) async fn run(context: &Context, args: &ActivityArgs) -> Result<Exit, Stop> {
    context.engine.refresh().await;
    let snapshot = context.engine.snapshot();
    let view = resolve(&snapshot, &args.bot)?;
    let since = args.since.map(|since| since.instant(snapshot.generated_at));
    let read = context.engine.activity(&view.bot.name, since, LIMIT).await;
    let document = ActivityDocument::of(&snapshot, &view, &read, |activity| {
        is_wanted(activity, args) && since.is_none_or(|since| activity.at >= since)
    });
    if context.output.json {
        context.output.document(&document);
    } else if document.activity.is_empty() {
        context.output.line("nothing that fits is in the logs");
    } else {
        let row = |one: &IdentityActivity| activity_row(&one.activity).with(one.identity.to_string());
        context.output.rows(&document.activity.iter().map(row).collect::<Vec<_>>());
    }
    for error in &document.errors {
        context.output.say(&format!("the activity of {} could not be read: {}", error.identity, error.error));
    }
    for (identity, _) in read.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(|list| list.len() >= LIMIT)) {
        context.output.say(&format!("{identity} has done more than the newest {LIMIT}: narrow it with --since"));
    }
    Ok(Exit::of_reading(document.errors.is_empty()))
}

/// Whether the filters let it through.
fn is_wanted(activity: &Activity, args: &ActivityArgs) -> bool {
    let fits = |wanted: Option<&String>, is: Option<&Untrusted>| {
        wanted.is_none_or(|wanted| is.is_some_and(|is| is.raw() == wanted))
    };
    fits(args.from.as_ref(), activity.from.as_ref()) && fits(args.on_behalf_of.as_ref(), activity.on_behalf_of.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::documents::sample;

    #[test]
    fn filters_are_exact_and_unknown_never_fits() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "helpdesk").unwrap();
        let activity = &view.readings.iter().next().unwrap().activity[0];
        let mut anonymous = activity.clone();
        anonymous.on_behalf_of = None;
        let args = |from: Option<&str>, user: Option<&str>| ActivityArgs {
            bot: "helpdesk".into(),
            since: None,
            from: from.map(Into::into),
            on_behalf_of: user.map(Into::into),
        };
        assert!(is_wanted(activity, &args(None, None)));
        assert!(is_wanted(activity, &args(Some("203.0.113.7"), Some("alice"))));
        assert!(!is_wanted(activity, &args(Some("203.0.113.70"), None)));
        assert!(!is_wanted(&anonymous, &args(None, Some("alice"))));
    }

    #[test]
    fn a_log_that_was_not_read_is_an_error_of_the_document() {
        let snapshot = sample::snapshot();
        let view = resolve(&snapshot, "helpdesk").unwrap();
        let reading = view.readings.iter().next().unwrap();
        let id = reading.identity.id.clone();
        let read = [
            (id.clone(), Ok(reading.activity.clone())),
            (id, Err(crate::engine::ProviderError::Unreachable("corp-sso refused the connection".into()))),
        ];
        let document = ActivityDocument::of(&snapshot, &view, &read, |_| true);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }
}
