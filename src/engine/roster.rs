//! Which identities are bots, and which belong together.
//!
//! A selector *lists*; only a `[[bot]]` entry *merges* or *protects*, and only by id: a name or an attribute at a
//! provider may be the attacker's.

mod census;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use globset::{Glob, GlobSet, GlobSetBuilder};

pub(super) use census::Census;

use super::Others;
use crate::domain::{Bot, BotName, Identity, IdentityId, ProviderName, Untrusted};

/// A `[[bot]]` entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BotEntry {
    /// Unique in the configuration.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// `production`, `staging` …
    pub environment: Option<String>,
    /// `PROVIDER:ID`; a provider's unique name in place of the id is resolved against its listing.
    pub identities: Vec<String>,
}

/// Selectors, entries and protected ids of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    names: GlobSet,
    attributes: Vec<(String, Option<String>)>,
    bots: Vec<BotEntry>,
    protected: BTreeSet<String>,
}

/// The fleet, sorted out.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub bots: Vec<(Bot, Vec<Identity>)>,
    pub others: Others,
    pub notices: Vec<String>,
}

impl Roster {
    /// Puts selectors and entries together. An attribute is `NAME` (present, and neither empty nor `false`) or
    /// `NAME=VALUE`.
    ///
    /// # Errors
    /// A glob that is none.
    pub fn new(
        names: &[String],
        attributes: &[String],
        bots: Vec<BotEntry>,
        protected: impl IntoIterator<Item = String>,
    ) -> Result<Self, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        for name in names {
            globs.add(Glob::new(name)?);
        }
        let attributes = attributes
            .iter()
            .map(|text| match text.split_once('=') {
                Some((name, value)) => (name.trim().to_owned(), Some(value.trim().to_owned())),
                None => (text.trim().to_owned(), None),
            })
            .collect();
        Ok(Self { names: globs.build()?, attributes, bots, protected: protected.into_iter().collect() })
    }

    /// Whether a selector lists it.
    fn selects(&self, identity: &Identity) -> bool {
        self.names.is_match(identity.name.raw())
            || self.attributes.iter().any(|(name, wanted)| {
                identity.attribute(name).is_some_and(|value| match wanted {
                    Some(wanted) => value.raw() == wanted,
                    None => value.raw() != "false",
                })
            })
    }

    fn protects(&self, identity: &IdentityId) -> bool {
        self.protected.contains(&identity.to_string())
    }

    /// The ids in its entries, or names in their place.
    fn named(&self) -> impl Iterator<Item = IdentityId> {
        self.bots.iter().flat_map(|entry| &entry.identities).filter_map(|text| text.parse().ok())
    }

    /// Sorts what the providers list into bots and others.
    pub(super) fn sort(&self, listed: &BTreeMap<&ProviderName, &Census>) -> Sorted {
        let mut sorted = Sorted::default();
        let mut rest = Rest { listed, taken: HashSet::new() };
        for entry in &self.bots {
            let bot = self.entry(entry, &mut rest, &mut sorted.notices);
            sorted.bots.push(bot);
        }
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        for (bot, _) in &sorted.bots {
            *taken.entry(bot.name.raw().to_owned()).or_default() += 1;
        }
        let selected: Vec<&Identity> = rest.selected().collect();
        for identity in &selected {
            *taken.entry(identity.name.raw().to_owned()).or_default() += 1;
        }
        for identity in selected {
            let ambiguous = taken.get(identity.name.raw()).is_some_and(|count| *count > 1);
            let name = if ambiguous { Untrusted::new(identity.id.to_string()) } else { identity.name.clone() };
            sorted.bots.push((self.listed(name, identity), vec![identity.clone()]));
        }
        sorted.others = rest.others();
        sorted.bots.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        sorted
    }

    /// A selected identity as a bot of its own. Owner and environment are what its provider says, as labels.
    fn listed(&self, name: Untrusted, identity: &Identity) -> Bot {
        Bot {
            name: BotName::new(name),
            owner: identity.attribute("owner").cloned(),
            contact: None,
            environment: identity.attribute("environment").cloned(),
            protected: self.protects(&identity.id),
            configured: false,
            identities: vec![identity.id.clone()],
        }
    }

    fn entry(&self, entry: &BotEntry, rest: &mut Rest<'_>, notices: &mut Vec<String>) -> (Bot, Vec<Identity>) {
        let mut ids = Vec::new();
        let mut found = Vec::new();
        for text in &entry.identities {
            match rest.take(text) {
                Ok(Some(identity)) => {
                    ids.push(identity.id.clone());
                    found.push(identity.clone());
                }
                Ok(None) => {
                    if let Ok(id) = text.parse() {
                        ids.push(id);
                    }
                }
                Err(why) => notices.push(format!("bot {}: {why}", entry.name)),
            }
        }
        let text = |value: &Option<String>| value.as_deref().map(Untrusted::from);
        let attribute = |name: &str| found.iter().find_map(|identity| identity.attribute(name).cloned());
        let bot = Bot {
            name: BotName::new(entry.name.as_str()),
            owner: text(&entry.owner).or_else(|| attribute("owner")),
            contact: text(&entry.contact),
            environment: text(&entry.environment).or_else(|| attribute("environment")),
            protected: ids.iter().any(|id| self.protects(id)),
            configured: true,
            identities: ids,
        };
        (bot, found)
    }
}

