//! gbike (자전거 대여) over HTTP, as its customers and admins see it.

mod away;
mod money;
mod races;
mod rules;
mod station;
