//! One provider's listing, with what can be worked out when it comes rather than at each look.

use std::{collections::HashMap, sync::Arc};

use super::Roster;
use crate::{
    domain::{Fingerprint, Identity, IdentityId},
    engine::Listing,
};

/// A listing by id, and which of its identities the selectors list.
#[derive(Debug, Default)]
pub(in crate::engine) struct Census {
    listing: Arc<Listing>,
    /// Which are selected, in order.
    selected: Vec<u32>,
    /// Which have a name that an entry of the configuration has in the place of an id.
    named: HashMap<String, Vec<u32>>,
    /// Fingerprints of long-lived secrets that the listing brought along as the hint `fingerprints`, and whose.
    fingerprints: Vec<(Fingerprint, u32)>,
}

impl Census {
    /// Of a listing; of an id that it has twice the later counts.
    pub fn of(roster: &Roster, listing: Arc<Listing>) -> Self {
        let listing = if listing.identities.is_sorted_by(|a, b| a.id < b.id) { listing } else { in_order(listing) };
        let numbered = || (0_u32..).zip(&listing.identities);
        let selected = numbered().filter(|(_, identity)| roster.selects(identity)).map(|(at, _)| at).collect();
        let hint = |identity: &'_ Identity| identity.hints.get("fingerprints").cloned().unwrap_or_default();
        let of_one = |(at, identity)| {
            let parsed: Vec<_> =
                hint(identity).split(',').filter_map(Fingerprint::parse).map(|one| (one, at)).collect();
            parsed
        };
        let mut named: HashMap<String, Vec<u32>> =
            roster.named().map(|id| (id.native().to_owned(), Vec::new())).collect();
        for (at, identity) in numbered() {
            if let Some(numbers) = named.get_mut(identity.name.raw()) {
                numbers.push(at);
            }
        }
        named.retain(|_, numbers| !numbers.is_empty());
        let fingerprints = numbered().flat_map(of_one).collect();
        Self { listing, selected, named, fingerprints }
    }

    /// The listing, by id.
    pub fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// The one of that number.
    pub fn at(&self, at: u32) -> &Identity {
        &self.listing.identities[at as usize]
    }

    /// The one of that id.
    pub fn get(&self, id: &IdentityId) -> Option<&Identity> {
        self.find(id).map(|at| self.at(at))
    }

    /// The number of that id.
    pub fn find(&self, id: &IdentityId) -> Option<u32> {
        let at = self.listing.identities.binary_search_by(|identity| identity.id.cmp(id)).ok()?;
        u32::try_from(at).ok()
    }

    /// The numbers of those that have the name, if an entry of the configuration says it.
    pub fn named(&self, name: &str) -> &[u32] {
        self.named.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many it has.
    pub fn len(&self) -> usize {
        self.listing.identities.len()
    }

    /// The numbers of those that the selectors list.
    pub fn selected(&self) -> &[u32] {
        &self.selected
    }

    /// Whose long-lived secret has which fingerprint, as far as the listing tells.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&Fingerprint, &Identity)> {
        self.fingerprints.iter().map(|(fingerprint, at)| (fingerprint, self.at(*at)))
    }
}

fn in_order(listing: Arc<Listing>) -> Arc<Listing> {
    let mut listing = Arc::unwrap_or_clone(listing);
    listing.identities.sort_by(|a, b| a.id.cmp(&b.id));
    listing.identities.dedup_by(|later, kept| {
        let same = later.id == kept.id;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    Arc::new(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdentityKind, IdentityState, ProviderName};

    #[test]
    fn it_is_by_id_and_the_later_of_two_counts() {
        let of = |native: &str, name: &str| {
            let id = IdentityId::new(ProviderName::new("sso"), native);
            Identity::new(id, name, IdentityKind::ServiceAccount, IdentityState::Live)
        };
        let roster = Roster::new(&["*-bot".to_owned()], &[], vec![], []).unwrap();
        let mut keyed = of("2", "b-bot");
        keyed.hints.insert("fingerprints".to_owned(), "sha256:0123456789ab,none".to_owned());
        let identities = vec![of("3", "portal"), keyed, of("1", "old"), of("1", "a-bot")];
        let census = Census::of(&roster, Arc::new(Listing { identities, gaps: Vec::new() }));
        let names: Vec<_> = census.listing().identities.iter().map(|one| one.name.raw()).collect();
        assert_eq!(names, ["a-bot", "b-bot", "portal"]);
        assert_eq!(census.selected(), [0, 1]);
        let keys: Vec<_> = census.fingerprints().map(|(key, whose)| (key.to_string(), whose.name.raw())).collect();
        assert_eq!(keys, [("sha256:0123456789ab".to_owned(), "b-bot")]);
        assert_eq!(census.get(&of("3", "").id).map(|one| one.name.raw()), Some("portal"));
        assert!(census.get(&of("4", "").id).is_none());
    }
}
