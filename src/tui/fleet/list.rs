//! The rows that a query leaves of a snapshot, in the order of a view: a pure function, run beside the loop where there
//! are many.
//!
//! ```text
//! Ask { snapshot, view, text, before } ─▶ index (kept) ─▶ order (kept) ─▶ filter (what was left, if it narrows) ─▶ rank
//! ```

use std::sync::Arc;

use super::{
    Row,
    index::{Entry, Index},
    parallel::in_parallel,
    query::Query,
    sieve::Sieve,
    sort::{Grouping, View, grouped, order},
};
use crate::engine::Snapshot;

/// Rows that are put in front because they fit best; the others stay in their order.
const RANKED: usize = 128;
/// Of more rows than that none is ranked: whoever looks for one types on.
const WORTH_RANKING: usize = 20_000;
/// Rows between two looks at whether anybody still wants the answer.
const STRETCH: usize = 2048;

/// What is to be listed.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its number: the newest wins.
    pub generation: u64,
    /// Of what.
    pub snapshot: Arc<Snapshot>,
    /// In which order.
    pub view: View,
    /// What was typed.
    pub text: String,
    /// The list until now: what still holds of it is used again.
    pub before: Arc<List>,
}

/// Rows of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common, as it came; empty: nothing is known.
    pub name: String,
    /// Its first row.
    pub first: usize,
    /// How many they are.
    pub count: usize,
}

/// One line of the list.
#[derive(Debug, Clone, Copy)]
pub enum ListLine<'a> {
    /// A group begins.
    Heading(&'a Group),
    /// The row of that number.
    Row(usize, Entry<'a>),
}

/// What is listed.
#[derive(Debug)]
pub struct List {
    index: Arc<Index>,
    view: View,
    query: Query,
    /// Every entry, in the order of the view.
    order: Arc<Vec<u32>>,
    /// Those that fit, in the order of the view.
    matched: Arc<Vec<u32>>,
    /// The same with the best in front, where a word ranks them.
    rows: Arc<Vec<u32>>,
    groups: Vec<Group>,
}

impl List {
    /// Of nothing.
    pub fn empty(snapshot: Arc<Snapshot>) -> Self {
        let index = Arc::new(Index::new(snapshot, false));
        let none: Arc<Vec<u32>> = Arc::default();
        Self {
            index,
            view: View::default(),
            query: Query::default(),
            order: none.clone(),
            matched: none.clone(),
            rows: none,
            groups: Vec::new(),
        }
    }

    /// Lists what is asked for. `None`: `stop` has said that nobody wants it any more.
    pub fn build(ask: &Ask, stop: &(dyn Fn() -> bool + Sync)) -> Option<Self> {
        let before = &ask.before;
        let keeps_index = before.index.serves(&ask.snapshot, ask.view.all);
        let index =
            if keeps_index { before.index.clone() } else { Arc::new(Index::new(ask.snapshot.clone(), ask.view.all)) };
        let keeps_order = keeps_index && before.view == ask.view && before.order.len() == index.count() as usize;
        let order = if keeps_order {
            before.order.clone()
        } else {
            Arc::new(grouped(&index, order(&index, ask.view), ask.view.grouping))
        };
        let query = Query::parse(&ask.text);
        let matched = if query.is_empty() {
            order.clone()
        } else {
            let from = if keeps_order && query.narrows(&before.query) { &before.matched } else { &order };
            Arc::new(sift(&index, &query, from, stop)?)
        };
        let is_ranked = query.ranks() && ask.view.grouping == Grouping::None && matched.len() <= WORTH_RANKING;
        let rows = if is_ranked { Arc::new(ranked(&index, &query, &matched)) } else { matched.clone() };
        let groups = groups(&index, &rows, ask.view.grouping);
        (!stop()).then_some(Self { index, view: ask.view, query, order, matched, rows, groups })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there would be without a filter.
    pub fn all(&self) -> usize {
        self.order.len()
    }

    /// Its index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// In which order it is.
    pub fn view(&self) -> View {
        self.view
    }

    /// Whether a word puts the best in front.
    pub fn is_ranked(&self) -> bool {
        self.query.ranks() && self.view.grouping == Grouping::None
    }

    /// What was not understood of the filter.
    pub fn problems(&self) -> &[String] {
        &self.query.problems
    }

    /// The thing of a row.
    pub fn entry(&self, row: usize) -> Option<Entry<'_>> {
        self.rows.get(row).map(|at| self.index.entry(*at))
    }

    /// The row of a thing; `None`: it is not listed.
    pub fn find(&self, row: &Row) -> Option<usize> {
        let at = self.index.find(row)?;
        self.rows.iter().position(|listed| *listed == at)
    }

    /// How many lines there are, headings included.
    pub fn lines(&self) -> usize {
        self.rows.len() + self.groups.len()
    }

    /// The line of a row.
    pub fn line_of(&self, row: usize) -> usize {
        row + self.groups.partition_point(|group| group.first <= row)
    }

    /// What stands in a line.
    pub fn line(&self, line: usize) -> Option<ListLine<'_>> {
        // The heading of group `n` has `n` headings and its first row's number of rows above it.
        let (mut low, mut high) = (0, self.groups.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.groups[middle].first + middle <= line { low = middle + 1 } else { high = middle }
        }
        match low.checked_sub(1) {
            Some(last) if self.groups[last].first + last == line => Some(ListLine::Heading(&self.groups[last])),
            _ => self.entry(line - low).map(|entry| ListLine::Row(line - low, entry)),
        }
    }

    /// Every row's number in the index, in the order of the view.
    pub fn matched(&self) -> &[u32] {
        &self.matched
    }
}

