//! A snapshot as a backup.

use super::{
    block::{BlockKind, BlockWriter},
    contents::{BackupEnd, BackupHead, Base, RowSum, RowsBuilder, TreeEnd},
    error::BackupError,
};
use crate::store::{Snapshot, StoreError, keys::key_after};
use serde::Serialize;
use std::io::Write;

/// Rows that are read at once.
const PAGE: usize = 512;

/// What a backup says of itself, beside what the snapshot knows.
#[derive(Debug, Clone, Default)]
pub struct BackupLabel {
    /// When it is made.
    pub made: String,
    /// What it is made after; `None`: it has everything.
    pub since: Option<Base>,
}

/// Writes all rows of `snapshot`, or those that were written since. Gives its head, its end and how many bytes it has.
///
/// # Errors
/// [`BackupError::Unfit`] where it is to be made after a commit that the store does not have yet; [`BackupError::Store`] or
/// [`BackupError::Io`].
pub fn write_backup(
    snapshot: &dyn Snapshot,
    label: BackupLabel,
    to: &mut dyn Write,
) -> Result<(BackupHead, BackupEnd, u64), BackupError> {
    let BackupLabel { made, since } = label;
    let commit = snapshot.commit();
    if let Some(base) = since.as_ref().filter(|base| base.commit > commit) {
        let after = base.commit;
        return Err(BackupError::Unfit(format!(
            "the store has {commit} commits, so there is no backup of it after commit {after}: it was restored since, or is \
             another one; make a whole backup"
        )));
    }
    let head = BackupHead {
        store: uuid::Uuid::from_u128(snapshot.store()).to_string(),
        commit,
        since,
        made,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let mut blocks = BlockWriter::begin(to)?;
    write_json(&mut blocks, BlockKind::Head, &head)?;
    let counted = write_trees(snapshot, head.since.as_ref(), &mut blocks);
    if let Err(error @ BackupError::Store(_)) = &counted {
        // Those who read it learn why it has no end.
        write_json(&mut blocks, BlockKind::Failure, &error.to_string())?;
        blocks.flush()?;
    }
    let (trees, rows) = counted?;
    let end = BackupEnd { trees, rows, sum: blocks.sum() };
    write_json(&mut blocks, BlockKind::End, &end)?;
    blocks.flush()?;
    Ok((head, end, blocks.bytes()))
}

/// Writes the trees, and gives how many trees and rows those are.
fn write_trees(
    snapshot: &dyn Snapshot,
    since: Option<&Base>,
    blocks: &mut BlockWriter<'_>,
) -> Result<(u64, u64), BackupError> {
    let mut trees = 0;
    let mut rows = 0;
    for tree in snapshot.trees() {
        write_json(blocks, BlockKind::Tree, &tree)?;
        let end = write_tree(snapshot, &tree, since, blocks)?;
        trees += 1;
        rows += end.rows;
        write_json(blocks, BlockKind::TreeEnd, &end)?;
    }
    Ok((trees, rows))
}

fn write_tree(
    snapshot: &dyn Snapshot,
    tree: &str,
    since: Option<&Base>,
    blocks: &mut BlockWriter<'_>,
) -> Result<TreeEnd, BackupError> {
    let mut block = RowsBuilder::default();
    let mut sum = RowSum::default();
    let mut rows = 0;
    let mut written = 0;
    let mut from = Vec::new();
    loop {
        let page = snapshot.read_page(tree, &from, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        from = key_after(last);
        for (key, row) in &page {
            sum.add_row(key, row);
            rows += 1;
            let changed = since.is_none_or(|base| row.commit > base.commit);
            written += u64::from(changed);
            if block.push_row(key, changed.then_some(row))
                && let Some(packed) = block.take_block()?
            {
                blocks.write_block(BlockKind::Rows, &packed)?;
            }
        }
        if page.len() < PAGE {
            break;
        }
    }
    if let Some(packed) = block.take_block()? {
        blocks.write_block(BlockKind::Rows, &packed)?;
    }
    Ok(TreeEnd { rows, written, sum: sum.finish() })
}

fn write_json(
    blocks: &mut BlockWriter<'_>,
    kind: BlockKind,
    said: &impl Serialize,
) -> Result<(), BackupError> {
    let bytes = serde_json::to_vec(said)
        .map_err(|error| StoreError::Invalid(format!("a backup cannot say this: {error}")))?;
    blocks.write_block(kind, &bytes)
}
