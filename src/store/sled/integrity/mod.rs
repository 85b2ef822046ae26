//! What shows that something is missing or damaged: each part names what belongs to it, and is
//! compared with that when it is opened, when it is read, and by the scrub.
//!
//! | module | what |
//! |---|---|
//! | [`store_mark`], [`roots`] | how far the store and each tree have got, inside sled |
//! | [`seal`] | what a run and its blocks consist of |
//! | [`inspection`], [`file_backup`] | whether a store may be opened; its files from before that |
//! | [`scrub`], [`check`] | reading everything, while the store runs and while it does not |
//! | [`damage`] | what has been found damaged |

pub mod check;
pub mod damage;
pub mod file_backup;
pub mod inspection;
pub mod look;
#[cfg(test)]
mod missing_blocks;
pub mod roots;
pub mod scrub;
pub mod seal;
pub mod store_mark;
