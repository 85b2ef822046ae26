//! What staff registers, staff corrects, withdraws and restores: in each system, and from the declarations in all.

mod declared;
mod races;
mod rules;
