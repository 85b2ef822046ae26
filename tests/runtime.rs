//! The runtime, on a store in memory: sagas run, answers come, crashes and conflicts change nothing.

mod runtime {
    pub mod bench;
    mod kiosk;
    mod kiosk_works;
    mod protection;
    mod repeats;
    mod sagas;
    mod sagas_go_wrong;
    mod steps;
    mod tables;
}
