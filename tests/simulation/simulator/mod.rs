//! The real actors in virtual time: the contexts of a system on a node, as the server starts it, in one thread whose clock is
//! paused, so that a seed determines everything that happens.
//!
//! A seed is one schedule of client commands, of messages that are delayed, doubled, lost and reordered, of contexts that
//! crash, stop and start, of the death of the process with a part of what it had not written, and of steps of the clock.
//! After each step the invariants are looked at, and once nothing goes wrong any more everything must come to rest.
//!
//! | module | what |
//! |---|---|
//! | `nodes` | the nodes, as the server starts them, and one life of each |
//! | `world` | the nodes of some systems, their clients, and what they were promised |
//! | `wire`, `broker` | what lies between two nodes: their questions and events |
//! | `disk` | the store of a node: what of it is durable, and what a death leaves |
//! | `conditions` | the network, the clock, chance, and where the actors crash |
//! | `mirror` | what the logs say of each context, read as any client may |
//! | `ledger` | who has a thing, and which sums come out even, as contexts declare it |
//! | `owners` | whose saga it is, and whose each row |
//! | `seen` | which events have happened, and which there are |
//! | `schedule` | what happens next |
//! | `promises` | what clients were told, and must be able to rely on |
//! | `breakers` | what was begun, and which contexts could not be asked then |
//! | `damage` | what disks do to rows, and operators to clocks |
//! | `systems` | for each system: which bodies make sense, and what must hold beside what its contexts declare |
//! | `panics` | panics that are caught where they happen |
//! | `seeds` | many seeds, and the shortest schedule of one that fails |

// Each of the two programs that share this uses its part of it.
#![allow(dead_code, unused_imports)]

mod breakers;
mod broker;
mod client;
mod conditions;
mod damage;
mod disk;
mod ledger;
mod mirror;
mod nodes;
mod owners;
mod panics;
mod plan;
mod promises;
mod schedule;
mod seeds;
mod seen;
mod systems;
mod trace;
mod wire;
mod world;

pub use seeds::{Run, Verdict, missing, run_many, seeds_until_noticed};
pub use seen::Seen;
pub use systems::{
    Business, Model, businesses, businesses_by_routes, find_business, lonely, seventh, together,
};
pub use world::Scene;