/// What no bot has been given yet.
struct Rest<'a> {
    listed: &'a BTreeMap<&'a ProviderName, &'a Census>,
    /// What has, by provider and number.
    taken: HashSet<(&'a ProviderName, u32)>,
}

impl<'a> Rest<'a> {
    /// Takes one out: by its id, or else by the provider's name for it, if only one has that.
    fn take(&mut self, text: &str) -> Result<Option<&'a Identity>, String> {
        let id: IdentityId = text.parse().map_err(|error| format!("{text}: {error}"))?;
        let Some((provider, census)) = self.listed.get_key_value(id.provider()) else { return Ok(None) };
        let by_id = census.find(&id).filter(|at| !self.taken.contains(&(*provider, *at)));
        let mut named = census.named(id.native()).iter().copied().filter(|at| !self.taken.contains(&(*provider, *at)));
        let at = match (by_id, named.next(), named.next()) {
            (Some(at), ..) | (None, Some(at), None) => at,
            (None, None, _) => return Ok(None),
            (None, Some(_), Some(_)) => return Err(format!("{text} names several identities: write the id")),
        };
        self.taken.insert((*provider, at));
        Ok(Some(census.at(at)))
    }

    fn selected(&self) -> impl Iterator<Item = &'a Identity> {
        self.listed.iter().flat_map(|(provider, census)| {
            let left = census.selected().iter().filter(|at| !self.taken.contains(&(*provider, **at)));
            left.map(|at| census.at(*at))
        })
    }

    /// Those that no selector lists either.
    fn others(self) -> Others {
        let mut places = Vec::with_capacity(self.listed.values().map(|census| census.len()).sum());
        for (part, (provider, census)) in (0_u32..).zip(self.listed) {
            let mut selected = census.selected().iter().copied().peekable();
            let mine: HashSet<u32> =
                self.taken.iter().filter(|(whose, _)| whose == provider).map(|(_, at)| *at).collect();
            let numbers = 0..u32::try_from(census.len()).unwrap_or(u32::MAX);
            places.extend(
                numbers.filter(|at| selected.next_if_eq(at).is_none() && !mine.contains(at)).map(|at| (part, at)),
            );
        }
        Others::new(self.listed.values().map(|census| census.listing().clone()).collect(), places)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::{IdentityKind, IdentityState},
        engine::Listing,
    };

    fn identity(native: &str, name: &str, attributes: &[(&str, &str)]) -> Identity {
        Identity {
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), Untrusted::from(*v))).collect(),
            ..Identity::new(
                IdentityId::new(ProviderName::new("sso"), native),
                name,
                IdentityKind::ServiceAccount,
                IdentityState::Live,
            )
        }
    }

    /// As one provider lists them.
    fn sort(roster: &Roster, identities: Vec<Identity>) -> Sorted {
        let census = Census::of(roster, Arc::new(Listing { identities, gaps: Vec::new() }));
        roster.sort(&BTreeMap::from([(&ProviderName::new("sso"), &census)]))
    }

    fn names(sorted: &Sorted) -> Vec<String> {
        sorted.bots.iter().map(|(bot, _)| bot.name.shown()).collect()
    }

    #[test]
    fn selectors_list_and_entries_merge() {
        let entry = BotEntry {
            name: "engineering".to_owned(),
            identities: vec!["sso:1".to_owned(), "sso:eng-prod".to_owned()],
            ..BotEntry::default()
        };
        let roster =
            Roster::new(&["*-bot".to_owned()], &["chatbot=true".to_owned()], vec![entry], ["sso:4".to_owned()])
                .unwrap();
        let sorted = sort(
            &roster,
            vec![
                identity("1", "eng-staging", &[]),
                identity("2", "eng-prod", &[("chatbot", "true")]),
                identity("3", "help-bot", &[("owner", "support")]),
                identity("4", "odd", &[("chatbot", "true")]),
                identity("5", "portal", &[("chatbot", "false")]),
            ],
        );
        assert_eq!(names(&sorted), ["engineering", "help-bot", "odd"]);
        assert_eq!(sorted.bots[0].0.identities.len(), 2);
        assert_eq!(sorted.bots[1].0.owner, Some("support".into()));
        assert!(sorted.bots[2].0.protected);
        assert_eq!(sorted.others.len(), 1);
    }

    #[test]
    fn equal_names_become_ids_and_a_missing_identity_stays_listed() {
        let entry = BotEntry { name: "gone".to_owned(), identities: vec!["sso:9".to_owned()], ..BotEntry::default() };
        let roster = Roster::new(&["x".to_owned()], &[], vec![entry], []).unwrap();
        let sorted = sort(&roster, vec![identity("1", "x", &[]), identity("2", "x", &[])]);
        assert_eq!(names(&sorted), ["gone", "sso:1", "sso:2"]);
        assert_eq!(sorted.bots[0].0.identities[0].to_string(), "sso:9");
    }

    #[test]
    fn a_name_that_several_have_is_refused() {
        let entry = BotEntry { name: "b".to_owned(), identities: vec!["sso:x".to_owned()], ..BotEntry::default() };
        let roster = Roster::new(&[], &[], vec![entry], []).unwrap();
        let sorted = sort(&roster, vec![identity("1", "x", &[]), identity("2", "x", &[])]);
        assert_eq!(sorted.notices, ["bot b: sso:x names several identities: write the id"]);
    }
}