/// Those that fit, in their order.
fn sift(index: &Index, query: &Query, from: &[u32], stop: &(dyn Fn() -> bool + Sync)) -> Option<Vec<u32>> {
    let parts = in_parallel(from.len(), |range| {
        let mut sieve = Sieve::new(index, query);
        let mut found = Vec::new();
        for stretch in from[range].chunks(STRETCH) {
            if stop() {
                return None;
            }
            found.extend(stretch.iter().copied().filter(|at| sieve.fits(*at)));
        }
        Some(found)
    });
    let parts: Option<Vec<Vec<u32>>> = parts.into_iter().collect();
    parts.map(|parts| parts.concat())
}

/// The best in front, the others as they were.
fn ranked(index: &Index, query: &Query, matched: &[u32]) -> Vec<u32> {
    let mut scored: Vec<(u32, usize)> = in_parallel(matched.len(), |range| {
        let mut sieve = Sieve::new(index, query);
        range.map(|row| (sieve.score(matched[row]), row)).collect::<Vec<_>>()
    })
    .concat();
    let best = |(score, row): &(u32, usize)| (std::cmp::Reverse(*score), *row);
    if scored.len() > RANKED {
        scored.select_nth_unstable_by_key(RANKED, best);
        scored.truncate(RANKED);
    }
    scored.sort_unstable_by_key(best);
    let mut rows: Vec<u32> = scored.iter().map(|(_, row)| matched[*row]).collect();
    let mut taken: Vec<usize> = scored.into_iter().map(|(_, row)| row).collect();
    taken.sort_unstable();
    let rest = matched.iter().enumerate().filter(|(row, _)| taken.binary_search(row).is_err());
    rows.extend(rest.map(|(_, at)| *at));
    rows
}

fn groups(index: &Index, rows: &[u32], grouping: Grouping) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    if grouping == Grouping::None {
        return groups;
    }
    for (row, at) in rows.iter().enumerate() {
        let name = index.entry(*at).group(grouping);
        match groups.last_mut() {
            Some(group) if group.name == name => group.count += 1,
            _ => groups.push(Group { name: name.into_owned(), first: row, count: 1 }),
        }
    }
    groups
}
