//! A deterministic simulator: the production code of a system (`decide`, `evolve`, `whenever`, `awaits`, `withdraws`,
//! `claims`, `due`, `folds`, `routes`) on a model of the runtime, in memory and on one thread.
//!
//! One seed is one schedule of client commands, messages, delays, duplicates, losses, crashes, restarts, stopped
//! contexts and clock steps. The model promises what the runtime promises and no more, so what holds here for every
//! seed holds there. That it would notice is proven by taking one [`Mitigation`] at a time away from the model.
//!
//! | module | what |
//! |---|---|
//! | `world` | the contexts of a system, laid out on nodes; what may happen next |
//! | `aggregate`, `view` | a context that decides, a view |
//! | `subscription` | how either of them listens |
//! | `network` | what lies between the contexts: nodes, disks, questions on their way, the clock |
//! | `table` | rows that a crash takes back |
//! | `systems` | for each system: which bodies make sense, and what must hold |
//! | `seeds` | many seeds, and what to say of one that fails |

// Each of the two programs that share this uses its part of it.
#![allow(dead_code, unused_imports)]

mod aggregate;
mod client;
mod fault_plan;
mod mitigation;
mod network;
mod schedule;
mod seeds;
mod subscription;
mod systems;
mod table;
mod trace;
mod view;
mod world;

pub use mitigation::Mitigation;
pub use seeds::{run, run_many, seeds_until_noticed, unsaid};
pub use systems::{Business, business, businesses, businesses_by_routes};
