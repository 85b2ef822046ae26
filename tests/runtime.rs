//! The runtime, on a store in memory: sagas run, answers come, crashes and conflicts change nothing.

mod runtime {
    pub mod bench;
    mod guardian;
    mod sagas;
}
