//! The RFC 6962 tree over a file's lines, grown line by line: a root costs a few hashes, however long the file is.
//!
//! ```text
//! size 6 = 4 + 2     peaks: [ root of lines 0..4, root of lines 4..6 ]     root = node(peak, peak)
//! ```

use sha2::{Digest as _, Sha256};

/// A hash of the tree.
pub(super) type Node = [u8; 32];

/// RFC 6962, section 2.1: what goes before a leaf's bytes.
const LEAF: u8 = 0;
/// And before two nodes.
const INNER: u8 = 1;

/// The perfect subtrees of the lines so far, the biggest first: one for each bit of their number.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    size: u64,
    peaks: Vec<Node>,
}

impl Tree {
    /// How many lines it covers.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes in the next line, newline excluded.
    pub(super) fn push(&mut self, line: &[u8]) {
        let mut node: Node = Sha256::new_with_prefix([LEAF]).chain_update(line).finalize().into();
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("a peak for each bit of the size");
            node = inner(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root; of no lines, the hash of nothing.
    pub(super) fn root(&self) -> Node {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| inner(left, &right)),
        }
    }
}

fn inner(left: &Node, right: &Node) -> Node {
    Sha256::new_with_prefix([INNER]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 as it is written: split at the largest power of two below the size.
    fn recursive(lines: &[Vec<u8>]) -> Node {
        match lines {
            [] => Sha256::digest([]).into(),
            [line] => Sha256::digest([&[LEAF], line.as_slice()].concat()).into(),
            lines => {
                let split = 1 << (lines.len() - 1).ilog2();
                inner(&recursive(&lines[..split]), &recursive(&lines[split..]))
            }
        }
    }

    #[test]
    fn it_is_the_tree_of_the_standard_at_every_size() {
        let lines: Vec<Vec<u8>> = (0..130_u32).map(|number| format!("line {number}").into_bytes()).collect();
        let mut tree = Tree::default();
        for size in 0..=lines.len() {
            assert_eq!(tree.root(), recursive(&lines[..size]), "size {size}");
            assert_eq!(tree.size(), size as u64);
            if let Some(line) = lines.get(size) {
                tree.push(line);
            }
        }
    }
}
